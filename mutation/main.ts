import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { endAsMisused, readCommandLine } from '../tools/command-line.ts'

const usage = `Usage: npm run test:mutation -- [options] [file…]

Breaks each expression of the files in turn, and tells which of these defects no test notices. Without files it is the
whole core, which takes hours.

  --tests GLOB   the tests that look on, once or several times; default: those of the packages of the files`

/**
 * `npm run test:mutation -- [--tests GLOB]… [FILE…]`: breaks each expression of the core in turn, and
 * tells which of these defects no test notices. Without files it is the whole core, which takes hours;
 * without tests it is those of the packages that the files are in.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const stryker = join(root, 'mutation', 'node_modules', '@stryker-mutator', 'core', 'bin')
const settings: Settings = JSON.parse(
  readFileSync(join(root, 'mutation', 'stryker.config.json'), 'utf8'),
)

const { values, positionals } = readCommandLine(usage, {
  allowPositionals: true,
  options: { tests: { type: 'string', multiple: true } },
})
const files = found(positionals.length > 0 ? positionals : settings.mutate)
const testFiles = found(values.tests ?? testsBeside(files))

// Its packages are for this command alone, so they have a lock of their own.
if (!existsSync(stryker)) {
  inheriting('npm', ['ci', '--prefix', join(root, 'mutation'), '--ignore-scripts'])
}
process.stdout.write(`${files.length} files are mutated, ${testFiles.length} test files look on\n`)
inheriting(process.execPath, [join(stryker, 'stryker.js'), 'run', configFor()])

interface Settings {
  readonly mutate: readonly string[]
  readonly tap: Readonly<Record<string, unknown>>
}

/** A name that matches nothing would end as a score of nothing. */
function found(patterns: readonly string[]): readonly string[] {
  const missing = patterns.filter((pattern) => globSync(pattern, { cwd: root }).length === 0)
  if (missing.length === 0) return globSync([...patterns], { cwd: root }).toSorted()
  return endAsMisused(`there is no such file: ${missing.join(', ')}`)
}

function testsBeside(paths: readonly string[]): readonly string[] {
  const packages = paths.map((path) => path.split(/[/\\]/).slice(0, 2).join('/'))
  return [...new Set(packages)].map((folder) => `${folder}/test/*.test.ts`)
}

function configFor(): string {
  const path = join(root, 'node_modules', '.cache', 'mutation', 'stryker.config.json')
  const config = { ...settings, mutate: files, tap: { ...settings.tap, testFiles } }
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, JSON.stringify(config))
  return path
}

function inheriting(command: string, parameters: readonly string[]): void {
  const { status } = spawnSync(command, parameters, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}
