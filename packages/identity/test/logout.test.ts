import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  eventKinds,
  isWelcome,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

const graceMs = 30_000

async function start(t: TestContext, engine: Engine): Promise<RunningIdentity> {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [alice, bob] })
  t.after(identity.close)
  return identity
}

// ASVS 7.4.1.
testOnEngines(
  'a bearer token of any audience logs its session out, and no other one',
  async (t, engine) => {
    const identity = await start(t, engine)
    const bystander = await signInHere(identity)
    const audiences = [undefined, 'orders', ['orders', 'reviews'], identity.issuer]
    for (const [at, audience] of audiences.entries()) {
      const { access, refresh } = await signIn(identity, alice, { audience })
      const { seq } = positionOf(await call(identity, 'POST /logout', { token: access }))
      assert.equal(seq, at + 1)
      await assertNoRefresh(identity, refresh)
      assertChallenged(await call(identity, 'POST /logout', { token: access }))
    }
    assert.deepEqual(await revokedKinds(identity), ['session', 'session', 'session', 'session'])
    assert.ok(await isWelcome(identity, bystander.access))
  },
)

// ASVS 7.4.1.
testOnEngines(
  'a refresh token logs out too: an old one as well, and one of a session that is over',
  async (t, engine) => {
    const identity = await start(t, engine)
    const first = await signInHere(identity)
    const second = tokensOf(await refreshWith(identity, first.refresh))
    identity.clock.advanceMs(graceMs)
    const third = tokensOf(await refreshWith(identity, second.refresh))
    const logout = (refresh: string): ReturnType<typeof call> =>
      call(identity, 'POST /logout', { body: { refresh_token: refresh } })
    const position = positionOf(await logout(first.refresh))
    for (const { access } of [first, second, third]) assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, third.refresh)
    for (const { refresh } of [first, second, third]) {
      assert.deepEqual(positionOf(await logout(refresh)), position)
    }
    assert.deepEqual(await revokedKinds(identity), ['session'])
    // Two rotations ago: somebody else may have kept it.
    assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
  },
)

testOnEngines('two tokens at once are refused: they may be of two sessions', async (t, engine) => {
  const identity = await start(t, engine)
  const [one, other] = [await signInHere(identity), await signInHere(identity)]
  for (const route of ['POST /logout', 'POST /logout/everywhere']) {
    const both = { token: one.access, body: { refresh_token: other.refresh } }
    assertProblem(await call(identity, route, both), 400, 'invalid-request')
  }
  for (const { access } of [one, other]) assert.ok(await isWelcome(identity, access))
  assert.deepEqual(await revokedKinds(identity), [])
})

testOnEngines(
  'nothing, nonsense, forged tokens and tokens of machines log nobody out',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { access, refresh, sessionId } = await signInHere(identity)
    const forged = refresh.replace(/\.[^.]+$/, `.${'A'.repeat(43)}`)
    const [head = '', claims = '', signature = ''] = access.split('.')
    const grant = { grant_type: 'client_credentials', audience: 'orders' }
    const asMachine = basic(machine.clientId, machine.clientSecret)
    const ofMachine = (await identity.token(grant, asMachine)).members()['access_token']
    const unsigned = `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    for (const route of ['POST /logout', 'POST /logout/everywhere']) {
      for (const refused of [
        {},
        { token: unsigned },
        { token: 'nonsense' },
        { token: refresh },
        { token: String(ofMachine) },
        { body: {} },
        { body: { refresh_token: forged } },
        { body: { refresh_token: access.slice(0, 500) } },
        { body: { refresh_token: sessionId } },
      ]) {
        assertChallenged(await call(identity, route, refused))
      }
      for (const body of [{ sid: sessionId }, { refresh_token: '' }, { refresh_token: 1 }]) {
        assertProblem(await call(identity, route, { body }), 400, 'malformed')
      }
    }
    assert.ok(await isWelcome(identity, access))
    assert.deepEqual(await revokedKinds(identity), [])
  },
)

testOnEngines(
  'a token of the past does not log out: it is refused like any other',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { access } = await signInHere(identity)
    identity.clock.advanceMs(3_600_000)
    assertChallenged(await call(identity, 'POST /logout', { token: access }))
  },
)

testOnEngines(
  'logout everywhere ends all sessions of the account by one record, and nobody else',
  async (t, engine) => {
    const identity = await start(t, engine)
    const sessions = [await signInHere(identity), await signInHere(identity)]
    const caller = await signIn(identity, alice, { audience: 'orders' })
    const other = await signInHere(identity, bob)
    positionOf(await call(identity, 'POST /logout/everywhere', { token: caller.access }))
    for (const { access, refresh } of [...sessions, caller]) {
      assert.ok(!(await isWelcome(identity, access)))
      await assertNoRefresh(identity, refresh)
    }
    assert.ok(await isWelcome(identity, other.access))
    assert.deepEqual(await revokedKinds(identity), ['account'])
    assert.deepEqual(await eventKinds(identity), ['all-sessions-ended'])
    assert.ok(await isWelcome(identity, (await signInHere(identity)).access), 'signs in again')
  },
)

testOnEngines(
  'logout everywhere needs a live session, whichever token it is asked with',
  async (t, engine) => {
    const identity = await start(t, engine)
    const over = await signInHere(identity)
    const alive = await signInHere(identity)
    const everywhere = (refresh: string): ReturnType<typeof call> =>
      call(identity, 'POST /logout/everywhere', { body: { refresh_token: refresh } })
    positionOf(await call(identity, 'POST /logout', { token: over.access }))
    assertChallenged(await everywhere(over.refresh))
    assertChallenged(await call(identity, 'POST /logout/everywhere', { token: over.access }))
    assert.ok(await isWelcome(identity, alive.access))
    positionOf(await everywhere(alive.refresh))
    assertChallenged(await everywhere(alive.refresh))
    assert.deepEqual(await revokedKinds(identity), ['session', 'account'])
  },
)

testOnEngines(
  'a refresh token that is long superseded is theft here too, and throws nobody else out',
  async (t, engine) => {
    const identity = await start(t, engine)
    const stolen = await signInHere(identity)
    const elsewhere = await signInHere(identity)
    let current = stolen.refresh
    for (let times = 0; times < 2; times += 1) {
      identity.clock.advanceMs(60_000)
      current = tokensOf(await refreshWith(identity, current)).refresh
    }
    const body = { refresh_token: stolen.refresh }
    assertChallenged(await call(identity, 'POST /logout/everywhere', { body }))
    await assertNoRefresh(identity, current)
    assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
    assert.ok(await isWelcome(identity, elsewhere.access))
  },
)
