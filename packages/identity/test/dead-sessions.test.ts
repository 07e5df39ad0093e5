import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { findCaller } from '../src/domain/callers.ts'
import { recogniseAtLogout } from '../src/domain/logout.ts'
import { endOtherSessions } from '../src/domain/other-sessions.ts'
import { refresh } from '../src/domain/refresh.ts'
import type { SessionCursor, SessionSweep } from '../src/domain/sessions.ts'
import { startRemovingSessions } from '../src/jobs/dead-sessions.ts'
import { createSessionSweep } from '../src/store/session-sweep.ts'
import type { AccountStoreParts } from './account-parts.ts'
import { kindsOf, openAccounts } from './account-parts.ts'
import { testOnEngines } from './engines.ts'
import { createLogInMemory } from './running-identity.ts'
import { accountIdOf, endEverywhere, loginWith, sessionOf } from './store-parts.ts'

const dayMs = 24 * 3_600_000
const alice = accountIdOf('alice')

async function idsIn({ query }: AccountStoreParts): Promise<readonly unknown[]> {
  return (await query('SELECT id FROM sessions ORDER BY id')).map(({ id }) => id)
}

/** Copies of a session, as so many logins leave them behind: each began a second before the one before. */
async function copySession(
  { database }: AccountStoreParts,
  sessionId: string,
  copies: number,
): Promise<void> {
  const others = 'account_id, client_id, audiences, generation, seed, counter, last_used_at'
  await database.write(
    `INSERT INTO sessions (id, authenticated_at, idle_expires_at, expires_at, ${others})
     WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${copies})
     SELECT 'copy-' || n, authenticated_at - n * 1000, idle_expires_at, expires_at, ${others}
     FROM sessions CROSS JOIN numbers WHERE id = $1`,
    [sessionId],
  )
}

/** Steps to the end of the table, and how many they were. */
async function sweepAll({ sweep }: SessionSweep): Promise<number> {
  let after: string | undefined = ''
  let steps = 0
  while (after !== undefined) {
    after = await sweep(after, dayMs)
    steps += 1
  }
  return steps
}

testOnEngines(
  'a session is removed a day after its end, and nothing of it is accepted ever after',
  async (t, engine) => {
    const store = await openAccounts(t, engine, ['alice', 'bob'])
    const { parts, clock, database } = store
    const sweeps = createSessionSweep(database)
    const bystander = await loginWith(parts, 'bob')
    const byLogout = await loginWith(parts)
    await parts.sessions.end(byLogout.sessionId)
    const byFloor = await loginWith(parts)
    await endEverywhere(parts, alice)
    const goesOn = await loginWith(parts)
    const dead = [byLogout, byFloor]
    const events = await kindsOf(store, 'events')

    await sweepAll(sweeps)
    assert.equal((await idsIn(store)).length, 4, 'what is over is kept for a day')
    assert.ok((await sessionOf(parts, byFloor.sessionId)).isEnded)
    clock.advanceMs(dayMs - 1)
    await sweepAll(sweeps)
    assert.equal((await idsIn(store)).length, 4)
    clock.advanceMs(1)
    await sweepAll(sweeps)
    const living = [bystander.sessionId, goesOn.sessionId]
    assert.deepEqual(new Set(await idsIn(store)), new Set(living))

    for (const { refresh: refreshToken, claims, sessionId } of dead) {
      const refused = await refresh(parts, { refreshToken })
      assert.equal(refused.kind, 'refused')
      assert.equal((await recogniseAtLogout(parts, refreshToken)).kind, 'unknown')
      assert.equal(await findCaller(parts.sessions, claims), undefined)
      await parts.sessions.end(sessionId)
    }
    assert.deepEqual(await kindsOf(store, 'events'), events)
    for (const { refresh: refreshToken } of [bystander, goesOn]) {
      assert.equal((await refresh(parts, { refreshToken })).kind, 'refreshed')
    }
  },
)

testOnEngines('a session that nobody used is removed a day after it expired', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, clock, database } = store
  const idle = await loginWith(parts)
  clock.advanceMs(15 * dayMs - 1)
  await sweepAll(createSessionSweep(database))
  assert.deepEqual(await idsIn(store), [idle.sessionId])
  clock.advanceMs(1)
  await sweepAll(createSessionSweep(database))
  assert.deepEqual(await idsIn(store), [])
})

testOnEngines('a sweep takes steps of a thousand sessions', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, clock, database } = store
  const { sessionId } = await loginWith(parts)
  await copySession(store, sessionId, 2500)
  await endEverywhere(parts, alice)
  const { sessionId: livingId } = await loginWith(parts)
  assert.equal(await sweepAll(createSessionSweep(database)), 3)
  clock.advanceMs(dayMs)
  const { sweep } = createSessionSweep(database)
  await sweep('', dayMs)
  assert.ok((await idsIn(store)).length >= 1502, 'one step removes a thousand at most')
  assert.equal(await sweepAll({ sweep }), 2)
  assert.deepEqual(await idsIn(store), [livingId])
})

testOnEngines('sweeps of two nodes at once end nothing that lives', async (t, engine) => {
  const store = await openAccounts(t, engine)
  const { parts, clock, database } = store
  const { sweep } = createSessionSweep(database)
  const kept = await loginWith(parts)
  let refreshToken = kept.refresh
  for (let round = 0; round < 8; round += 1) {
    const others = await Promise.all(Array.from({ length: 4 }, () => loginWith(parts)))
    const session = await sessionOf(parts, kept.sessionId)
    const [outcome, , , refreshed] = await Promise.all([
      endOtherSessions(parts, session),
      sweep('', 0),
      sweep('', 0),
      refresh(parts, { refreshToken }),
    ])
    assert.equal(outcome.kind, 'ended')
    assert.ok(refreshed.kind === 'refreshed')
    refreshToken = refreshed.refresh.token
    await Promise.all([sweep('', 0), sweep('', 0)])
    assert.deepEqual(await idsIn(store), [kept.sessionId], `${others.length} others`)
    clock.advanceMs(31_000)
  }
})

testOnEngines(
  'a page looks at so many sessions and not at all that are over',
  async (t, engine) => {
    const store = await openAccounts(t, engine)
    const { parts } = store
    const oldest = await loginWith(parts)
    store.clock.advanceMs(3_600_000)
    const { sessionId } = await loginWith(parts)
    await copySession(store, sessionId, 1000)
    const caller = await sessionOf(parts, oldest.sessionId)
    await endOtherSessions(parts, caller)
    const newest = await loginWith(parts)

    const pages: (readonly string[])[] = []
    let after: SessionCursor | undefined
    do {
      const page = await parts.sessions.listOf(alice, { limit: 10, after })
      pages.push(page.sessions.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    assert.deepEqual(pages.flat(), [newest.sessionId, oldest.sessionId])
    assert.ok(pages.length > 4, 'each looks at some two hundred')
    await sweepAll(createSessionSweep(store.database))
    const { sessions, next } = await parts.sessions.listOf(alice, { limit: 10 })
    assert.deepEqual(
      sessions.map(({ id }) => id),
      pages.flat(),
    )
    assert.equal(next, undefined)
  },
)

test('the job walks on from step to step and begins again at the end', async () => {
  const { log, logged } = createLogInMemory()
  const { repeat, step } = createChosenRepeat()
  const seen: string[] = []
  const sweep: SessionSweep['sweep'] = async (after) => {
    seen.push(after)
    if (seen.length === 2) throw new Error('no disk')
    return after === '' ? 'middle' : undefined
  }
  const stop = startRemovingSessions({ sweep }, log, repeat)
  for (let taken = 0; taken < 4; taken += 1) await step()
  await stop()
  assert.deepEqual(seen, ['', 'middle', 'middle', ''])
  assert.match(logged(), /cannot be removed/)
  assert.match(logged(), /are removed again/)
})
