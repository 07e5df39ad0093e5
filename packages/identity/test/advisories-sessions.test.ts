import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { breakWrites } from './broken-store.ts'
import { openBrowser, refreshCookieName } from './browser.ts'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  isWelcome,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

/** What others were caught with in the life and the end of sessions, each by its published id. */
const dayMs = 24 * 3_600_000

async function start(t: TestContext, engine: Engine): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, bob],
  })
  t.after(identity.close)
  return identity
}

testOnEngines(
  'CVE-2020-15223: what the store could not take back is never answered as taken back',
  async (t, engine) => {
    const identity = await start(t, engine)
    const caller = await signInHere(identity)
    const lost = await signInHere(identity)
    const browser = openBrowser(identity)
    const { access } = tokensOf(await browser.signIn())
    const token = caller.access
    const mend = await breakWrites(identity, 'INSERT ON revocations')
    const change = { current: alice.password, new: newRandomSecret() }
    const answers = await Promise.all([
      call(identity, 'POST /logout', { token }),
      call(identity, 'POST /logout', { body: { refresh_token: lost.refresh } }),
      call(identity, 'POST /logout/everywhere', { token }),
      call(identity, `DELETE /sessions/${lost.sessionId}`, { token }),
      call(identity, 'POST /sessions/end-others', { token }),
      call(identity, 'POST /account/password', { token, body: change }),
      browser.logout(),
      browser.logout('/logout/everywhere'),
    ])
    for (const answer of answers) {
      assert.ok(answer.status >= 500, answer.body)
      assert.equal(answer.members()['revocation'], undefined)
    }
    assert.ok(browser.cookie(), 'with which it can be tried again')
    await mend()
    for (const live of [caller.access, lost.access, access]) {
      assert.ok(await isWelcome(identity, live), 'half of it was made')
    }
    positionOf(await browser.logout())
    positionOf(await call(identity, `DELETE /sessions/${lost.sessionId}`, { token }))
    for (const over of [lost.access, access]) assert.ok(!(await isWelcome(identity, over)))
  },
)

testOnEngines(
  'CVE-2024-7341: a login never goes on with a session that the browser came with',
  async (t, engine) => {
    const identity = await start(t, engine)
    const attacker = openBrowser(identity)
    const planted = tokensOf(await attacker.signIn(bob))
    const victim = openBrowser(identity)
    victim.plant(attacker.cookie())
    const own = tokensOf(await victim.signIn(alice))
    assert.notEqual(own.sessionId, planted.sessionId)
    assert.notEqual(victim.cookie(), attacker.cookie())
    assert.equal((await attacker.refresh()).members()['error'], 'invalid_grant')
    assert.ok(!(await isWelcome(identity, planted.access)))
    const { identifier, password } = alice
    for (const member of ['session_id', 'sid', 'refresh_token']) {
      const chosen = { identifier, password, [member]: planted.sessionId }
      assertProblem(await identity.login(chosen), 400, 'malformed')
    }
  },
)

testOnEngines(
  'CVE-2025-29928: an ended session is ended for its refresh token, its access tokens and the feed',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { access: token } = await signInHere(identity)
    const browser = openBrowser(identity)
    const ended = tokensOf(await browser.signIn())
    positionOf(await call(identity, `DELETE /sessions/${ended.sessionId}`, { token }))
    assert.equal((await browser.refresh()).members()['error'], 'invalid_grant')
    assert.ok(!(await isWelcome(identity, ended.access)))
    assert.deepEqual(await revokedKinds(identity), ['session'])
    const { sessions } = (await call(identity, 'GET /sessions', { token })).members()
    assert.ok(!JSON.stringify(sessions).includes(ended.sessionId))
  },
)

testOnEngines(
  'CVE-2025-64708: a session expires by the clock, to the millisecond, and no clean-up is waited for',
  async (t, engine) => {
    const identity = await start(t, engine)
    const idle = await signIn(identity)
    const browser = openBrowser(identity)
    await browser.signIn()
    const rows = await identity.countRows('sessions')
    identity.clock.advanceMs(14 * dayMs - 1)
    const refreshed = tokensOf(await browser.refresh())
    identity.clock.advanceMs(1)
    await assertNoRefresh(identity, idle.refresh)
    assert.ok(await isWelcome(identity, refreshed.access))
    identity.clock.advanceMs(14 * dayMs - 1)
    assert.equal((await browser.refresh()).members()['error'], 'invalid_grant')
    assert.equal(await identity.countRows('sessions'), rows, 'their rows are still there')
  },
)

testOnEngines('no access token outlives the absolute end of its session', async (t, engine) => {
  const identity = await start(t, engine)
  const { refresh, access } = await signIn(identity)
  const endsAt = Number(decodeToken(access).claims['auth_time']) + (90 * dayMs) / 1000
  let current = refresh
  for (let day = 0; day < 80; day += 10) {
    identity.clock.advanceMs(10 * dayMs)
    current = tokensOf(await refreshWith(identity, current)).refresh
  }
  identity.clock.advanceMs(10 * dayMs - 60_000)
  const last = tokensOf(await refreshWith(identity, current))
  assert.equal(decodeToken(last.access).claims['exp'], endsAt)
})

testOnEngines(
  'GHSA-xg6x-h9c9-2m83: the cookie alone opens nothing, and what it brings is asked for anew each time',
  async (t, engine) => {
    const identity = await start(t, engine)
    const browser = openBrowser(identity)
    const { access, sessionId } = tokensOf(await browser.signIn())
    const headers = {
      origin: identity.issuer,
      'sec-fetch-site': 'same-origin',
      cookie: `${refreshCookieName}=${browser.cookie() ?? ''}`,
    }
    const json = { ...headers, 'content-type': 'application/json' }
    for (const [method, path, body] of [
      ['GET', '/sessions'],
      ['GET', '/admin/keys'],
      ['DELETE', `/sessions/${sessionId}`],
      ['POST', '/sessions/end-others'],
      ['POST', '/account/password', '{"current":"a","new":"long enough"}'],
      ['POST', '/account/reauthenticate', '{"password":"a"}'],
    ] as const) {
      const asked = body === undefined ? { headers } : { headers: json, body }
      assertChallenged(await identity.ask({ method, path, ...asked }))
    }
    positionOf(await call(identity, 'POST /logout', { token: access }))
    assert.equal((await browser.refresh()).members()['error'], 'invalid_grant', 'at once')
  },
)
