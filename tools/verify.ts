import { spawnSync } from 'node:child_process'
import process from 'node:process'
import { root } from './source-tree.ts'

/** Everything that CI runs, one step after the other; the first that fails ends it. */
const steps: readonly (readonly [what: string, script: string, ...parameters: string[]])[] = [
  ['types', 'types'],
  ['lint', 'lint'],
  ['format', 'format:check'],
  ['unused files, exports and dependencies', 'unused'],
  ['tests: units, architecture, end to end', 'test'],
  ['fifty kills under load', 'test:crash', '--', '--kills', '50'],
  ['fifty more, with PostgreSQL', 'test:crash', '--', '--kills', '50', '--engine', 'postgres'],
  ['histories of deeds at the same time', 'test:histories'],
  ['the tour', 'tour'],
  ['documentation', 'check:docs'],
  ['packages', 'check:packages'],
  ['packages, installed elsewhere on every promised Node', 'check:installed'],
  ['tests of the SDK on the oldest Node', 'test:oldest-node'],
  ['types of the benchmarks', 'bench:types'],
  ['benchmarks still run', 'bench', '--', '--quick'],
]

for (const [what, script, ...parameters] of steps) {
  const startedAt = performance.now()
  process.stdout.write(`\n── ${what} (npm run ${script})\n`)
  const { status } = spawnSync('npm', ['run', '--silent', script, ...parameters], {
    cwd: root,
    stdio: 'inherit',
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (status !== 0) {
    process.stderr.write(`\n${what} failed after ${seconds} s\n`)
    process.exit(1)
  }
  process.stdout.write(`${what}: held, ${seconds} s\n`)
}
