import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, machine, startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { admin, assertProblem, bob, call, refreshWith, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'

interface Told {
  readonly id: string
  readonly subject: string
  readonly evidence: { readonly records: readonly string[] }
  readonly decisions: readonly Readonly<Record<string, unknown>>[]
  readonly records?: readonly Readonly<Record<string, unknown>>[]
}

interface Planted {
  readonly rule: string
  readonly about: string
  readonly subject: string
  readonly evidence?: object
}

/** As if a rule had found it a moment later. */
async function plant(identity: RunningIdentity, planted: Planted): Promise<void> {
  const { rule, about, subject, evidence = {} } = planted
  identity.clock.advanceMs(1000)
  const at = identity.clock.now()
  await identity.query(
    `INSERT INTO anomalies (rule, severity, about, subject, evidence, first_at, last_at, times)
     VALUES ('${rule}', 'warning', '${about}', '${subject}', '${JSON.stringify(evidence)}', ${at}, ${at}, 1)
     RETURNING id`,
  )
}

async function decide(
  identity: RunningIdentity,
  token: string,
  route: string,
  more: object = {},
): Promise<void> {
  identity.clock.advanceMs(1000)
  const answer = await call(identity, route, { token, body: { ...more, reason: 'an anomaly' } })
  assert.ok(answer.status < 300, answer.body)
}

interface World {
  readonly identity: RunningIdentity
  readonly administrator: Tokens
  /** What is told to have been done about this subject, the newest first. */
  readonly decisionsOn: (subject: string) => Promise<Told['decisions']>
  readonly kindsOn: (subject: string) => Promise<readonly unknown[]>
}

async function start(t: TestContext, engine: Engine): Promise<World> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, bob, admin],
    clients: [machine],
  })
  t.after(identity.close)
  const decisionsOn: World['decisionsOn'] = async (subject) => {
    const { access: token } = await signInHere(identity, admin)
    const answer = await call(identity, 'GET /admin/anomalies', { token })
    const all = answer.members()['anomalies'] as readonly Told[]
    const told = all.find((one) => one.subject === subject)
    assert.ok(told !== undefined, subject)
    return told.decisions
  }
  return {
    identity,
    administrator: await signInHere(identity, admin),
    decisionsOn,
    kindsOn: async (subject) => (await decisionsOn(subject)).map(({ kind }) => kind),
  }
}

testOnEngines('an anomaly says what was done since, when, why and by whom', async (t, engine) => {
  const { identity, administrator, decisionsOn, kindsOn } = await start(t, engine)
  const { access: token } = administrator
  const { accountId } = await signInHere(identity, bob)
  const decision = async (what: string): Promise<void> =>
    decide(identity, token, `POST /admin/accounts/${accountId}/${what}`)
  // What was done before it began is not about it.
  for (const what of ['block', 'unblock', 'logout']) await decision(what)
  await plant(identity, { rule: 'guessed-login', about: 'account', subject: accountId })
  await plant(identity, { rule: 'credential-stuffing', about: 'network', subject: '192.0.2.0/24' })
  assert.deepEqual(await kindsOn(accountId), [])

  for (const what of ['block', 'unblock', 'block']) await decision(what)
  const blockedAt = new Date(identity.clock.now()).toISOString()
  const [blocked, unblocked, ...others] = await decisionsOn(accountId)
  assert.deepEqual(others, [])
  assert.equal(unblocked?.['kind'], 'account-unblocked')
  const { kind, at, actor, reason } = blocked ?? {}
  const said = [kind, at, actor, reason]
  assert.deepEqual(said, ['account-blocked', blockedAt, administrator.accountId, 'an anomaly'])
  assert.deepEqual(await kindsOn('192.0.2.0/24'), [])
})

testOnEngines(
  'what ends a session is said of it, and what ends others is not',
  async (t, engine) => {
    const { identity, administrator, kindsOn } = await start(t, engine)
    const { access: token } = administrator
    const { accountId, sessionId } = await signInHere(identity)
    const evidence = { accounts: [accountId] }
    const rule = { rule: 'session-in-several-networks', about: 'session', evidence }
    for (const subject of [sessionId, 'another']) await plant(identity, { ...rule, subject })
    await decide(identity, token, `DELETE /admin/sessions/${sessionId}`)
    assert.deepEqual(await kindsOn(sessionId), ['session-ended'])
    assert.deepEqual(await kindsOn('another'), [])
    await decide(identity, token, `POST /admin/accounts/${accountId}/logout`)
    assert.deepEqual(await kindsOn(sessionId), ['all-sessions-ended', 'session-ended'])
    assert.deepEqual(await kindsOn('another'), ['all-sessions-ended'])

    await plant(identity, { ...rule, subject: 'a-third' })
    assert.deepEqual(await kindsOn('a-third'), [])
    const everybody = { issuer: identity.issuer }
    await decide(identity, token, 'POST /admin/sessions/end-all', everybody)
    assert.deepEqual(await kindsOn('a-third'), ['all-sessions-ended'])
  },
)

interface ListedKey {
  readonly kid: string
  readonly state: string
  readonly purpose: string
  readonly algorithm: string
}

testOnEngines('what is done about a client or a key is said of that one', async (t, engine) => {
  const { identity, administrator, kindsOn } = await start(t, engine)
  const { access: token } = administrator
  const listed = await call(identity, 'GET /admin/keys', { token })
  const keys = listed.members()['keys'] as readonly ListedKey[]
  const [one, other] = ['access-token', 'feed'].map((wanted) =>
    keys.find(({ purpose, state }) => purpose === wanted && state === 'active'),
  )
  assert.ok(one !== undefined && other !== undefined)
  const { clientId } = machine
  await plant(identity, { rule: 'token-volume', about: 'client', subject: clientId })
  for (const { kid } of [one, other])
    await plant(identity, { rule: 'key-overdue', about: 'key', subject: kid })
  await decide(identity, token, `POST /admin/clients/${clientId}/disable`)
  assert.deepEqual(await kindsOn(clientId), ['client-disabled'])

  const { purpose, algorithm } = one
  await waitUntil(async () => {
    identity.clock.advanceMs(3_600_000)
    const { access } = await signInHere(identity, admin)
    const body = { purpose, algorithm, reason: 'an anomaly' }
    const answer = await call(identity, 'POST /admin/keys/rotate', { token: access, body })
    return answer.status === 200
  }, 'the waiting key may sign')
  assert.deepEqual(await kindsOn(one.kid), ['keys-rotated'])
  assert.deepEqual(await kindsOn(other.kid), [])
})

testOnEngines('one anomaly is read with the records that led to it', async (t, engine) => {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [bob, admin],
  })
  t.after(identity.close)
  const { refresh, accountId } = await signInHere(identity, bob)
  const next = await refreshWith(identity, refresh)
  identity.clock.advanceMs(31_000)
  await refreshWith(identity, String(next.members()['refresh_token']))
  identity.clock.advanceMs(31_000)
  assert.equal((await refreshWith(identity, refresh)).status, 400)
  const { access: token } = await signInHere(identity, admin)
  let all: readonly Told[] = []
  await waitUntil(async () => {
    const answer = await call(identity, 'GET /admin/anomalies?rule=refresh-reuse', { token })
    all = answer.members()['anomalies'] as readonly Told[]
    return all.length > 0
  }, 'the theft is found')
  const [found] = all
  assert.equal(found?.records, undefined)
  const read = await call(identity, `GET /admin/anomalies/${found?.id}`, { token })
  const { records, ...others } = read.members() as unknown as Told
  assert.deepEqual(others, found)
  assert.deepEqual(
    records?.map(({ kind, account, chain, seq }) => [
      kind,
      account,
      `${String(chain)}:${Number(seq)}`,
    ]),
    [['refresh-reuse', accountId, found?.evidence.records[0]]],
  )

  for (const id of ['999', 'none', '1e3', '-1', '9'.repeat(20)]) {
    const unknown = await call(identity, `GET /admin/anomalies/${id}`, { token })
    assertProblem(unknown, 404, 'not-found')
    assert.match(String(unknown.members()['detail']), /no anomaly of this id/)
  }
  const { access: stranger } = await signInHere(identity, bob)
  const refused = await call(identity, `GET /admin/anomalies/${found?.id}`, { token: stranger })
  assertProblem(refused, 403, 'insufficient-scope')
})
