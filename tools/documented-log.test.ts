import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogField } from '@portcullis/runtime'
import { logFields } from '@portcullis/runtime'
import { tableOf } from './document-tables.ts'
import { readLogCalls } from './log-calls.ts'
import { readSourceFiles } from './source-tree.ts'

const fields: ReadonlyMap<string, LogField> = new Map(Object.entries(logFields))

/** What of the log is made in another file than it is written in, and which members that brings. */
const madeElsewhere: ReadonlyMap<string, readonly string[]> = new Map([
  // Of a step that fails: what it says itself is below, beside its file.
  [
    'packages/runtime/src/steady-step.ts: await step().catch((error: unknown) => ({ err: error }))',
    ['err'],
  ],
  ['packages/runtime/src/steady-step.ts: recovery', []],
  ['packages/gateway/src/settings/followed-file.ts: fault', ['detail', 'err']],
  ['packages/gateway/src/tls/authorities.ts: await look()', ['mistakes']],
  ['packages/gateway/src/tls/certificates.ts: await look()', ['mistakes']],
  ['packages/identity/src/http/admin-audit.ts: firstBad', ['what', 'chain', 'seq', 'id']],
  [
    'packages/identity/src/http/pages/reset-password.ts: factsOfReset(outcome)',
    ['event', 'outcome', 'accountId'],
  ],
  // Of Fastify, as it is told to call it.
  ['packages/identity/src/http/request-traces.ts: bindings', ['requestId']],
  [
    'packages/identity/src/http/token.ts: answer.facts',
    ['outcome', 'sessionId', 'clientId', 'accountId'],
  ],
])

/** What a steady step answers when something is wrong with it. */
const ofSteps: Readonly<Record<string, readonly string[]>> = {
  'packages/identity/src/jobs/audit-upkeep.ts': ['broken'],
  'packages/identity/src/jobs/clock-watch.ts': ['aheadMs'],
  'packages/identity/src/jobs/key-ticks.ts': ['kid', 'reason'],
}

interface Call {
  readonly path: string
  readonly member: string
}

const files = readSourceFiles().filter(({ path }) => path.startsWith('packages/'))
const read = files.map((file) => ({ path: file.path, calls: readLogCalls(file) }))
const unread = read.flatMap(({ path, calls }) => calls.unread.map((text) => `${path}: ${text}`))
const calls: readonly Call[] = [
  ...read.flatMap(({ path, calls: { members } }) =>
    [...members].map((member) => ({ path, member })),
  ),
  ...[...madeElsewhere].flatMap(([place, members]) =>
    members.map((member) => ({ path: place.split(': ')[0] ?? '', member })),
  ),
  ...Object.entries(ofSteps).flatMap(([path, members]) =>
    members.map((member) => ({ path, member })),
  ),
]

test('whatever is written into the log is in its vocabulary', () => {
  assert.ok(read.filter(({ calls: { members } }) => members.size > 0).length >= 35)
  for (const { path, member } of calls) assert.ok(fields.has(member), `${path} logs ${member}`)
  assert.deepEqual([...new Set(unread)].toSorted(), [...madeElsewhere.keys()].toSorted())
})

const packageOf = (path: string): string => path.split('/')[1] ?? ''

/** What the log says of itself, and what the runtime says for the only one that has several processes. */
const ofTheLogItself: ReadonlySet<string> = new Set(['leftOut', 'worker'])

test('whatever is in the vocabulary of the log is written by those that it says', () => {
  const of = Map.groupBy(calls, ({ member }) => member)
  assert.ok(fields.size >= 70)
  for (const [name, { of: process }] of fields) {
    if (ofTheLogItself.has(name)) continue
    const packages = new Set((of.get(name) ?? []).map(({ path }) => packageOf(path)))
    assert.ok(packages.size > 0, `nobody logs ${name}`)
    const isShared =
      packages.has('runtime') || (packages.has('identity') && packages.has('gateway'))
    const only = packages.has('identity') ? 'identity' : 'gateway'
    // A command may log in the name of what it runs.
    assert.equal(process, isShared ? 'all' : only, `${name} of ${[...packages].join(', ')}`)
  }
})

test('the table of docs/logs.md is the vocabulary of the log', () => {
  const written = tableOf('docs/logs.md', 'member').map((cells) => cells.join(' | '))
  const expected = [...fields].map(([name, { type, unit = '', of, meaning }]) =>
    [`\`${name}\``, type, unit, of, meaning].join(' | '),
  )
  assert.deepEqual(written, expected, `write:\n${expected.map((row) => `| ${row} |`).join('\n')}`)
})
