import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from './source-tree.ts'

/** Builds the packages as they would be published, and lets publint look at what npm would pack. */
const packagesMin = 6

const build = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' })
if (build.status !== 0) process.exit(1)

const manifests = globSync('packages/*/package.json', { cwd: root }).toSorted()
if (manifests.length < packagesMin) {
  throw new Error(`only ${manifests.length} packages were found`)
}
let mistakes = 0
for (const manifest of manifests) {
  const packageFolder = join(root, manifest, '..')
  const { messages, pkg } = await publint({ pkgDir: packageFolder, strict: true })
  for (const message of messages) {
    mistakes += 1
    process.stderr.write(`${String(pkg['name'])}: ${formatMessage(message, pkg) ?? message.code}\n`)
  }
  mistakes += checkManifest(manifest)
}
process.stdout.write(`${manifests.length} packages were looked at, ${mistakes} mistakes\n`)
process.exit(mistakes === 0 ? 0 : 1)

/** What publint does not know: the rules of this house. */
function checkManifest(path: string): number {
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(root, path), 'utf8'))
  const required = ['description', 'license', 'engines', 'files']
  const missing = required.filter((member) => manifest[member] === undefined)
  for (const member of missing) process.stderr.write(`${path}: ${member} is missing\n`)
  return missing.length
}
