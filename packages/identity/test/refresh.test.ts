import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { eventKinds } from './signed-in.ts'

const graceMs = 30_000
const daySeconds = 24 * 3600

interface Pair {
  readonly access: string
  readonly refresh: string
  readonly sessionId: string
}

async function start(
  t: TestContext,
  engine: Engine,
  file: Readonly<Record<string, unknown>> = {},
): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({ database: await engine.createStore(t), file })
  t.after(identity.close)
  return identity
}

async function signIn(identity: RunningIdentity, more: object = {}): Promise<Pair> {
  const { identifier, password } = alice
  return pairOf(await identity.login({ identifier, password, ...more }))
}

type Answer = Awaited<ReturnType<RunningIdentity['token']>>

function pairOf(answer: Answer): Pair {
  assert.equal(answer.status, 200, answer.body)
  const { access_token: access, refresh_token: refresh, session_id: sessionId } = answer.members()
  return { access: String(access), refresh: String(refresh), sessionId: String(sessionId) }
}

function refreshWith(
  identity: RunningIdentity,
  refreshToken: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const form = { grant_type: 'refresh_token', refresh_token: refreshToken, ...more }
  return identity.token(form)
}

function assertRefused(answer: Answer, error = 'invalid_grant'): void {
  assert.deepEqual([answer.status, answer.members()['error']], [400, error], answer.body)
}

testOnEngines(
  'a refresh answers a fresh access token of the same session and the successor',
  async (t, engine) => {
    const identity = await start(t, engine)
    const first = await signIn(identity)
    identity.clock.advanceMs(60_000)
    const answer = await refreshWith(identity, first.refresh)
    const second = pairOf(answer)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.members()['refresh_expires_in'], 14 * daySeconds)
    assert.notEqual(second.refresh, first.refresh)
    assert.equal(second.sessionId, first.sessionId)
    const [before, after] = [decodeToken(first.access).claims, decodeToken(second.access).claims]
    const { iat, exp, jti, ...fixed } = before
    assert.deepEqual({ ...after, iat, exp, jti }, { ...fixed, iat, exp, jti })
    assert.equal(after['iat'], Number(iat) + 60)
    assert.notEqual(after['jti'], jti)
  },
)

testOnEngines(
  'two, ten and fifty refreshes at once with one token get the identical successor',
  async (t, engine) => {
    const identity = await start(t, engine)
    let current = (await signIn(identity)).refresh
    for (const many of [2, 10, 50]) {
      identity.clock.advanceMs(graceMs)
      const answers = await Promise.all(
        Array.from({ length: many }, () => refreshWith(identity, current)),
      )
      const successors = new Set(answers.map((answer) => pairOf(answer).refresh))
      assert.equal(successors.size, 1, `${many} at once`)
      ;[current = ''] = successors
    }
    assert.deepEqual(await eventKinds(identity), [])
    assert.equal(await identity.countRows('sessions'), 1)
  },
)

testOnEngines(
  'a lost answer is asked for again, with either token, within the window',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh: lost } = await signIn(identity)
    const { refresh: successor } = pairOf(await refreshWith(identity, lost))
    identity.clock.advanceMs(graceMs - 1)
    for (const token of [lost, successor, lost]) {
      assert.equal(pairOf(await refreshWith(identity, token)).refresh, successor)
    }
  },
)

testOnEngines(
  'after the window a client that kept its attempt still gets its answer',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh: lost } = await signIn(identity)
    const attempt = { attempt: 'chosen before it was sent' }
    const { refresh: successor } = pairOf(await refreshWith(identity, lost, attempt))
    identity.clock.advanceMs(10 * graceMs)
    assert.equal(pairOf(await refreshWith(identity, lost, attempt)).refresh, successor)
    assertRefused(await refreshWith(identity, lost, { attempt: 'of a thief' }))
  },
)

// RFC 9700 O11, O22. ASVS 10.4.5.
testOnEngines(
  'an old token ends exactly its session, for thief and owner alike, and is recorded',
  async (t, engine) => {
    const identity = await start(t, engine)
    const stolen = await signIn(identity)
    const elsewhere = await signIn(identity)
    const { refresh: successor } = pairOf(await refreshWith(identity, stolen.refresh))
    identity.clock.advanceMs(graceMs)
    assertRefused(await refreshWith(identity, stolen.refresh))
    assertRefused(await refreshWith(identity, successor))
    assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
    assert.match(
      identity.logged(),
      new RegExp(`"outcome":"refresh-reuse","sessionId":"${stolen.sessionId}"`),
    )
    pairOf(await refreshWith(identity, elsewhere.refresh))
  },
)

testOnEngines(
  'with a window of 0 the second use of a token is theft at once',
  async (t, engine) => {
    const identity = await start(t, engine, { refreshGraceSeconds: 0 })
    const { refresh } = await signIn(identity)
    pairOf(await refreshWith(identity, refresh))
    assertRefused(await refreshWith(identity, refresh))
  },
)

testOnEngines(
  'a token from a lost future is honoured, and what the store remembers is old then',
  async (t, engine) => {
    const identity = await start(t, engine)
    const first = await signIn(identity)
    const second = pairOf(await refreshWith(identity, first.refresh))
    // A store that forgot the last commit, as after a failover.
    await identity.query('UPDATE sessions SET counter = 0, rotated_at = NULL')
    identity.clock.advanceMs(graceMs)
    const third = pairOf(await refreshWith(identity, second.refresh))
    assert.deepEqual(await eventKinds(identity), ['history-lost'])
    identity.clock.advanceMs(graceMs)
    pairOf(await refreshWith(identity, third.refresh))
    assertRefused(await refreshWith(identity, first.refresh))
  },
)

testOnEngines(
  'fourteen days without a refresh end a session, and ninety days do in any case',
  async (t, engine) => {
    const identity = await start(t, engine)
    const idle = await signIn(identity)
    identity.clock.advanceMs(14 * daySeconds * 1000 - 1)
    let { refresh: current } = pairOf(await refreshWith(identity, idle.refresh))
    identity.clock.advanceMs(14 * daySeconds * 1000)
    assertRefused(await refreshWith(identity, current))

    current = (await signIn(identity)).refresh
    for (let day = 0; day < 90; day += 10) {
      const answer = await refreshWith(identity, current)
      current = pairOf(answer).refresh
      assert.ok(Number(answer.members()['refresh_expires_in']) <= (90 - day) * daySeconds)
      identity.clock.advanceMs(10 * daySeconds * 1000)
    }
    assertRefused(await refreshWith(identity, current))
  },
)

// RFC 9700 O21.
testOnEngines(
  'audience and scope may be narrowed, never widened beyond the login',
  async (t, engine) => {
    const identity = await start(t, engine)
    const narrow = { audience: ['orders'], scope: 'orders:read' }
    let { refresh: current } = await signIn(identity, narrow)
    const claimsAfter = async (more: Readonly<Record<string, string>>): Promise<unknown[]> => {
      identity.clock.advanceMs(graceMs)
      const pair = pairOf(await refreshWith(identity, current, more))
      current = pair.refresh
      const { aud, scope } = decodeToken(pair.access).claims
      return [aud, scope]
    }
    assert.deepEqual(await claimsAfter({}), ['orders', 'orders:read'])
    assert.deepEqual(await claimsAfter({ scope: 'orders:write' }), ['orders', undefined])
    assert.deepEqual(await claimsAfter({ audience: identity.issuer }), [identity.issuer, undefined])
    identity.clock.advanceMs(graceMs)
    assertRefused(await refreshWith(identity, current, { audience: 'reviews' }), 'invalid_target')
    assertRefused(await refreshWith(identity, current, { scope: 'nonsense' }), 'invalid_scope')
    assert.deepEqual(await claimsAfter({}), ['orders', 'orders:read'], 'a refusal advances nothing')
  },
)

// RFC 6749 section 6.
testOnEngines(
  'a token is of one client, and of no use to another or when its client may not refresh',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    assertRefused(await refreshWith(identity, refresh, { client_id: 'till' }))
    pairOf(await refreshWith(identity, refresh, { client_id: 'web' }))
    await identity.query("UPDATE clients SET enabled = 0 WHERE name = 'web'")
    assertRefused(await refreshWith(identity, refresh))
  },
)

testOnEngines(
  'forged, foreign and malformed refresh tokens are one answer and change nothing',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    const [prefix = '', sessionId = '', counter = '', mac = ''] = refresh.split('.')
    const forged = [
      `${prefix}.${sessionId}.${counter}.${'A'.repeat(mac.length)}`,
      `${prefix}.${sessionId}.9.${mac}`,
      `${prefix}.${'A'.repeat(22)}.${counter}.${mac}`,
      `prt_00000000.${sessionId}.${counter}.${mac}`,
      'nonsense',
    ]
    const answers = await Promise.all(forged.map((token) => refreshWith(identity, token)))
    for (const answer of answers) assertRefused(answer)
    assert.equal(new Set(answers.map(({ body }) => body)).size, 1)
    assertRefused(await identity.token({ grant_type: 'refresh_token' }), 'invalid_request')
    assert.deepEqual(await eventKinds(identity), [])
    pairOf(await refreshWith(identity, refresh))
  },
)

// ASVS 10.4.4.
testOnEngines('a client without the grant gets no refresh token', async (t, engine) => {
  const identity = await start(t, engine)
  const { identifier, password } = alice
  const answer = await identity.login({ identifier, password, client_id: 'till' })
  assert.equal(answer.status, 200, answer.body)
  assert.equal(answer.members()['refresh_token'], undefined)
})

testOnEngines(
  'no refresh token and no pepper is in the log or in the database',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    const { refresh: successor } = pairOf(await refreshWith(identity, refresh))
    const rows = JSON.stringify(await identity.query('SELECT * FROM sessions'))
    for (const token of [refresh, successor]) {
      const mac = token.split('.')[3] ?? ''
      assert.ok(mac.length > 40)
      assert.ok(!identity.logged().includes(mac))
      assert.ok(!rows.includes(mac))
    }
  },
)
