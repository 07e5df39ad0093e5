import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { TestContext } from 'node:test'
import { endOtherSessions } from '../src/domain/other-sessions.ts'
import { refresh } from '../src/domain/refresh.ts'
import type { SessionCursor } from '../src/domain/sessions.ts'
import { firstBase } from './first-base.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { Answer } from './http-client.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
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
import type { StoreParts } from './store-parts.ts'
import { accountOf, loginWith, openPartsAt, sessionOf } from './store-parts.ts'

const identity = await startRunningIdentity({ accounts: [alice, bob] })
after(identity.close)

async function open(t: TestContext, engine: Engine): Promise<StoreParts> {
  const store = await openPartsAt(await engine.createStore(t), createChosenClock().now)
  t.after(store.database.close)
  return store
}

function list(token: string, query = ''): Promise<Answer> {
  return call(identity, `GET /sessions${query}`, { token })
}

testOnEngines(
  'pages together hold every session once, however many began at once',
  async (t, engine) => {
    const { parts } = await open(t, engine)
    const logins = await Promise.all(Array.from({ length: 7 }, () => loginWith(parts)))
    const { accountId } = await sessionOf(parts, logins[0]?.sessionId ?? '')
    const seen: string[] = []
    let cursor: SessionCursor | undefined
    for (let page = 0; page < 4; page += 1) {
      const { sessions, next } = await parts.sessions.listOf(accountId, { limit: 2, after: cursor })
      seen.push(...sessions.map(({ id }) => id))
      cursor = next
      assert.equal(next === undefined, page === 3)
    }
    const ids = logins.map(({ sessionId }) => sessionId)
    assert.deepEqual(seen.toSorted(), ids.toSorted())
  },
)

test('a list is turned page by page, and a session that is used meanwhile is not passed over', async () => {
  const { access } = await signInHere(identity)
  const ids: unknown[] = []
  for (let time = 0; time < 4; time += 1) {
    identity.clock.advanceMs(1000)
    ids.unshift((await signIn(identity)).sessionId)
  }
  const oldest = await list(access, '?limit=100')
  const all = (oldest.members()['sessions'] as { id: string }[]).map(({ id }) => id)
  assert.deepEqual(all.slice(0, 4), ids)

  const seen: string[] = []
  let query = '?limit=2'
  for (;;) {
    const { sessions, next } = (await list(access, query)).members()
    seen.push(...(sessions as { id: string }[]).map(({ id }) => id))
    tokensOf(await refreshWith(identity, (await signIn(identity)).refresh))
    if (typeof next !== 'string') break
    query = `?limit=2&after=${next}`
  }
  assert.deepEqual(seen, all)
})

test('a page has 50 sessions unless it is asked for otherwise, and never more than 100', async () => {
  const { access } = await signInHere(identity)
  for (const query of [
    '?limit=0',
    '?limit=101',
    '?limit=1e1',
    '?limit=-1',
    '?limit=',
    '?limit=1&limit=2',
    '?after=nonsense',
    "?after=1.'--",
    `?after=${'9'.repeat(16)}.${'A'.repeat(22)}`,
    '?account=bob',
  ]) {
    assertProblem(await list(access, query), 400, 'malformed')
  }
  const rows = Array.from({ length: 60 }, (_, at) => String(at).padStart(22, 'A'))
  const columns =
    'account_id, client_id, audiences, generation, seed, counter, authenticated_at, last_used_at, idle_expires_at, expires_at'
  for (const id of rows) {
    await identity.query(
      `INSERT INTO sessions (id, ${columns}) SELECT '${id}', ${columns} FROM sessions LIMIT 1`,
    )
  }
  const { sessions, next } = (await list(access)).members()
  assert.equal((sessions as unknown[]).length, 50)
  assert.equal(typeof next, 'string')
})

test('to end all others is one record, and the caller goes on with a new access token', async () => {
  const [caller, other] = [await signInHere(identity), await signIn(identity)]
  const elsewhere = await signInHere(identity, bob)
  const before = [(await revokedKinds(identity)).length, (await eventKinds(identity)).length]
  const answer = await call(identity, 'POST /sessions/end-others', { token: caller.access })
  positionOf(answer)
  assert.equal(answer.members()['refresh_token'], undefined, 'an access token earns none')
  const { access, sessionId } = tokensOf(answer)
  assert.equal(sessionId, caller.sessionId)
  assert.ok(!(await isWelcome(identity, caller.access)))
  await assertNoRefresh(identity, other.refresh)
  assert.ok(await isWelcome(identity, access))
  assert.ok(await isWelcome(identity, elsewhere.access))
  tokensOf(await refreshWith(identity, caller.refresh))
  assert.deepEqual((await revokedKinds(identity)).slice(before[0]), ['account'])
  assert.deepEqual((await eventKinds(identity)).slice(before[1]), ['other-sessions-ended'])
  const { sessions } = (await list(access)).members()
  assert.deepEqual(
    (sessions as { id: string }[]).map(({ id }) => id),
    [caller.sessionId],
  )
})

test('to end all others takes a live session, by a token for identity alone', async () => {
  const bystander = await signInHere(identity)
  const route = 'POST /sessions/end-others'
  assertChallenged(await call(identity, route, { token: (await signIn(identity)).access }))
  assertChallenged(await call(identity, route))
  const over = await signInHere(identity)
  positionOf(await call(identity, 'POST /logout', { token: over.access }))
  assertChallenged(await call(identity, route, { token: over.access }))
  assert.ok(await isWelcome(identity, bystander.access))
})

testOnEngines('a session that ended meanwhile ends no others', async (t, engine) => {
  const store = await open(t, engine)
  const { parts } = store
  const [caller, other] = [await loginWith(parts), await loginWith(parts)]
  const session = await sessionOf(parts, caller.sessionId)
  await parts.sessions.end(caller.sessionId)
  assert.deepEqual(await endOtherSessions(parts, session), { kind: 'superseded' })
  assert.equal((await refresh(parts, { refreshToken: other.refresh })).kind, 'refreshed')
})

testOnEngines('of sessions that end each other at once, exactly one is left', async (t, engine) => {
  const store = await open(t, engine)
  const { parts } = store
  for (let round = 0; round < 5; round += 1) {
    const logins = await Promise.all(Array.from({ length: 4 }, () => loginWith(parts)))
    const sessions = await Promise.all(logins.map(({ sessionId }) => sessionOf(parts, sessionId)))
    const outcomes = await Promise.all(sessions.map((session) => endOtherSessions(parts, session)))
    const ended = outcomes.filter(({ kind }) => kind === 'ended')
    assert.equal(ended.length, 1, 'the others were over by then')
    const alive = await Promise.all(
      logins.map(({ refresh: refreshToken }) => refresh(parts, { refreshToken })),
    )
    assert.equal(alive.filter(({ kind }) => kind === 'refreshed').length, 1)
  }
  assert.equal((await accountOf(store)).generation, firstBase + 5)
})
