import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { activitySeries, createActivity } from '../src/domain/activity.ts'
import { createCensus } from '../src/domain/census.ts'
import { createFleetActivity } from '../src/domain/fleet-activity.ts'
import { startWritingActivity } from '../src/jobs/activity.ts'
import { createActivityStore } from '../src/store/activity.ts'
import { createCounting } from '../src/store/census.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { insertAccount, openStoreAt } from './opened-store.ts'
import { createLogInMemory } from './running-identity.ts'

const hourMs = 3_600_000

test('a node keeps what it has counted for an hour, and no longer', () => {
  const clock = createChosenClock()
  const activity = createActivity(clock.now)
  for (let bucket = 0; bucket < 1000; bucket += 1) {
    activity.count('requests', 2)
    clock.advanceMs(10_000)
  }
  assert.equal(activity.buckets().length, 360)
  assert.equal(activity.unwritten(false).length, 360)
})

/** A node whose steps are taken when the test says so. */
function createNode(
  name: string,
  now: () => number,
  store: ReturnType<typeof createActivityStore>,
) {
  const activity = createActivity(now)
  const steps: (() => void)[] = []
  const { log, logged } = createLogInMemory()
  const repeat = (step: () => void): (() => void) => {
    steps.push(step)
    return () => undefined
  }
  const stop = startWritingActivity({ activity, store, node: name, log, repeat })
  const read = createFleetActivity({ activity, store, node: name, now })
  const sum = async (): Promise<number> =>
    (await read(60)).series['requests']?.reduce((all, one) => all + one, 0) ?? NaN
  const write = async (): Promise<void> => {
    steps[0]?.()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { activity, stop, sum, write, logged }
}

testOnEngines(
  'what a bucket has counted is written once it is over, and what is lost is said',
  async (t, engine) => {
    const clock = createChosenClock()
    const { database } = await openStore(t, await engine.createStore(t), clock.now)
    const store = createActivityStore(database)
    let isBroken = false
    const flaky = {
      ...store,
      write: (...told: Parameters<typeof store.write>) =>
        isBroken ? Promise.reject(new Error('the disk is full')) : store.write(...told),
    }
    const one = createNode('one', clock.now, flaky)
    const other = createNode('other', clock.now, store)
    one.activity.count('requests', 5)
    await one.write()
    assert.equal(await other.sum(), 0)
    clock.advanceMs(10_000)
    isBroken = true
    await one.write()
    assert.match(one.logged(), /cannot be written down/)
    assert.equal(await other.sum(), 0)
    isBroken = false
    await one.write()
    await one.write()
    clock.advanceMs(10_000)
    assert.equal(await other.sum(), 5)
    assert.equal(await one.sum(), 5)
    one.activity.count('requests', 2)
    await one.stop()
    clock.advanceMs(2000)
    assert.equal(await other.sum(), 7)
    assert.equal(await one.sum(), 7)
    await other.stop()

    await store.write('ahead', [{ at: startMs + 3 * hourMs, counts: { requests: 9 } }])
    clock.advanceMs(hourMs - 15_000)
    assert.equal(await store.forget(), false)
    const left = await database.read('SELECT node, at FROM activity')
    assert.deepEqual(
      left.map(({ node, at }) => [node, Number(at) - startMs]),
      [['one', 14_322]],
    )
  },
)

test('a thousand who look at once cost one reading of what others have written', async () => {
  const clock = createChosenClock()
  let readings = 0
  const ofOthers = async () => {
    readings += 1
    return []
  }
  const activity = createActivity(clock.now)
  const read = createFleetActivity({ activity, store: { ofOthers }, node: 'one', now: clock.now })
  await Promise.all(Array.from({ length: 1000 }, () => read(60)))
  assert.equal(readings, 1)
  clock.advanceMs(2000)
  await read(60)
  assert.equal(readings, 2)
})

testOnEngines('what is counted is what lives', async (t, engine) => {
  const { database } = await openStore(t, await engine.createStore(t), () => startMs)
  const count = createCounting(database)
  const nothing = { accounts: 0, accountsBlocked: 0, sessionsLive: 0, clients: 0, followersLive: 0 }
  const anomaliesLastDay = { notice: 0, warning: 0, critical: 0 }
  assert.deepEqual(await count(), { ...nothing, anomaliesLastDay })
  const { write } = database
  for (const id of ['alive', 'blocked', 'deleted', 'floored']) await write(insertAccount, [id, id])
  await write("UPDATE accounts SET blocked_at = 1 WHERE id IN ('blocked', 'deleted')")
  await write("UPDATE accounts SET deleted_at = 1 WHERE id = 'deleted'")
  await write("UPDATE accounts SET login_floor = 1 WHERE id = 'floored'")
  for (const [id, enabled] of [
    ['web', 1],
    ['off', 0],
  ] as const) {
    await write(
      `INSERT INTO clients (id, name, origin, enabled, public, grants, audiences, scopes, generation, created_at)
       VALUES ($1, $1, 'store', $2, 1, '[]', '[]', '[]', 0, 0)`,
      [id, enabled],
    )
  }
  const [head] = await database.read('SELECT base FROM revocation_head')
  const base = Number(head?.['base'])
  const insertSession = (
    id: string,
    { account = 'alive', client = 'web', idle = 1, end = 1, ended = null as number | null } = {},
  ) =>
    write(
      `INSERT INTO sessions (id, account_id, client_id, audiences, generation, seed, counter, authenticated_at,
                             last_used_at, idle_expires_at, expires_at, ended_at)
       VALUES ($1, $2, $3, '[]', $4, 'seed', 0, 0, 0, $5, $6, $7)`,
      [id, account, client, base, startMs + idle, startMs + end, ended],
    )
  // More than are walked at once.
  for (let number = 0; number < 1100; number += 1) await insertSession(`alive-${number}`)
  await insertSession('idle', { idle: 0 })
  await insertSession('over', { end: 0 })
  await insertSession('ended', { ended: startMs })
  await insertSession('blocked', { account: 'blocked' })
  await insertSession('floored', { account: 'floored' })
  await insertSession('of-client', { client: 'off' })
  for (const [severity, at] of [
    ['critical', startMs],
    ['critical', startMs - 25 * hourMs],
    ['notice', startMs - hourMs],
  ] as const) {
    await write(
      `INSERT INTO anomalies (rule, severity, about, subject, evidence, first_at, last_at, times)
       VALUES ('refresh-reuse', $1, 'session', 'x', '{}', 0, $2, 1)`,
      [severity, at],
    )
  }
  assert.deepEqual(await count(), {
    accounts: 3,
    accountsBlocked: 1,
    sessionsLive: 1100,
    clients: 2,
    followersLive: 0,
    anomaliesLastDay: { notice: 1, warning: 0, critical: 1 },
  })
})

test('what takes long to count is counted seldom, and nobody waits for it for more than a second', async () => {
  let monotonicMs = 0
  let counted = 0
  const finished = Promise.withResolvers<void>()
  const totals = { accounts: 1, accountsBlocked: 0, sessionsLive: 0, clients: 0, followersLive: 0 }
  const anomaliesLastDay = { notice: 0, warning: 0, critical: 0 }
  const census = createCensus({
    count: async () => {
      counted += 1
      await finished.promise
      return { ...totals, anomaliesLastDay }
    },
    now: () => startMs + monotonicMs,
    monotonic: () => monotonicMs,
    pause: async () => undefined,
  })
  assert.deepEqual(await Promise.all([census(), census()]), [undefined, undefined])
  assert.equal(counted, 1)
  monotonicMs = 3000
  finished.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await census())?.countedAt, startMs)
  // Three seconds, and twenty times as long of rest.
  monotonicMs = 62_999
  await census()
  assert.equal(counted, 1)
  monotonicMs = 63_000
  await census()
  assert.equal(counted, 2)
})

async function openStore(t: TestContext, url: string, now: () => number) {
  const opened = await openStoreAt(url, now)
  t.after(opened.database.close)
  return opened
}

test('docs/activity.md says what each series counts', () => {
  const page = readFileSync(new URL('../../../docs/activity.md', import.meta.url), 'utf8')
  const named = Array.from(page.matchAll(/^\| `(\w+)` /gm), ([, name = '']) => name)
  assert.deepEqual(named, activitySeries)
})
