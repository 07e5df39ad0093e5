import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '@portcullis/protocol/revocations'
import { encodeRecord, firstChain, recordBytes } from '@portcullis/protocol/revocations'
import type { RelayedFeed, RelaySubscription } from '../src/relay/relayed-feed.ts'
import { createRelayedFeed } from '../src/relay/relayed-feed.ts'

const [epoch, nextEpoch] = ['E'.repeat(22), 'F'.repeat(22)] as const
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Nobody verifies it here. */
function frameOf(first: number, count: number, claims: object = {}): Frame {
  const records = Array.from({ length: count }, (_, at) =>
    encodeRecord({
      seq: first + at,
      kind: 'session',
      fingerprint: 1n,
      floor: 0,
      until: 1,
    }),
  )
  const payload = {
    iss: 'https://id.example',
    epoch,
    seq: first + count - 1,
    chain: firstChain(epoch),
    at: 1,
    kids: [],
    ...claims,
  }
  return { records: Buffer.concat(records), checkpoint: `${encode({})}.${encode(payload)}.AAAA` }
}

interface Reading {
  readonly found: RelaySubscription
  readonly events: string[]
  readonly recordsIn: (event: number) => Buffer
  left: number
}

async function read(feed: RelayedFeed, seq: number, of: string = epoch): Promise<Reading> {
  const events: string[] = []
  const listener = {
    send: (event: Buffer) => void events.push(event.toString()),
    leave: () => void (reading.left += 1),
  }
  const reading: Reading = {
    found: await feed.subscribe({ epoch: of, seq }, listener),
    events,
    recordsIn: (event) =>
      Buffer.from(/"records":"([^"]*)"/.exec(events[event] ?? '')?.[1] ?? '', 'base64url'),
    left: 0,
  }
  return reading
}

const event = Buffer.from('as it came')

function startFeed(): RelayedFeed & { pass: (ms: number) => void } {
  let nowMs = 0
  const feed = createRelayedFeed(() => nowMs)
  return { ...feed, pass: (ms) => (nowMs += ms) }
}

test('before anything has come, and when nothing has for three seconds, there is nothing to read', async () => {
  const feed = startFeed()
  assert.equal((await read(feed, 0)).found.kind, 'silent')
  feed.begin({ epoch, seq: 0 })
  assert.equal((await read(feed, 0)).found.kind, 'silent')
  feed.take(event, frameOf(1, 1))
  assert.equal((await read(feed, 1)).found.kind, 'subscribed')
  feed.pass(3_000)
  assert.equal((await read(feed, 1)).found.kind, 'subscribed')
  feed.pass(1)
  assert.equal((await read(feed, 1)).found.kind, 'silent')
})

test('whoever is behind gets what it lacks in one event, and then each as it came', async () => {
  const feed = startFeed()
  feed.begin({ epoch, seq: 10 })
  feed.take(event, frameOf(11, 3))
  feed.take(event, frameOf(14, 2))
  const [behind, level] = [await read(feed, 12), await read(feed, 15)]
  feed.take(event, frameOf(16, 0))
  assert.deepEqual(behind.recordsIn(0), frameOf(13, 3).records)
  assert.deepEqual([behind.events.length, behind.events[1]], [2, 'as it came'])
  assert.deepEqual(level.events, ['as it came'])
  assert.equal((await read(feed, 9)).found.kind, 'gone')
  assert.equal((await read(feed, 12, nextEpoch)).found.kind, 'gone')
})

test('two thousand records are kept, and no more', async () => {
  const feed = startFeed()
  feed.begin({ epoch, seq: 0 })
  for (let at = 0; at < 7; at += 1) feed.take(event, frameOf(at * 300 + 1, 300))
  assert.equal((await read(feed, 99)).found.kind, 'gone')
  const furthest = await read(feed, 100)
  assert.equal(furthest.recordsIn(0).length, 2_000 * recordBytes)
})

test('what does not go on from what came before is not handed on, and shows no feed to be alive', async () => {
  const feed = startFeed()
  feed.begin({ epoch, seq: 5 })
  feed.take(event, frameOf(6, 1))
  const reading = await read(feed, 6)
  feed.pass(2_000)
  const unfit: readonly Frame[] = [
    frameOf(8, 1),
    frameOf(6, 1),
    frameOf(7, 1, { seq: 9 }),
    frameOf(7, 0, { epoch: nextEpoch }),
    { records: frameOf(8, 1).records, checkpoint: frameOf(7, 1).checkpoint },
    { records: frameOf(7, 1).records.subarray(1), checkpoint: frameOf(7, 1).checkpoint },
    { records: Buffer.alloc(0), checkpoint: 'no checkpoint' },
  ]
  for (const frame of unfit) feed.take(event, frame)
  assert.deepEqual([reading.events, feed.silentMs()], [[], 2_000])
  feed.take(event, frameOf(7, 1))
  assert.deepEqual([reading.events, feed.silentMs()], [['as it came'], 0])
})

test('a stream that begins where the last has ended goes on for all; any other ends them and begins anew', async () => {
  const feed = startFeed()
  feed.begin({ epoch, seq: 0 })
  feed.take(event, frameOf(1, 4))
  const reading = await read(feed, 4)
  feed.begin({ epoch, seq: 4 })
  assert.equal(reading.left, 0)
  feed.begin({ epoch: nextEpoch, seq: 4 })
  assert.equal(reading.left, 1)
  feed.take(event, frameOf(5, 1, { epoch: nextEpoch }))
  assert.deepEqual(reading.events, [])
  // Those of the other epoch are none of these.
  assert.equal((await read(feed, 3, nextEpoch)).found.kind, 'gone')
  assert.equal((await read(feed, 4, nextEpoch)).recordsIn(0).length, recordBytes)
})
