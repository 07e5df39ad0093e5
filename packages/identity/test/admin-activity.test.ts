import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { newClientCredential } from '../src/index.ts'
import { testOnEngines } from './engines.ts'
import { visit } from './page-visitor.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, bob, call, refreshWith, signInHere } from './signed-in.ts'

type Series = Readonly<Record<string, readonly number[]>>

interface Activity {
  readonly now: string
  readonly from: string
  readonly bucket_seconds: number
  readonly series: Series
  readonly refusals: Series
  readonly totals?: Readonly<Record<string, unknown>>
}

const service = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: [],
  scopes: ['revocations.read'],
}

async function start(t: TestContext, database?: string): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({
    accounts: [alice, bob, admin],
    clients: [machine, service],
    ...(database !== undefined && { database }),
  })
  t.after(identity.close)
  return identity
}

async function activityOf(
  identity: RunningIdentity,
  token: string,
  minutes = 60,
): Promise<Activity> {
  const answer = await call(identity, `GET /admin/activity?minutes=${minutes}`, { token })
  assert.equal(answer.status, 200, answer.body)
  return answer.members() as unknown as Activity
}

/** What there was, as bucket and count, counted from the present one backward. */
function told(series: readonly number[] | undefined): readonly (readonly [number, number])[] {
  return (series ?? []).flatMap((count, index, all) =>
    count === 0 ? [] : [[index - all.length + 1, count] as const],
  )
}

test('an overview counts what people and services do, each in the ten seconds in which it was', async (t) => {
  const identity = await start(t)
  const { access: token } = await signInHere(identity, admin)
  identity.clock.advanceMs(10_000)
  const { refresh, access } = await signInHere(identity)
  await identity.login({ identifier: alice.identifier, password: 'not this one' })
  assert.equal((await refreshWith(identity, refresh)).status, 200)
  assert.equal((await refreshWith(identity, 'prt_nobody')).status, 400)
  const form = { grant_type: 'client_credentials', audience: identity.issuer }
  const granted = await identity.token(form, basic(service.clientId, service.clientSecret))
  const reporter = String(granted.members()['access_token'])
  identity.clock.advanceMs(10_000)
  const position = (await call(identity, 'POST /logout', { token: access })).members()
  const { epoch } = position['revocation'] as { readonly epoch: string }
  const report = {
    follower: 'F'.repeat(22),
    position: `${epoch}:1`,
    refused: { expired: 3, 'made-up': 2 },
  }
  const reported = await call(identity, 'POST /revocations/positions', {
    token: reporter,
    body: report,
  })
  assert.equal(reported.status, 200, reported.body)

  const { series, refusals, ...facts } = await activityOf(identity, token)
  const { sign_ins: signIns, tokens_issued: issued, requests, ...others } = series
  assert.equal(signIns?.length, 360)
  assert.deepEqual(told(signIns), [
    [-2, 1],
    [-1, 1],
  ])
  // The administrator's, and then those of a login, a refresh and a client.
  assert.deepEqual(told(issued), [
    [-2, 1],
    [-1, 3],
  ])
  assert.deepEqual(told(requests), [
    [-2, 1],
    [-1, 5],
    [0, 2],
  ])
  const some = Object.entries(others).flatMap(([name, counts]) => {
    const found = told(counts)
    return found.length === 0 ? [] : [[name, found]]
  })
  assert.deepEqual(Object.fromEntries(some), {
    sign_ins_refused: [[-1, 1]],
    refreshes: [[-1, 1]],
    refreshes_refused: [[-1, 1]],
    sessions_ended: [[0, 1]],
    revocations: [[0, 1]],
    refused_by_services: [[0, 5]],
  })
  const reasons = Object.entries(refusals).map(([reason, counts]) => [reason, told(counts)])
  assert.deepEqual(Object.fromEntries(reasons), {
    'bad-credentials': [[-1, 1]],
    invalid_grant: [[-1, 1]],
    expired: [[0, 3]],
    other: [[0, 2]],
  })
  assert.equal(facts.bucket_seconds, 10)
  const now = identity.clock.now()
  assert.equal(Date.parse(facts.now), now)
  assert.equal(Date.parse(facts.from), Math.floor(now / 10_000) * 10_000 - 359 * 10_000)
})

test('who signs in by a page is counted as well, and who does not get in', async (t) => {
  const identity = await start(t)
  const { access: token } = await signInHere(identity, admin)
  identity.clock.advanceMs(10_000)
  assert.equal((await visit(identity).signIn()).status, 303)
  await visit(identity).signIn({ identifier: alice.identifier, password: 'not this one' })
  const { series, refusals } = await activityOf(identity, token)
  const { sign_ins: signIns, sign_ins_refused: refused } = series
  assert.deepEqual(told(signIns).at(-1), [0, 1])
  assert.deepEqual(told(refused), [[0, 1]])
  assert.deepEqual(told(refusals['bad-credentials']), [[0, 1]])
})

test('an overview is of so many minutes', async (t) => {
  const identity = await start(t)
  const { access: token } = await signInHere(identity, admin)
  const short = await activityOf(identity, token, 1)
  assert.deepEqual(told(short.series['sign_ins']), [[0, 1]])
  assert.equal(short.series['sign_ins']?.length, 6)
  identity.clock.advanceMs(60_000)
  assert.deepEqual(told((await activityOf(identity, token, 1)).series['sign_ins']), [])
  for (const minutes of ['0', '61', '1.5', 'all']) {
    const wrong = await call(identity, `GET /admin/activity?minutes=${minutes}`, { token })
    assertProblem(wrong, 400, 'malformed')
  }
})

test('an overview says how many there are, and when they were counted', async (t) => {
  const identity = await start(t)
  const { access: token } = await signInHere(identity, admin)
  const { accountId } = await signInHere(identity, bob)
  const ended = await signInHere(identity)
  await call(identity, 'POST /logout', { token: ended.access })
  await signInHere(identity)
  const path = `POST /admin/accounts/${accountId}/block`
  assert.equal((await call(identity, path, { token, body: { reason: 'a test' } })).status, 200)
  const { totals } = await activityOf(identity, token)
  const clients = await identity.query('SELECT id FROM clients')
  assert.deepEqual(totals, {
    counted_at: new Date(identity.clock.now()).toISOString(),
    accounts: 3,
    accounts_blocked: 1,
    sessions_live: 2,
    clients: clients.length,
    followers_live: 0,
    anomalies_last_day: { notice: 0, warning: 0, critical: 0 },
  })
})

testOnEngines('an overview is of all nodes, also of those that have ended', async (t, engine) => {
  const identity = await start(t, await engine.createStore(t))
  const { access: token } = await signInHere(identity, admin)
  const other = await identity.startNode()
  await signInHere(other, bob)
  await other.login({ identifier: alice.identifier, password: 'not this one' })
  await other.close()
  const { series, refusals } = await activityOf(identity, token)
  assert.deepEqual(told(series['sign_ins']), [[0, 2]])
  assert.deepEqual(told(series['sign_ins_refused']), [[0, 1]])
  assert.deepEqual(told(refusals['bad-credentials']), [[0, 1]])
})
