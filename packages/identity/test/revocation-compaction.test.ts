import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RevocationRecord } from '@portcullis/protocol/revocations'
import { createChosenRepeat } from '../../runtime/test/chosen-repeat.ts'
import { startCompactingRevocations } from '../src/jobs/revocation-compaction.ts'
import type { RevocationCompaction } from '../src/domain/revocations.ts'
import type { Query } from '../src/store/database.ts'
import { takeInForce as takeSlices } from '../src/store/records-in-force.ts'
import { createRevocationCompaction } from '../src/store/revocation-compaction.ts'
import { testOnEngines } from './engines.ts'
import { takeInForce } from './opened-store.ts'
import type { PublishedFeed } from './published-feed.ts'
import { listen, openFeed, revokeMany } from './published-feed.ts'
import { createLogInMemory } from './running-identity.ts'

const lifeMs = (900 + 60) * 1000
const keptMs = 5 * 60_000

async function compactAll({ database }: PublishedFeed): Promise<number> {
  const { compact } = createRevocationCompaction(database)
  let removed = 0
  for (;;) {
    const now = await compact()
    if (now === 0) return removed
    removed += now
  }
}

async function kindsKept({ database }: PublishedFeed): Promise<readonly unknown[]> {
  return (await database.read('SELECT kind FROM revocations ORDER BY seq')).map(({ kind }) => kind)
}

testOnEngines(
  'a record is removed five minutes after its life, and those of keys and for all never',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { log, clock } = opened
    for (const kind of ['key', 'session', 'account', 'all', 'client', 'token'] as const) {
      await revokeMany(opened, 1, kind)
    }
    clock.advanceMs(1000)
    await revokeMany(opened, 1)
    const before = await log.checkpoint()
    clock.advanceMs(lifeMs + keptMs - 1001)
    await log.checkpoint()
    assert.equal(await compactAll(opened), 0)
    clock.advanceMs(1)
    await log.checkpoint()
    assert.equal(await compactAll(opened), 4)
    assert.deepEqual(await kindsKept(opened), ['key', 'all', 'session'])
    clock.advanceMs(1000)
    await log.checkpoint()
    assert.equal(await compactAll(opened), 1)
    const { epoch, seq, chain } = await log.head()
    assert.deepEqual([epoch, seq, chain], [before.epoch, before.seq, before.chain])
    assert.deepEqual(
      (await takeInForce(log)).records.map(({ kind }) => kind),
      ['key'],
    )
    assert.equal((await revokeMany(opened, 1)).seq, seq + 1, 'places are never used again')
  },
)

testOnEngines(
  'a clock that is ahead for a moment ends no record that lives: neither in the store nor in what is read of it',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { log, clock, database } = opened
    await revokeMany(opened, 1)
    await log.checkpoint()
    const yearMs = 365 * 24 * 3_600_000
    const ahead: Query = (sql, parameters) => {
      clock.advanceMs(yearMs)
      const answer = database.read(sql, parameters)
      clock.advanceMs(-yearMs)
      return answer
    }
    const records: RevocationRecord[] = []
    await takeSlices(ahead, log.checkpoint, (slice) => void records.push(...slice))
    assert.equal(records.length, 1)
    clock.advanceMs(yearMs)
    assert.equal(await compactAll(opened), 0)
    clock.advanceMs(-yearMs)
    assert.equal((await takeInForce(log)).records.length, 1)
    // The twin: when the log has come there too, it is over.
    clock.advanceMs(yearMs)
    await log.checkpoint()
    assert.equal(await compactAll(opened), 1)
    assert.equal((await takeInForce(log)).records.length, 0)
  },
)

testOnEngines(
  'a position behind which something was removed is gone, and the oldest that is whole goes on',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { log, clock } = opened
    const { epoch } = await log.head()
    await revokeMany(opened, 1, 'key')
    await revokeMany(opened, 3)
    clock.advanceMs(lifeMs + keptMs)
    await revokeMany(opened, 2)
    assert.ok((await listen(opened, { epoch, seq: 0 })) !== undefined, 'nothing is removed yet')
    assert.equal(await compactAll(opened), 3)
    clock.advanceMs(1)
    await opened.feed.beat()
    // The feed that has read them has them still, and they are as good.
    assert.ok((await listen(opened, { epoch, seq: 0 })) !== undefined)
    const started = { feed: opened.startAnother() }
    for (const seq of [0, 1, 2, 3]) {
      assert.equal(await listen(started, { epoch, seq }), undefined, `${seq} goes on`)
    }
    for (const [seq, missed] of [
      [4, 2],
      [5, 1],
      [6, 0],
    ] as const) {
      const listening = (await listen(started, { epoch, seq })) ?? assert.fail(`${seq} is gone`)
      assert.equal(listening.frames[0]?.records.length, missed * 33)
    }
  },
)

testOnEngines(
  'a follower that was sent nothing while its records were removed is left, and no frame has a hole',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { log, clock, feed } = opened
    const { epoch } = await log.head()
    const left = (await listen(opened, { epoch, seq: 0 })) ?? assert.fail()
    await revokeMany(opened, 3)
    const current = (await listen(opened, { epoch, seq: 3 })) ?? assert.fail()
    clock.advanceMs(lifeMs + keptMs)
    await log.checkpoint()
    assert.equal(await compactAll(opened), 3)
    await revokeMany(opened, 1)
    await feed.publish()
    assert.deepEqual([left.frames.length, left.hasLeft()], [1, true])
    assert.deepEqual([current.frames.length, current.hasLeft()], [2, false])
    assert.equal(current.frames[1]?.records.length, 33)
  },
)

testOnEngines(
  'one step removes a thousand at most, and two nodes remove each record once while others follow',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { log, clock, database } = opened
    await revokeMany(opened, 2500)
    const { epoch } = await log.head()
    clock.advanceMs(lifeMs + keptMs)
    await log.checkpoint()
    const { compact } = createRevocationCompaction(database)
    const first = await compact()
    assert.equal(first, 1000)
    const positions = Array.from({ length: 40 }, (_, index) => 1000 + index * 50)
    const [one, two, , ...subscribed] = await Promise.all([
      compactAll(opened),
      compactAll(opened),
      revokeMany(opened, 10),
      ...positions.map((seq) => listen(opened, { epoch, seq })),
    ])
    assert.equal(one + two, 1500)
    const wentOn = subscribed.filter((listening) => listening !== undefined)
    assert.ok(wentOn.length > 0, "the last that was removed is nobody's gap")
    for (const [index, listening] of subscribed.entries()) {
      if (listening === undefined) continue
      const [frame] = listening.frames
      const { seq } = JSON.parse(frame?.checkpoint ?? '{}') as { seq: number }
      assert.equal(frame?.records.length, (seq - (positions[index] ?? 0)) * 33)
    }
    assert.equal((await kindsKept(opened)).length, 10)
  },
)

test('the job goes on until nothing is left, and tries again after a trouble', async () => {
  const { log, logged } = createLogInMemory()
  const answers = [1000, 7, 0, new Error('no disk'), 0]
  const compact: RevocationCompaction['compact'] = async () => {
    const next = answers.shift()
    if (typeof next === 'number') return next
    throw next ?? new Error('asked too often')
  }
  const { repeat, step } = createChosenRepeat()
  const stop = startCompactingRevocations({ compact }, log, repeat)
  for (const left of [2, 1, 0]) {
    await step()
    assert.equal(answers.length, left)
  }
  await stop()
  assert.match(logged(), /cannot be removed/)
  assert.match(logged(), /are removed again/)
})
