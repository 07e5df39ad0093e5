import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import process from 'node:process'
import { nodeProgram, oldestNode } from './node-versions.ts'
import { root } from './source-tree.ts'

/** Runs the tests of the SDK on the oldest Node that it promises, which misses what is newer. */
const files = globSync('packages/{protocol,verify}/test/*.test.ts', { cwd: root }).toSorted()
if (files.length === 0) throw new Error('no test file was found')

const program = nodeProgram(oldestNode)
if (program !== undefined) {
  const flags = ['--conditions=@portcullis/source', '--test', '--test-timeout=60000']
  const { status } = spawnSync(program, [...flags, '--test-reporter=dot', ...files], {
    cwd: root,
    stdio: 'inherit',
    // For the processes that tests start, too: this version needs to be told to strip types.
    env: {
      ...process.env,
      NODE_OPTIONS: '--experimental-strip-types --disable-warning=ExperimentalWarning',
    },
  })
  process.stdout.write(`Node ${oldestNode}: ${files.length} test files\n`)
  process.exitCode = status === 0 ? 0 : 1
}
