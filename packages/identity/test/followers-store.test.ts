import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import type { FollowerStore, PositionReport } from '../src/domain/followers.ts'
import { followerLiveMs, maxStalenessMsMax } from '../src/domain/followers.ts'
import type { Receipts, ReceiptStore } from '../src/domain/receipts.ts'
import { reportPace } from '../src/domain/report-pace.ts'
import { randomIdentifier } from '../src/domain/random.ts'
import { startForgettingFollowers } from '../src/jobs/silent-followers.ts'
import { createFollowerStore } from '../src/store/followers.ts'
import { createReceiptStore } from '../src/store/receipts.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { openStoreAt } from './opened-store.ts'
import { createLogInMemory } from './running-identity.ts'

const orders = { clientId: 'orders', follower: 'O'.repeat(22) }
const reviews = { clientId: 'reviews', follower: 'R'.repeat(22) }
const stalenessMs = 30_000

interface World {
  readonly clock: ChosenClock
  readonly followers: FollowerStore & ReceiptStore
  readonly anotherNode: FollowerStore
  readonly revoke: () => Promise<RevocationPosition>
  readonly rowsIn: (table: 'followers') => Promise<number>
}

async function open(t: TestContext, engine: Engine): Promise<World> {
  const clock = createChosenClock()
  const url = await engine.createStore(t)
  const { database, log } = await openStoreAt(url, clock.now)
  t.after(database.close)
  const other = await openStoreAt(url, clock.now)
  t.after(other.database.close)
  return {
    clock,
    followers: { ...createFollowerStore(database), ...createReceiptStore(database) },
    anotherNode: createFollowerStore(other.database),
    revoke: () =>
      log.transaction((_query, revoke) =>
        revoke({ kind: 'session', key: randomIdentifier(randomBytes), floor: 0 }),
      ),
    rowsIn: async (table) => (await database.read(`SELECT * FROM ${table}`)).length,
  }
}

function reportOf(
  key: Pick<PositionReport, 'clientId' | 'follower'>,
  position: RevocationPosition,
  more: Partial<PositionReport> = {},
): PositionReport {
  return { ...key, position, appliedMsAgo: 0, maxStalenessMs: stalenessMs, ...more }
}

function statesOf(receipts: Receipts): readonly object[] {
  assert.equal(receipts.kind, 'receipts')
  return receipts.kind === 'receipts' ? receipts.receipts.map(({ state }) => state) : []
}

testOnEngines(
  'a receipt tells how long after the commit a follower has come there, whichever node it told',
  async (t, engine) => {
    const { clock, followers, anotherNode, revoke } = await open(t, engine)
    const first = await revoke()
    clock.advanceMs(40)
    await followers.report(reportOf(orders, first, { appliedMsAgo: 33 }))
    await anotherNode.report(reportOf(reviews, { ...first, seq: 0 }))
    const unknown = { kind: 'unknown', untilMs: startMs + stalenessMs + 5_000 }
    assert.deepEqual(statesOf(await followers.receiptsOf(first)), [
      { kind: 'applied', afterMs: 7 },
      unknown,
    ])
    clock.advanceMs(60)
    const second = await revoke()
    clock.advanceMs(5)
    await anotherNode.report(reportOf(orders, second))
    await anotherNode.report(reportOf(reviews, second))
    assert.deepEqual(statesOf(await followers.receiptsOf(second)), [
      { kind: 'applied', afterMs: 5 },
      { kind: 'applied', afterMs: 5 },
    ])
    assert.deepEqual(
      statesOf(await followers.receiptsOf(first)),
      [
        { kind: 'applied', afterMs: 7 },
        { kind: 'applied', afterMs: 105 },
      ],
      'who has come further has come there too',
    )
  },
)

testOnEngines(
  'a follower that is silent is unknown until it must have turned stale, and then counts for nothing',
  async (t, engine) => {
    const { clock, followers, revoke } = await open(t, engine)
    const before = { ...(await revoke()), seq: 0 }
    await followers.report(reportOf(orders, before))
    await followers.report(reportOf(reviews, before, { maxStalenessMs: undefined }))
    const position = await revoke()
    clock.advanceMs(stalenessMs + 5_000)
    const untilMs = startMs + stalenessMs + 5_000
    const never = { kind: 'unknown', untilMs: undefined }
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), [
      { kind: 'unknown', untilMs },
      never,
    ])
    clock.advanceMs(1)
    const refusing = { kind: 'refusing', untilMs }
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), [refusing, never])
    clock.advanceMs(followerLiveMs)
    assert.deepEqual(
      statesOf(await followers.receiptsOf(position)),
      [refusing, never],
      'who may have gone on without the feed since is not forgotten',
    )
    assert.deepEqual(
      statesOf(await followers.receiptsOf(await revoke())),
      [never],
      'who was silent for so long before refuses by itself, unless it never does',
    )
    clock.advanceMs(maxStalenessMsMax)
    assert.deepEqual(statesOf(await followers.receiptsOf(await revoke())), [])
  },
)

testOnEngines(
  'of one that began later, or has gone far on since, nobody says how long it took',
  async (t, engine) => {
    const { clock, followers, revoke } = await open(t, engine)
    const position = await revoke()
    await followers.report(reportOf(orders, { ...position, seq: 0 }))
    clock.advanceMs(3_000)
    await followers.report(reportOf(orders, position))
    await followers.report(reportOf(reviews, position))
    const exactly = [
      { kind: 'applied', afterMs: 3_000 },
      { kind: 'applied', afterMs: 3_000 },
    ]
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), exactly)
    clock.advanceMs(1)
    const late = { clientId: 'tills', follower: 'T'.repeat(22) }
    await followers.report(reportOf(late, position))
    const unknown = { kind: 'applied', afterMs: undefined }
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), [...exactly, unknown])
    for (let count = 0; count < 31; count += 1) {
      await followers.report(reportOf(orders, await revoke()))
    }
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), [...exactly, unknown])
    await followers.report(reportOf(orders, await revoke()))
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), [
      unknown,
      { kind: 'applied', afterMs: 3_000 },
      unknown,
    ])
  },
)

testOnEngines('a follower that has ended is waited for by nobody', async (t, engine) => {
  const { followers, revoke } = await open(t, engine)
  const position = await revoke()
  await followers.report(reportOf(orders, { ...position, seq: 0 }))
  await followers.leave({ ...orders, clientId: 'another' })
  assert.equal(statesOf(await followers.receiptsOf(position)).length, 1)
  await followers.leave(orders)
  assert.equal(statesOf(await followers.receiptsOf(position)).length, 0)
})

testOnEngines(
  'a report that is late takes nothing back, and one of another epoch counts for that alone',
  async (t, engine) => {
    const { clock, followers, revoke } = await open(t, engine)
    const position = await revoke()
    await followers.report(reportOf(orders, position))
    clock.advanceMs(10)
    await followers.report(reportOf(orders, { ...position, seq: 0 }))
    assert.deepEqual(statesOf(await followers.receiptsOf(position)), [
      { kind: 'applied', afterMs: 0 },
    ])
    await followers.report(reportOf(orders, { epoch: 'B'.repeat(22), seq: 7 }))
    const [state] = statesOf(await followers.receiptsOf(position))
    assert.deepEqual(state, { kind: 'unknown', untilMs: startMs + stalenessMs + 5_000 })
  },
)

testOnEngines(
  'there are no receipts of what is ahead of the log, of another epoch, or forgotten',
  async (t, engine) => {
    const { followers, revoke } = await open(t, engine)
    const position = await revoke()
    const ahead = await followers.receiptsOf({ ...position, seq: position.seq + 1 })
    const elsewhere = await followers.receiptsOf({ ...position, epoch: 'B'.repeat(22) })
    const empty = await followers.receiptsOf({ ...position, seq: 0 })
    assert.deepEqual([ahead.kind, elsewhere.kind, empty.kind], ['ahead', 'gone', 'gone'])
  },
)

testOnEngines(
  'those of two clients that call themselves the same are two, and all are listed in pages',
  async (t, engine) => {
    const { followers, revoke } = await open(t, engine)
    const position = await revoke()
    const impostor = { ...orders, clientId: 'another' }
    for (const key of [orders, reviews, impostor]) await followers.report(reportOf(key, position))
    const first = await followers.list({ limit: 2, after: undefined })
    const after = first.at(-1)
    assert.ok(after !== undefined)
    const rest = await followers.list({ limit: 2, after })
    assert.deepEqual(
      [...first, ...rest].map(({ clientId, follower }) => ({ clientId, follower })),
      [impostor, orders, reviews],
    )
    const [one] = first
    assert.deepEqual(one, {
      ...impostor,
      position,
      appliedAt: startMs,
      reportedAt: startMs,
      maxStalenessMs: stalenessMs,
      software: undefined,
      checkpointAt: undefined,
    })
  },
)

testOnEngines('the rows of those who fell silent are removed', async (t, engine) => {
  const { clock, followers, revoke, rowsIn } = await open(t, engine)
  const position = await revoke()
  await followers.report(reportOf(orders, position))
  clock.advanceMs(1)
  await followers.report(reportOf(reviews, position, { maxStalenessMs: undefined }))
  clock.advanceMs(2 * followerLiveMs - 2)
  assert.equal(await followers.forget(), 0, 'there may be receipts to be asked for')
  clock.advanceMs(1)
  assert.equal(await followers.forget(), 1)
  assert.equal(await rowsIn('followers'), 1)
  clock.advanceMs(2 * maxStalenessMsMax)
  assert.equal(await followers.forget(), 1, 'one that never stops is not kept for ever')
})

test('trouble with removing them is said', async () => {
  const { log, logged } = createLogInMemory()
  const { repeat, step } = createChosenRepeat()
  const trouble = new Error('no disk')
  const forget = (): Promise<number> => Promise.reject(trouble)
  const stop = startForgettingFollowers({ forget }, log, repeat)
  await step()
  await stop()
  assert.match(logged(), /followers that are silent cannot be removed/)
})

test('a large fleet is told to spread its reports, and nobody to be silent for too long', () => {
  assert.deepEqual(reportPace(1), { spreadMs: 10, everyMs: 10_000 })
  assert.deepEqual(reportPace(1000), { spreadMs: 10_000, everyMs: 30_000 })
  assert.deepEqual(reportPace(20_000), { spreadMs: 20_000, everyMs: 50_000 })
  const slowest = reportPace(1e9)
  const tryMsMax = 4_000
  assert.ok(2 * (slowest.everyMs + slowest.spreadMs + tryMsMax) < followerLiveMs)
})
