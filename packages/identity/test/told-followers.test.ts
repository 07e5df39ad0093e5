import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { awaitReceipts } from '../src/domain/receipts.ts'
import { createSerialQueue } from '../src/domain/serial-queue.ts'
import { newClientCredential } from '../src/index.ts'
import { alice, basic, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, positionOf, signInHere } from './signed-in.ts'

const service = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: [],
  scopes: ['revocations.read'],
}
const identity = await startRunningIdentity({ clients: [service], accounts: [alice, admin] })
after(identity.close)
const form = { grant_type: 'client_credentials', audience: identity.issuer }
const granted = await identity.token(form, basic(service.clientId, service.clientSecret))
const token = String(granted.members()['access_token'])
const administrator = (await signInHere(identity, admin)).access
const positions = 'POST /revocations/positions'
const follower = 'F'.repeat(22)

async function report(position: string, more: object = {}): Promise<void> {
  const body = { follower, position, max_staleness_seconds: 30, ...more }
  const answer = await call(identity, positions, { token, body })
  assert.equal(answer.status, 200, answer.body)
}

test('followers say what they are and how old their checkpoint is, in words of a bounded form', async () => {
  const { access } = await signInHere(identity)
  const { epoch, seq } = positionOf(await call(identity, 'POST /logout', { token: access }))
  const position = `${epoch}:${seq}`
  const own = { software: 'python-follower', version: '1.4.0-rc.1+7', checkpoint_ms_ago: 400 }
  await report(position, own)
  const listed = await call(identity, 'GET /admin/followers', { token: administrator })
  const [one] = listed.members()['followers'] as readonly Readonly<Record<string, unknown>>[]
  const { software, version } = own
  const at = new Date(identity.clock.now() - 400).toISOString()
  assert.deepEqual([one?.['software'], one?.['version']], [software, version])
  assert.equal(one?.['checkpoint_at'], at)
  const path = `GET /revocations/receipts/${position}`
  const { followers } = (await call(identity, path, { token: administrator })).members()
  const applied = { client: service.clientId, follower, software, version, state: 'applied' }
  assert.deepEqual(followers, [{ ...applied, after_ms: 0 }])
  // What it does not say any more is not known any more.
  await report(position)
  const again = await call(identity, 'GET /admin/followers', { token: administrator })
  const [silent] = again.members()['followers'] as readonly object[]
  assert.deepEqual(
    ['software', 'version', 'checkpoint_at'].filter((name) => name in (silent ?? {})),
    [],
  )
  for (const wrong of [
    { software: '' },
    { software: 'a'.repeat(33) },
    { software: '<b>' },
    { version: '1 0' },
    { version: '1'.repeat(33) },
    { checkpoint_ms_ago: -1 },
    { checkpoint_ms_ago: 3_600_001 },
  ]) {
    const body = { follower, position, ...wrong }
    assertProblem(await call(identity, positions, { token, body }), 400, 'malformed')
  }
})

test('receipts of a large fleet say how the wave went, also of those that are not shown', async () => {
  const committedAt = identity.clock.now()
  const receiptsOf = Array.from({ length: 2000 }, (_, at) => ({
    clientId: 'c',
    follower: String(at),
    software: undefined,
    reportedAt: committedAt,
    state: { kind: 'applied', afterMs: at + 1 } as const,
  }))
  const summary = await awaitReceipts(
    {
      store: { receiptsOf: async () => ({ kind: 'receipts', committedAt, receipts: receiptsOf }) },
      inTurn: createSerialQueue(),
      monotonic: () => 0,
      pause: async () => undefined,
    },
    { epoch: 'E', seq: 1 },
    { waitMs: 0, shownMax: 200, isLeft: () => false },
  )
  assert.ok(summary.kind === 'summary')
  assert.deepEqual([summary.p50Ms, summary.p99Ms, summary.slowestMs], [1000, 1980, 2000])
  assert.equal(summary.receipts.length, 200)
  const counts = summary.latencies.map(({ upToMs, followers }) => [upToMs, followers])
  assert.deepEqual(counts, [
    [5, 5],
    [10, 5],
    [20, 10],
    [50, 30],
    [100, 50],
    [200, 100],
    [500, 300],
    [1000, 500],
    [2000, 1000],
    [5000, 0],
    [10_000, 0],
    [undefined, 0],
  ])
})
