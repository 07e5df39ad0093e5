import assert from 'node:assert/strict'
import { decodeRecords } from '@portcullis/protocol/revocations'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { setTimeout as pause } from 'node:timers/promises'
import type { BeatTimes } from '../src/jobs/feed-beats.ts'
import { startFeedBeats } from '../src/jobs/feed-beats.ts'
import { testOnEngines, testOnPostgres } from './engines.ts'
import type { Listening, PublishedFeed } from './published-feed.ts'
import { listen, openFeed, revokeMany } from './published-feed.ts'
import { createLogInMemory } from './running-identity.ts'
import { waitUntil } from './wait-until.ts'
import { takeInForce } from './opened-store.ts'

async function beginning({ log }: PublishedFeed): Promise<RevocationPosition> {
  return { epoch: (await log.head()).epoch, seq: 0 }
}

async function listenFromStart(opened: PublishedFeed): Promise<Listening> {
  return (await listen(opened, await beginning(opened))) ?? assert.fail('it is gone')
}

function placesIn({ frames }: Listening): readonly number[] {
  return frames.flatMap(({ records }) => (decodeRecords(records) ?? []).map(({ seq }) => seq))
}

function timeOf(manifest: string): unknown {
  return (JSON.parse(manifest) as { at?: unknown }).at
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

const withoutBeats: BeatTimes = {
  repeat: () => () => undefined,
  monotonic: () => performance.now(),
  schedule: (callback, ms) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

testOnEngines(
  'a great many revocations at once are few frames, and a single one waits for nobody',
  async (t, engine) => {
    // Over sockets each takes some milliseconds.
    const count = engine.name === 'SQLite' ? 1000 : 300
    const opened = await openFeed(t, engine)
    const { log: lines } = createLogInMemory()
    t.after(startFeedBeats(opened.feed, opened.log, lines, { times: withoutBeats }))
    const listening = await listenFromStart(opened)
    opened.signed.length = 0
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: count }, () => revokeMany(opened, 1)))
    const tookMs = performance.now() - startedAt
    await opened.feed.publish()
    assert.deepEqual(placesIn(listening), upTo(count))
    const frames = opened.signed.length
    t.diagnostic(`${count} revocations in ${tookMs.toFixed(0)} ms were ${frames} frames`)
    // Every 5 ms one.
    assert.ok(frames < 10 + tookMs / 4, `${frames} frames in ${tookMs} ms`)

    await pause(20)
    await revokeMany(opened, 1)
    const revokedAt = performance.now()
    await waitUntil(() => placesIn(listening).length > count, 'it is sent without a beat')
    const delayMs = performance.now() - revokedAt
    t.diagnostic(`a single one was sent after ${delayMs.toFixed(1)} ms`)
  },
)

testOnEngines(
  'a frame with news has the checkpoint of the head that was written with them, and without news there is none',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { feed, clock, signed, log } = opened
    const listening = await listenFromStart(opened)
    await feed.publish()
    assert.equal(listening.frames.length, 1)
    clock.advanceMs(300)
    const { seq } = await revokeMany(opened, 3)
    clock.advanceMs(300)
    await feed.publish()
    await feed.publish()
    const { at, chain, kids, epoch } = await log.head()
    assert.equal(at, clock.now() - 300, 'something was written behind the revocation')
    assert.equal(opened.written(), 0)
    const checkpoint = listening.frames[1]?.checkpoint ?? assert.fail('no frame')
    const claims = { iss: 'https://id.example', epoch, seq, chain, at, kids }
    assert.deepEqual(JSON.parse(checkpoint), claims)
    assert.equal(signed.length, 2)
    await feed.beat()
    assert.equal(opened.written(), 1)
    assert.equal(listening.frames.length, 3)
  },
)

testOnEngines(
  'followers that come or go on between two revocations share one signature, and those of one place one frame',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    await revokeMany(opened, 2)
    const all = await Promise.all(Array.from({ length: 50 }, () => listenFromStart(opened)))
    assert.equal(opened.signed.length, 1)
    assert.equal(new Set(all.map(({ frames }) => frames[0])).size, 1)
    const { epoch } = await opened.log.head()
    await revokeMany(opened, 1)
    all.push((await listen(opened, { epoch, seq: 1 })) ?? assert.fail())
    await opened.feed.publish()
    // Of those that lack one and of the one that lacks two: the same head.
    assert.equal(opened.signed.length, 2)
    for (const listening of all.slice(0, -1)) assert.deepEqual(placesIn(listening), [1, 2, 3])
    assert.deepEqual(placesIn(all.at(-1) ?? assert.fail()), [2, 3])
  },
)

testOnEngines(
  'a snapshot is shared while it is young, and read anew when something is missing in it',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    const { feed, clock, signed } = opened
    await revokeMany(opened, 2)
    const [first, second] = await Promise.all([feed.snapshot(), feed.snapshot()])
    assert.equal(first, second)
    assert.equal(await feed.snapshot(), first, 'asked again in the same moment')
    assert.equal(signed.length, 1)
    await revokeMany(opened, 1)
    const third = await feed.snapshot()
    assert.notEqual(third, first)
    assert.equal(Buffer.concat([...third.records]).length, 3 * 33)
    clock.advanceMs(1001)
    assert.equal(await feed.snapshot(), third, 'no beat has told that time has passed')
    await feed.beat()
    const fourth = await feed.snapshot()
    assert.notEqual(fourth, third)
    assert.equal(timeOf(fourth.manifest), clock.now())
  },
)

testOnEngines(
  'a large snapshot lacks a hundredth at most of what is in force',
  async (t, engine) => {
    const opened = await openFeed(t, engine)
    await revokeMany(opened, 3000)
    const first = await opened.feed.snapshot()
    assert.equal(first.records.length, 3, 'read in slices')
    await revokeMany(opened, 30)
    assert.equal(await opened.feed.snapshot(), first)
    await revokeMany(opened, 1)
    const second = await opened.feed.snapshot()
    const records = decodeRecords(Buffer.concat([...second.records])) ?? assert.fail()
    assert.deepEqual(
      records.map(({ seq }) => seq),
      upTo(3031),
    )
    assert.deepEqual(records, (await takeInForce(opened.log)).records)
  },
)

testOnPostgres(
  'a checkpoint waits for none of those who wait for a connection',
  async (t, engine) => {
    const { database, log } = await openFeed(t, engine)
    await log.checkpoint()
    const sleeping = Promise.all(
      Array.from({ length: 40 }, () => database.read('SELECT pg_sleep(0.3)')),
    )
    const startedAt = performance.now()
    await log.checkpoint()
    const tookMs = performance.now() - startedAt
    t.diagnostic(`a checkpoint took ${tookMs.toFixed(0)} ms`)
    assert.ok(tookMs < 400)
    await sleeping
  },
)
