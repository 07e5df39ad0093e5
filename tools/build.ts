import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { runCommand } from './run-command.ts'
import { root } from './source-tree.ts'

/**
 * Builds every package from nothing into its `dist`: declarations with the documentation in them, and
 * JavaScript without comments, spaced like the sources. There are no source maps: `src` is not
 * published, so they would lead nowhere, and what a stack trace names can be read as it is.
 */
const packages = globSync('packages/*/package.json', { cwd: root }).map(dirname).toSorted()
if (packages.length === 0) throw new Error('no package was found')

for (const folder of packages) {
  // Otherwise what is left of a source that is gone would be published with the rest.
  rmSync(join(root, folder, 'dist'), { recursive: true, force: true })
  rmSync(join(root, folder, 'tsconfig.tsbuildinfo'), { force: true })
  // Whoever gets a copy of the work gets a copy of the license (Apache License 2.0 section 4).
  copyFileSync(join(root, 'LICENSE'), join(root, folder, 'LICENSE'))
}

runCommand('tsc', ['-b', ...packages])
for (const folder of packages) runCommand('tsc', ['-p', folder, ...javaScriptOnly()])
await spaceLikeSources(globSync('packages/*/dist/**/*.js', { cwd: root }))

/** The types were checked when the declarations were made. */
function javaScriptOnly(): readonly string[] {
  const off = ['emitDeclarationOnly', 'declaration', 'isolatedDeclarations', 'composite']
  return ['--noCheck', '--removeComments', ...off.flatMap((option) => [`--${option}`, 'false'])]
}

/** The compiler indents by four: a tenth of what a user would install. */
async function spaceLikeSources(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) throw new Error('nothing was built')
  const style = await resolveConfig(join(root, 'package.json'))
  for (const path of paths.map((name) => join(root, name))) {
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, await format(text, { ...style, filepath: path }))
  }
}
