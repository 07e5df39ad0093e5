import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { reauthenticate } from '../src/domain/reauthentication.ts'
import { refresh } from '../src/domain/refresh.ts'
import { isLive } from '../src/domain/sessions.ts'
import { parseIdentitySettings } from '../src/index.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import { eventKinds, isWelcome, revokedKinds, signInHere } from './signed-in.ts'
import type { StoreParts } from './store-parts.ts'
import {
  commandLine,
  endEverywhere,
  loginWith,
  openPartsAt,
  sessionOf,
  shown,
} from './store-parts.ts'
import { aboutPeople } from './store-query.ts'

const dayMs = 24 * 3_600_000

type Opened = StoreParts & { readonly clock: ChosenClock }

/** A store in which nobody has more sessions than that. */
async function open(t: TestContext, engine: Engine, max: number): Promise<Opened> {
  const clock = createChosenClock()
  const store = await openPartsAt(await engine.createStore(t), clock.now, ['alice', 'bob'])
  t.after(store.database.close)
  return { ...store, clock, parts: { ...store.parts, sessionsPerAccountMax: max } }
}

async function loginTimes(
  { parts, clock }: Opened,
  times: number,
  identifier?: string,
): Promise<readonly string[]> {
  const sessions: string[] = []
  for (let time = 0; time < times; time += 1) {
    clock.advanceMs(1000)
    sessions.push((await loginWith(parts, identifier)).sessionId)
  }
  return sessions
}

async function liveOf({ parts }: Opened, ids: readonly string[]): Promise<readonly string[]> {
  const sessions = await Promise.all(ids.map((id) => sessionOf(parts, id)))
  return sessions.filter(isLive).map(({ id }) => id)
}

async function kindsIn({ database }: Opened, table: 'events' | 'revocations'): Promise<unknown[]> {
  const which = table === 'events' ? `WHERE ${aboutPeople} ORDER BY id` : 'ORDER BY seq'
  const rows = await database.read(`SELECT kind FROM ${table} ${which}`)
  return rows.map(({ kind }) => kind)
}

testOnEngines(
  'one login too many ends the oldest one, with its record and event',
  async (t, engine) => {
    const opened = await open(t, engine, 3)
    const [bystander = ''] = await loginTimes(opened, 1, 'bob')
    const ids = await loginTimes(opened, 3)
    assert.deepEqual(await liveOf(opened, ids), ids)
    assert.deepEqual(await kindsIn(opened, 'revocations'), [])
    const [fourth = ''] = await loginTimes(opened, 1)
    assert.deepEqual(await liveOf(opened, [...ids, fourth, bystander]), [
      ...ids.slice(1),
      fourth,
      bystander,
    ])
    assert.deepEqual(await kindsIn(opened, 'revocations'), ['session'])
    assert.deepEqual(await kindsIn(opened, 'events'), ['session-limit'])
  },
)

testOnEngines('the oldest is the oldest login, however much it is used', async (t, engine) => {
  const opened = await open(t, engine, 2)
  const { parts, clock } = opened
  const oldest = await loginWith(parts)
  const [second = ''] = await loginTimes(opened, 1)
  clock.advanceMs(60_000)
  assert.equal((await refresh(parts, { refreshToken: oldest.refresh })).kind, 'refreshed')
  const session = await sessionOf(parts, oldest.sessionId)
  assert.equal(
    (await reauthenticate(parts, session, shown('alice-password'))).kind,
    'reauthenticated',
  )
  const [third = ''] = await loginTimes(opened, 1)
  assert.deepEqual(await liveOf(opened, [oldest.sessionId, second, third]), [second, third])
})

testOnEngines('sessions that are over do not count', async (t, engine) => {
  const opened = await open(t, engine, 2)
  const { parts, clock } = opened
  const [ended = '', kept = ''] = await loginTimes(opened, 2)
  await parts.sessions.end(ended)
  const [second = ''] = await loginTimes(opened, 1)
  assert.deepEqual(await liveOf(opened, [kept, second]), [kept, second])
  const { accountId } = await sessionOf(parts, kept)
  await endEverywhere(parts, accountId)
  const others = await loginTimes(opened, 2)
  clock.advanceMs(14 * dayMs)
  await loginTimes(opened, 2)
  assert.deepEqual(await kindsIn(opened, 'revocations'), ['session', 'account'])
  assert.deepEqual(await liveOf(opened, others), [], 'expired by the clock')
})

testOnEngines('of logins at once never more than the limit are left', async (t, engine) => {
  for (const max of [1, 3]) {
    const opened = await open(t, engine, max)
    const logins = await Promise.all(Array.from({ length: 12 }, () => loginWith(opened.parts)))
    const ids = logins.map(({ sessionId }) => sessionId)
    assert.equal((await liveOf(opened, ids)).length, max)
    const ends = Array.from({ length: 12 - max }, () => 'session')
    assert.deepEqual(await kindsIn(opened, 'revocations'), ends)
  }
})

testOnEngines('a limit that was lowered holds from the next login on', async (t, engine) => {
  const opened = await open(t, engine, 10)
  const ids = await loginTimes(opened, 6)
  const lowered = { ...opened, parts: { ...opened.parts, sessionsPerAccountMax: 2 } }
  assert.deepEqual(await liveOf(lowered, ids), ids)
  const [last = ''] = await loginTimes(lowered, 1)
  assert.deepEqual(await liveOf(lowered, [...ids, last]), [...ids.slice(-1), last])
})

testOnEngines('a login that is refused ends nobody', async (t, engine) => {
  const opened = await open(t, engine, 1)
  const { parts } = opened
  const [only = ''] = await loginTimes(opened, 1)
  const { accountId } = await sessionOf(parts, only)
  const slow: typeof parts = {
    ...parts,
    passwords: {
      ...parts.passwords,
      verify: async (hash, typed, asker) => {
        const check = await parts.passwords.verify(hash, typed, asker)
        await parts.accounts.block({ accountId, actor: commandLine, reason: 'a test' })
        return check
      },
    },
  }
  await assert.rejects(loginWith(slow), /account-blocked/)
  assert.deepEqual(await kindsIn(opened, 'revocations'), ['account'])
})

test('the limit is a setting, and what it ends is dead at once', async (t) => {
  const identity = await startRunningIdentity({ file: { sessionsPerAccountMax: 1 } })
  t.after(identity.close)
  const first = await signInHere(identity, alice)
  identity.clock.advanceMs(1000)
  const second = await signInHere(identity, alice)
  assert.ok(!(await isWelcome(identity, first.access)))
  assert.ok(await isWelcome(identity, second.access))
  assert.deepEqual(await revokedKinds(identity), ['session'])
  assert.deepEqual(await eventKinds(identity), ['session-limit'])
})

function readLimit(file: object): number | undefined {
  return parseIdentitySettings({ ...ordersAndReviews, ...file }, 'the test').sessionsPerAccountMax
}

test('without the setting there is no limit, and a limit is a whole number from 1 to 1000', () => {
  assert.equal(readLimit({}), undefined)
  assert.equal(readLimit({ sessionsPerAccountMax: 1000 }), 1000)
  for (const wrong of [0, 1001, 1.5, '5']) {
    assert.throws(() => readLimit({ sessionsPerAccountMax: wrong }), /sessionsPerAccountMax/)
  }
})
