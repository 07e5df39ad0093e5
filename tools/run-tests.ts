import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import {
  caddy,
  go,
  howToGet,
  installMissing,
  java,
  natsServer,
  nginx,
  promtool,
  python,
  systemd,
} from './debian-packages.ts'
import { startPostgres } from './postgres-server.ts'
import { keepScratchInMemory } from './scratch-folder.ts'
import { root } from './source-tree.ts'
import { groupTests } from './test-groups.ts'

/** Runs every test that needs nothing but this machine, and says loudly what was left out. */
const patterns = [
  'packages/*/test/**/*.test.ts',
  'examples/*/test/**/*.test.ts',
  'tools/*.test.ts',
  'e2e/*.test.ts',
]

/** Several times what a slow machine takes: a run that hangs says where, and does so before whoever waits gives up. */
const runMsMax = 40 * 60_000

const paths = globSync(patterns, { cwd: root }).toSorted()
const given = process.argv.slice(2)
const unknown = given.filter((path) => !paths.includes(path))
if (unknown.length > 0) fail(`these are no test files: ${unknown.join(', ')}`)
const chosen = given.length === 0 ? groupTests(paths) : given
if (chosen.length === 0) fail('no test file was found')

const needs = [natsServer, python, nginx, caddy, go, java, promtool, systemd]
installMissing(needs)

const flags = [
  '--conditions=@portcullis/source',
  // One more than there are cores: some of them mostly wait.
  `--test-concurrency=${availableParallelism() + 1}`,
  // A test that hangs is a test that fails.
  '--test-timeout=60000',
]
const removeScratch = keepScratchInMemory()
const givenServer = process.env['PORTCULLIS_TEST_POSTGRES']
const postgres = givenServer === undefined ? await startPostgres({ isDurable: false }) : undefined
const postgresUrl = givenServer ?? postgres?.url
const child = spawn(process.execPath, [...flags, '--test', ...chosen], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    // What the first process has compiled the others need not compile again.
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled'),
    ...(postgresUrl === undefined ? {} : { PORTCULLIS_TEST_POSTGRES: postgresUrl }),
  },
})
// Whoever ends the run gets the tests' own end first, and then that of the server.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const overdue = setTimeout(() => {
  process.stderr.write(`the tests are not over after ${runMsMax / 60_000} minutes, and are ended\n`)
  child.kill('SIGTERM')
}, runMsMax)
const [code] = await once(child, 'exit')
clearTimeout(overdue)
await postgres?.remove()
removeScratch()
const missing = leftOut()
for (const what of missing) process.stderr.write(`LEFT OUT: ${what}\n`)
if (code !== 0) process.exit(1)
if (missing.length > 0 && process.env['CI'] === 'true') fail('with CI=true nothing may be left out')

/** What this machine lacks. The tests themselves skip, with the same words. */
function leftOut(): readonly string[] {
  const shared = join(root, '..', 'shared')
  const vectors = join(shared, 'vectors')
  return [
    ...(existsSync(join(shared, 'checklists'))
      ? []
      : [
          'whether docs/asvs.md, docs/standards.md and docs/advisories.md leave nothing out: the lists are expected in ../shared; ' +
            'without them each row is still held against the tests that it names',
        ]),
    ...(existsSync(vectors)
      ? []
      : [
          'public test vectors (Wycheproof, JSONTestSuite, RFC examples), which are not a part of the repository: ' +
            'expected in ../shared/vectors; without them everything of our own is still tested',
        ]),
    ...needs.filter(({ find }) => find() === undefined).map(howToGet),
    ...(postgresUrl === undefined
      ? [
          'everything on PostgreSQL: npm has no server for this machine. Set PORTCULLIS_TEST_POSTGRES to ' +
            'the postgres:// address of one on which databases may be made',
        ]
      : []),
  ]
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
