import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { endAsMisused, readCommandLine } from '../../tools/command-line.ts'
import { benchmarks } from './benchmarks.ts'
import { missedGoal } from './exit-code.ts'
import { measuredCore, pinnedTo } from './pinning.ts'

const usage = `Usage: npm run bench -- [options] [name…]

Measures beside its peers: every benchmark, or those named.

  --quick   only prove that they run; writes no results
  --check   end with 1 when something was missed that must be reached
  --types   only check the types, which needs the peers too

Names: ${benchmarks.map(({ id }) => id).join(', ')}`

/**
 * `npm run bench`: every benchmark, or those named. `--check` ends with 1 when something was missed that
 * must be reached; `--quick` only proves that they run, and writes no results; `--types` only checks
 * the types, which needs the peers too.
 */
const { values, positionals } = readCommandLine(usage, {
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    types: { type: 'boolean', default: false },
  },
})
const folder = fileURLToPath(new URL('..', import.meta.url))

const unknown = positionals.filter((name) => !benchmarks.some(({ id }) => id === name))
if (unknown.length > 0) {
  const known = benchmarks.map(({ id }) => id).join(', ')
  endAsMisused(`there is no benchmark ${unknown.join(', ')}; there are ${known}`)
}
// The figures of a quick run mean nothing, so there is nothing to hold them against.
if (values.quick && values.check) endAsMisused('--quick and --check cannot go together')

if (!hasPeers()) mustRun('npm', ['ci', '--ignore-scripts', '--prefix', folder])
if (values.types) {
  mustRun('tsc', ['-b', folder])
  process.exit(0)
}

const chosen = benchmarks.filter(({ id }) => positionals.length === 0 || positionals.includes(id))
const missed = chosen.filter(({ id }) => !runs(id)).map(({ id }) => id)
process.stdout.write(`${chosen.length} of ${benchmarks.length} benchmarks ran\n`)
if (values.check && missed.length > 0) fail(`missed what must be reached: ${missed.join(', ')}`)

/** True when it reached what it must, or when nobody asks. Throws when it broke. */
function runs(id: string): boolean {
  const flags = ['--conditions=@portcullis/source', '--expose-gc', join(folder, 'src/run-one.ts')]
  const quick = values.quick ? ['--quick'] : []
  const [command, ...rest] = pinnedTo(measuredCore, [process.execPath, ...flags, id, ...quick])
  const { status } = spawnSync(command, rest, { stdio: 'inherit' })
  if (status !== 0 && status !== missedGoal) fail(`${id} broke off`)
  return status === 0
}

/** The peers are installed only for those who measure: users of the repository do not carry them. */
function hasPeers(): boolean {
  const installed = join(folder, 'node_modules/.package-lock.json')
  const locked = join(folder, 'package-lock.json')
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(locked).mtimeMs
}

function mustRun(command: string, parameters: readonly string[]): void {
  const { status } = spawnSync(command, parameters, { stdio: 'inherit' })
  if (status !== 0) fail(`${command} failed`)
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
