import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { breakWrites } from './broken-store.ts'
import { openBrowser, setCookieOf } from './browser.ts'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  eventKinds,
  isWelcome,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

/** What others were caught with in the rotation of refresh tokens, each by its published id. */
const graceMs = 30_000

async function start(
  t: TestContext,
  engine: Engine,
  file: Readonly<Record<string, unknown>> = {},
): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, bob, admin],
    file,
  })
  t.after(identity.close)
  return identity
}

function refreshTimes(
  identity: RunningIdentity,
  refresh: string,
  times: number,
): Promise<readonly Answer[]> {
  return Promise.all(Array.from({ length: times }, () => refreshWith(identity, refresh)))
}

testOnEngines(
  'CVE-2026-1035: of refreshes at once without a window one passes the reuse check, and the session ends',
  async (t, engine) => {
    const identity = await start(t, engine, { refreshGraceSeconds: 0 })
    const { refresh } = await signIn(identity)
    const answers = await refreshTimes(identity, refresh, 20)
    const granted = answers.filter(({ status }) => status === 200)
    assert.equal(granted.length, 1)
    for (const { refresh: successor } of granted.map(tokensOf)) {
      await assertNoRefresh(identity, successor)
    }
    assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
  },
)

// CVE-2026-53517 is GHSA-392p-2q2v-4372 as well.
testOnEngines(
  'CVE-2026-50631, CVE-2026-53517: refreshes at once within the window never fork a family',
  async (t, engine) => {
    const identity = await start(t, engine)
    let { refresh } = await signIn(identity)
    for (let round = 0; round < 3; round += 1) {
      const answers = await refreshTimes(identity, refresh, 20)
      const successors = new Set(answers.map((answer) => tokensOf(answer).refresh))
      assert.equal(successors.size, 1)
      ;[refresh = ''] = successors
      identity.clock.advanceMs(graceMs)
    }
    assert.equal(await identity.countRows('sessions'), 1)
  },
)

testOnEngines(
  'better-auth#11317: a replay leaves neither the successor usable nor its access tokens',
  async (t, engine) => {
    const identity = await start(t, engine)
    const stolen = await signInHere(identity)
    const successor = tokensOf(await refreshWith(identity, stolen.refresh))
    const here = { audience: identity.issuer }
    const last = tokensOf(await refreshWith(identity, successor.refresh, here))
    identity.clock.advanceMs(graceMs)
    await assertNoRefresh(identity, stolen.refresh)
    await assertNoRefresh(identity, last.refresh)
    for (const { access } of [stolen, last]) assert.ok(!(await isWelcome(identity, access)))
    assert.deepEqual(await revokedKinds(identity), ['session'])
  },
)

testOnEngines('CVE-2026-9802: a restart makes no rotated token good again', async (t, engine) => {
  const identity = await start(t, engine)
  const first = await signIn(identity)
  const second = tokensOf(await refreshWith(identity, first.refresh))
  identity.clock.advanceMs(graceMs)
  const third = tokensOf(await refreshWith(identity, second.refresh))
  const restarted = await identity.restart()
  t.after(restarted.close)
  await assertNoRefresh(restarted, first.refresh)
  await assertNoRefresh(restarted, third.refresh)
})

testOnEngines(
  'keycloak#49213: a refresh that the store could not keep costs nobody the session',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    const mend = await breakWrites(identity, 'UPDATE ON sessions')
    for (const { status, body } of await refreshTimes(identity, refresh, 3)) {
      assert.ok(status >= 500, body)
    }
    await mend()
    identity.clock.advanceMs(10 * graceMs)
    tokensOf(await refreshWith(identity, refresh))
    assert.deepEqual(await eventKinds(identity), [])
  },
)

testOnEngines(
  'CVE-2022-3916: at one browser a refresh token speaks for its own login, whoever signs in after it',
  async (t, engine) => {
    const identity = await start(t, engine)
    const browser = openBrowser(identity)
    const ofAlice = tokensOf(await browser.signIn(alice))
    const cookieOfAlice = browser.cookie()
    const ofBob = tokensOf(await browser.signIn(bob))
    assert.notEqual(ofBob.sessionId, ofAlice.sessionId)
    const { access } = tokensOf(await browser.refresh())
    assert.equal(decodeToken(access).claims['sub'], ofBob.accountId)
    browser.plant(cookieOfAlice)
    const refused = await browser.refresh()
    assert.equal(refused.members()['error'], 'invalid_grant')
    assert.equal(setCookieOf(refused), undefined)
  },
)

testOnEngines(
  'GHSA-pw9m-5jxm-xr6h: client authentication is never overlooked at a refresh, good or bad',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    for (const credential of [
      basic(machine.clientId, 'guessed'),
      basic('web', ''),
      { authorization: 'Basic nonsense' },
    ]) {
      const form = { grant_type: 'refresh_token', refresh_token: refresh }
      const answer = await identity.token(form, credential)
      assert.deepEqual([answer.status, answer.members()['error']], [401, 'invalid_client'])
    }
    // A good one is not that of the client which the token was given to (RFC 6749 section 5.2).
    const other = { client_id: machine.clientId, client_secret: machine.clientSecret }
    await assertNoRefresh(identity, refresh, other)
    tokensOf(await refreshWith(identity, refresh))
    assert.deepEqual(await eventKinds(identity), [])
  },
)

testOnEngines(
  'GHSA-pw9m-5jxm-xr6h: a client with a secret refreshes with it alone, and without it nothing is rotated',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { access: token } = await signInHere(identity, admin)
    const body = {
      name: 'backend',
      grants: ['login', 'refresh_token', 'client_credentials'],
      audiences: ['orders'],
    }
    const made = (await call(identity, 'POST /admin/clients', { token, body })).members()
    const [id, secret] = [String(made['client_id']), String(made['client_secret'])]
    const { refresh } = await signIn(identity, alice, {
      client_id: 'backend',
      client_secret: secret,
    })
    const form = { grant_type: 'refresh_token', refresh_token: refresh, attempt: 'only' }
    const rowOf = (): Promise<readonly unknown[]> =>
      identity.query(`SELECT * FROM sessions WHERE client_id = '${id}'`)
    const before = await rowOf()
    for (const [more, credential] of [
      [{}, {}],
      [{ client_id: id }, {}],
      [{ client_id: 'backend', client_secret: 'guessed' }, {}],
      [{}, basic(id, '')],
    ] as const) {
      const answer = await identity.token({ ...form, ...more }, credential)
      assert.deepEqual([answer.status, answer.members()['error']], [401, 'invalid_client'])
    }
    // CVE-2026-55672: with a good credential of another client.
    const other = basic(machine.clientId, machine.clientSecret)
    const foreign = await identity.token(form, other)
    assert.deepEqual([foreign.status, foreign.members()['error']], [400, 'invalid_grant'])
    assert.deepEqual(await rowOf(), before)
    const refreshed = tokensOf(await identity.token(form, basic(id, secret)))
    assert.equal(decodeToken(refreshed.access).claims['client_id'], id)
    assert.notDeepEqual(await rowOf(), before)
  },
)

testOnEngines(
  'CVE-2026-55672: a refresh token is of the client that got it, and of use to no other',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh, access } = await signIn(identity)
    for (const other of ['till', 'closed', 'nobody', machine.clientId, 'WEB', '__proto__']) {
      await assertNoRefreshAs(identity, refresh, other)
    }
    const own = String(decodeToken(access).claims['client_id'])
    for (const name of ['web', own]) {
      tokensOf(await refreshWith(identity, refresh, { client_id: name }))
    }
  },
)

async function assertNoRefreshAs(
  identity: RunningIdentity,
  refresh: string,
  client: string,
): Promise<void> {
  const answer = await refreshWith(identity, refresh, { client_id: client })
  assert.deepEqual([answer.status, answer.members()['error']], [400, 'invalid_grant'], client)
}

testOnEngines(
  'CVE-2023-22492, CVE-2026-43983: a blocked account refreshes nothing, and unblocking revives nothing',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { access: token } = await signInHere(identity, admin)
    const blocked = await signInHere(identity)
    const browser = openBrowser(identity)
    await browser.signIn()
    const body = { reason: 'left the company' }
    for (const decision of ['block', 'unblock']) {
      const route = `POST /admin/accounts/${blocked.accountId}/${decision}`
      assert.ok((await call(identity, route, { token, body })).status < 300)
      await assertNoRefresh(identity, blocked.refresh)
      assert.equal((await browser.refresh()).members()['error'], 'invalid_grant')
      assert.ok(!(await isWelcome(identity, blocked.access)))
    }
    const { identifier, password } = alice
    tokensOf(await identity.login({ identifier, password }))
  },
)

testOnEngines(
  'django-oauth-toolkit#1617: the window honours the immediate predecessor and none before it',
  async (t, engine) => {
    const identity = await start(t, engine)
    const first = await signIn(identity)
    const second = tokensOf(await refreshWith(identity, first.refresh))
    identity.clock.advanceMs(graceMs)
    const third = tokensOf(await refreshWith(identity, second.refresh))
    assert.equal(tokensOf(await refreshWith(identity, second.refresh)).refresh, third.refresh)
    await assertNoRefresh(identity, first.refresh)
    await assertNoRefresh(identity, third.refresh)
    assert.deepEqual(await eventKinds(identity), ['refresh-reuse'])
  },
)

testOnEngines(
  'Eventra#17845: a token that is shown again and again does not hold the window open',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh } = await signIn(identity)
    const { refresh: successor } = tokensOf(await refreshWith(identity, refresh))
    for (let shown = 0; shown < 5; shown += 1) {
      identity.clock.advanceMs(graceMs / 6)
      assert.equal(tokensOf(await refreshWith(identity, refresh)).refresh, successor)
    }
    identity.clock.advanceMs(graceMs / 6)
    await assertNoRefresh(identity, refresh)
    await assertNoRefresh(identity, successor)
  },
)

testOnEngines(
  'CVE-2024-46999: a refresh carries the roles of now, and never those of the login',
  async (t, engine) => {
    const identity = await start(t, engine)
    const { refresh, access } = await signIn(identity)
    assert.deepEqual(decodeToken(access).claims['roles'], ['customer', 'moderator'])
    await identity.query(
      "UPDATE accounts SET roles = '[]', generation = generation + 1 WHERE identifier = 'alice'",
    )
    const { access: fresh } = tokensOf(await refreshWith(identity, refresh))
    const { roles, scope } = decodeToken(fresh).claims
    assert.deepEqual([roles, scope], [undefined, undefined])
    assertProblem(await call(identity, 'GET /admin/keys', { token: fresh }), 401, 'invalid-token')
  },
)
