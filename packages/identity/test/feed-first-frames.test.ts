import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import {
  chainAfter,
  decodeRecords,
  encodeRecord,
  firstChain,
} from '@portcullis/protocol/revocations'
import type { Subscription } from '../src/domain/feed.ts'
import type { PublishedFrame } from '../src/domain/feed-frames.ts'
import { testOnEngines } from './engines.ts'
import type { PublishedFeed } from './published-feed.ts'
import { listen, openFeed, revokeMany } from './published-feed.ts'

const behindMax = 10_000
/** How many may have their first frame while something else waits for its turn. */
const aheadMax = 2 * 16

function assertHolds(frame: PublishedFrame | undefined, after: number): void {
  const { seq } = JSON.parse(frame?.checkpoint ?? '{}') as { seq: number }
  assert.equal(frame?.text.toString(), frame?.records.toString('base64url'))
  const records = decodeRecords(Buffer.from(frame?.records ?? [])) ?? assert.fail()
  assert.deepEqual(
    records.map((record) => record.seq),
    Array.from({ length: seq - after }, (_, at) => after + 1 + at),
  )
}

function refuse(): never {
  assert.fail('something was done for one that has left')
}

interface Crowd {
  readonly frames: PublishedFrame[]
  readonly outcomes: Promise<readonly Subscription[]>
}

/** So many at a time, each from another place. */
function subscribeFromEverywhere({ feed }: PublishedFeed, epoch: string, count: number): Crowd {
  const frames: PublishedFrame[] = []
  const outcomes = Array.from({ length: count }, (_, seq) => {
    let isFirst = true
    const listener = (frame: PublishedFrame): void => {
      if (isFirst) frames.push(frame)
      isFirst = false
    }
    return feed.subscribe({ epoch, seq }, listener, refuse)
  })
  return { frames, outcomes: Promise.all(outcomes) }
}

testOnEngines(
  'those who come from many places at a time hold up neither a beat nor a revocation nor the loop, and nothing is read for each',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { feed, clock, reads } = opened
    const position = await revokeMany(opened, behindMax - 10)
    const { epoch } = position
    const honest = (await listen(opened, position)) ?? assert.fail()
    const count = 600
    // Until all that the honest one has caused is over.
    for (let turns = 0; turns < 3; turns += 1) await setImmediate()
    const { frames, outcomes } = subscribeFromEverywhere(opened, epoch, count)

    const atNextTurn = setImmediate().then(() => frames.length)
    clock.advanceMs(800)
    await feed.beat()
    assert.equal(honest.frames.length, 2)
    const servedAtBeat = frames.length
    assert.ok((await atNextTurn) <= aheadMax, 'the loop does not turn')
    const { seq } = await revokeMany(opened, 1)
    const servedBefore = frames.length
    await feed.publish()
    assert.equal(honest.frames.at(-1)?.position.seq, seq)
    const servedAtPublish = frames.length
    t.diagnostic(`served: ${servedAtBeat} at the beat, ${servedBefore} to ${servedAtPublish} later`)
    assert.ok(servedAtBeat <= aheadMax)
    assert.ok(servedAtPublish - servedBefore <= aheadMax)
    assert.ok(servedAtPublish < count, 'all of them had come before: nothing was shown')

    for (const { kind } of await outcomes) assert.equal(kind, 'subscribed')
    assert.equal(frames.length, count)
    for (const [after, frame] of frames.entries()) if (after % 100 === 0) assertHolds(frame, after)
    const memories = new Set(frames.map(({ text }) => text.buffer))
    assert.ok(memories.size <= 2, 'each has its own copy of the records')
    // Each record once for those who come, and the news once for those who follow.
    assert.ok(reads.records <= behindMax + 10, `${reads.records} records were read`)
  },
)

testOnEngines(
  'nothing is done for those who have left before it is their turn',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { feed, reads, signed } = opened
    const { epoch } = await revokeMany(opened, 500)
    const heads = reads.heads
    let hasLeft = true
    const subscribe = (seq: number): Promise<Subscription> =>
      feed.subscribe({ epoch, seq }, refuse, refuse, () => hasLeft)
    const places = Array.from({ length: 500 }, (_, seq) => seq)
    for (const { kind } of await Promise.all(places.map(subscribe))) assert.equal(kind, 'left')
    assert.deepEqual([reads.heads - heads, reads.records, signed], [0, 0, []])

    // Those leave while others are before them.
    hasLeft = false
    const { frames, outcomes } = subscribeFromEverywhere(opened, epoch, 32)
    const waiting = Promise.all(places.map(subscribe))
    hasLeft = true
    for (const { kind } of await waiting) assert.equal(kind, 'left')
    await outcomes
    assert.equal(frames.length, 32)
    assert.equal(signed.length, 1)
  },
)

testOnEngines(
  'a first frame holds ten thousand records, and a place further back is gone before anything is signed',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { signed } = opened
    const { epoch, seq } = await revokeMany(opened, behindMax + 3)
    const at = (place: number): RevocationPosition => ({ epoch, seq: place })
    assert.equal(await listen(opened, at(seq - behindMax - 1)), undefined)
    assert.equal(await listen(opened, at(seq + 1)), undefined)
    assert.equal(await listen(opened, { epoch: 'A'.repeat(22), seq }), undefined)
    assert.deepEqual(signed, [])
    const furthest = (await listen(opened, at(seq - behindMax))) ?? assert.fail()
    assertHolds(furthest.frames[0], seq - behindMax)
    // What comes is added to what is there, whether it is little or more than that altogether.
    for (const count of [1, 40, behindMax - 1, behindMax + 1, 5000, 5000]) {
      const reached = (await revokeMany(opened, count)).seq
      for (const behind of [0, 1, 5001, behindMax]) {
        const listening = (await listen(opened, at(reached - behind))) ?? assert.fail()
        assertHolds(listening.frames[0], reached - behind)
      }
      assert.equal(await listen(opened, at(reached - behindMax - 1)), undefined)
    }
  },
)

testOnEngines(
  'records of a server that has lost the end of its history are not joined with those of before',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { database, log } = opened
    const { epoch, seq } = await revokeMany(opened, 20)
    assert.ok((await listen(opened, { epoch, seq: 0 })) !== undefined)
    // The last five are lost, and seven others are written in their places and beyond.
    const before = await log.since(0)
    const rest = Buffer.concat(before.records.slice(0, -5).map((one) => encodeRecord(one)))
    await database.transaction(async (query) => {
      await query('DELETE FROM revocations WHERE seq > $1', [seq - 5])
      const chain = chainAfter(firstChain(epoch), rest)
      await query('UPDATE revocation_head SET seq = $1, chain = $2', [seq - 5, chain])
    })
    await revokeMany(opened, 7)
    const { frames } = (await listen(opened, { epoch, seq: 0 })) ?? assert.fail()
    assertHolds(frames[0], 0)
    const { chain } = JSON.parse(frames[0]?.checkpoint ?? '{}') as { chain: string }
    assert.equal(chainAfter(firstChain(epoch), Buffer.from(frames[0]?.records ?? [])), chain)
  },
)
