import { copyFileSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Options } from 'prettier'
import { format, resolveConfig } from 'prettier'
import { minify } from 'terser'
import { runCommand } from './run-command.ts'
import { root } from './source-tree.ts'

/**
 * Builds every package from nothing into its `dist`: declarations with the documentation in them, and
 * JavaScript. That of the SDK, which every service carries, is made small: names of functions and classes
 * stay, and a source map beside each file holds the readable text, for debuggers and stack traces. That of
 * the others is spaced like the sources, without comments and maps.
 */
const sdk: ReadonlySet<string> = new Set(['packages/protocol', 'packages/verify'])
let style: Options | null | undefined
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
  for (const path of paths) {
    await spaceLikeSources(path)
    if (sdk.has(folder)) await makeSmall(path)
  }
}

/** The types were checked when the declarations were made. */
function javaScriptOnly(): readonly string[] {
  const off = ['emitDeclarationOnly', 'declaration', 'isolatedDeclarations', 'composite']
  return ['--noCheck', ...off.flatMap((option) => [`--${option}`, 'false'])]
}

/** The compiler indents by four: a tenth of what a user would install. */
async function spaceLikeSources(path: string): Promise<void> {
  style ??= await resolveConfig(join(root, 'package.json'))
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, await format(text, { ...style, filepath: path }))
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
