import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { minify } from 'terser'
import { runCommand } from './run-command.ts'
import { root } from './source-tree.ts'

/**
 * Builds every package from nothing into its `dist`: declarations with the documentation in them, and
 * JavaScript. That of the SDK, which every service carries, is made small: names of functions and classes
 * stay, and a source map beside each file holds the readable text, for debuggers and stack traces. That of
 * the others has no comments and no maps.
 */
const sdk: ReadonlySet<string> = new Set(['packages/protocol', 'packages/verify'])
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
for (const folder of packages) {
  // What is made small needs its comments for the map.
  const comments = sdk.has(folder) ? [] : ['--removeComments']
  runCommand('tsc', ['-p', folder, ...javaScriptOnly(), ...comments])
  const paths = globSync(`${folder}/dist/**/*.js`, { cwd: root }).map((name) => join(root, name))
  if (paths.length === 0) throw new Error(`nothing was built in ${folder}`)
  if (sdk.has(folder)) await Promise.all(paths.map(makeSmall))
}

/** The types were checked when the declarations were made. */
function javaScriptOnly(): readonly string[] {
  const off = ['emitDeclarationOnly', 'declaration', 'isolatedDeclarations', 'composite']
  return ['--noCheck', ...off.flatMap((option) => [`--${option}`, 'false'])]
}

async function makeSmall(path: string): Promise<void> {
  const readable = readFileSync(path, 'utf8')
  const name = basename(path)
  const { code, map } = await minify(
    { [name]: readable },
    {
      module: true,
      // It would move functions to where they are called, and make them anew at each call.
      compress: { ecma: 2020, passes: 2, inline: false, reduce_funcs: false },
      keep_fnames: true,
      keep_classnames: true,
      sourceMap: { url: `${name}.map`, includeSources: true },
    },
  )
  if (code === undefined || typeof map !== 'string') throw new Error(`${name} cannot be made small`)
  writeFileSync(path, `${code}\n`)
  writeFileSync(`${path}.map`, map)
}
