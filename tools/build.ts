import { copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runCommand } from './run-command.ts'
import { makeSmall } from './small-javascript.ts'
import { root } from './source-tree.ts'

/**
 * Builds every package from nothing into its `dist`: declarations with the documentation in them, and
 * JavaScript. That of the SDK, which every service carries, is made small (`small-javascript.ts`). That of
 * the others has no comments and no maps. The console is no package to anybody else: identity has its files.
 */
const sdk: ReadonlySet<string> = new Set(['packages/protocol', 'packages/verify'])
const website = 'packages/console'
const packages = globSync('packages/*/package.json', { cwd: root })
  .map(dirname)
  .filter((folder) => folder !== website)
  .toSorted()
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
  const built = globSync(`${folder}/dist/**/*.js`, { cwd: root })
  if (built.length === 0) throw new Error(`nothing was built in ${folder}`)
  if (sdk.has(folder)) await makeSmall(join(root, folder))
}

copyCorpus()
// Into the folder of identity, with which it is published.
runCommand('npm', ['run', '--silent', 'build', '--workspace', website])

/** What `portcullis doctor` sends is what our own verifier is tested with, and goes out with it. */
function copyCorpus(): void {
  const destination = join(root, 'packages/doctor/dist/vectors')
  mkdirSync(destination, { recursive: true })
  for (const name of ['access-tokens.json', 'endpoint-attacks.json']) {
    copyFileSync(join(root, 'vectors', name), join(destination, name))
  }
}

/** The types were checked when the declarations were made. */
function javaScriptOnly(): readonly string[] {
  const off = ['emitDeclarationOnly', 'declaration', 'isolatedDeclarations', 'composite']
  return ['--noCheck', ...off.flatMap((option) => [`--${option}`, 'false'])]
}
