import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import process from 'node:process'
import { chromium, howToGet, installMissing } from './debian-packages.ts'
import { runCommand } from './run-command.ts'
import { root } from './source-tree.ts'

/** Runs the tests that need a browser. Where there is none it says so loudly, and fails with `CI=true`. */
const tests = globSync('e2e/browser/*.test.ts', { cwd: root }).toSorted()
if (tests.length === 0) fail('no test file was found')

installMissing([chromium])
const program = chromium.find()
if (program === undefined) {
  process.stderr.write(`LEFT OUT: ${howToGet(chromium)}, or set CHROME_PATH\n`)
  if (process.env['CI'] === 'true') fail('with CI=true nothing may be left out')
  process.exit(0)
}

runCommand('npm', ['run', '--silent', 'build:console'])
const flags = ['--conditions=@portcullis/source', '--test-timeout=120000']
const child = spawn(process.execPath, [...flags, '--test', ...tests], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CHROME_PATH: program },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const [code] = (await once(child, 'exit')) as [number | null]
process.exit(code ?? 1)

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
