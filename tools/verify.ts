import { spawn } from 'node:child_process'
import { root } from './source-tree.ts'

type Step = readonly [what: string, script: string, ...parameters: string[]]

/** Without numbers the command lives through several times as many. */
const someHistories = ['--histories', '2000', '--postgres', '100', '--http', '100']

const someRequests = ['--requests', '60000', '--seed', '1']

/** How long callers wait is measured where nothing else runs. */
const shortFloods = ['--seconds', '1', '--rounds', '1', '--without-times']

/**
 * Everything that CI runs, one after the other; the first that fails ends it. What stands in one list runs side by
 * side, where two cores are quicker than one after the other.
 */
const steps: readonly (readonly Step[])[] = [
  [['types', 'types']],
  [['types of the benchmarks', 'bench:types']],
  [
    ['lint', 'lint'],
    ['format', 'format:check'],
    ['unused files, exports and dependencies', 'unused'],
  ],
  [['tests: units, architecture, end to end', 'test']],
  [
    ['fifty kills under load', 'test:crash', '--', '--kills', '50'],
    ['fifty more, with PostgreSQL', 'test:crash', '--', '--kills', '50', '--engine', 'postgres'],
  ],
  [
    ['tests of the SDK on the oldest Node', 'test:oldest-node'],
    ['floods at a gateway', 'test:floods', '--', ...shortFloods],
  ],
  [
    ['schedules in a time of their own', 'simulate', '--', '--schedules', '10000', '--seed', '1'],
    ['pages in a real browser', 'test:browser'],
  ],
  [['a minute of everything at a gateway', 'test:soak:gateway', '--', '--minutes', '1']],
  [
    ['histories of deeds at the same time', 'test:histories', '--', ...someHistories],
    ['random requests at the gateway', 'test:differential', '--', ...someRequests],
  ],
  [['the tour', 'tour']],
  [
    ['documentation', 'check:docs'],
    ['packages', 'check:packages'],
  ],
  [['packages, installed elsewhere on every promised Node', 'check:installed']],
  [['what the files of a deployment say', 'check:deployment']],
  [['benchmarks still run', 'bench', '--', '--quick']],
]

for (const together of steps) {
  const outcomes = await Promise.all(together.map((step) => run(step, together.length === 1)))
  if (!outcomes.every(Boolean)) process.exit(1)
}

/** Of those that run side by side, each says what it has to say when it is over. */
async function run([what, script, ...parameters]: Step, isAlone: boolean): Promise<boolean> {
  const startedAt = performance.now()
  const title = `\n── ${what} (npm run ${script})\n`
  if (isAlone) process.stdout.write(title)
  const child = spawn('npm', ['run', '--silent', script, ...parameters], {
    cwd: root,
    stdio: isAlone ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  })
  const said: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => said.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  const status = await promise
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (!isAlone) process.stdout.write(Buffer.concat([Buffer.from(title), ...said]))
  if (status === 0) process.stdout.write(`${what}: held, ${seconds} s\n`)
  else process.stderr.write(`\n${what} failed after ${seconds} s\n`)
  return status === 0
}
