import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import {
  firstChain,
  formatFrame,
  recordBytes,
  unverifiedCheckpoint,
} from '@portcullis/protocol/revocations'
import type { NewMessage, StoredMessage } from '../src/domain/feed-publication.ts'
import { publishFeed } from '../src/domain/feed-publication.ts'
import type { PublishedFrame } from '../src/domain/feed-frames.ts'
import type { LogHead } from '../src/domain/revocations.ts'
import type { FrameListener } from '../src/domain/feed-listeners.ts'

// What nobody holds is to be gone before it is looked for.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const [epoch, otherEpoch] = ['E'.repeat(22), 'F'.repeat(22)] as const
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function headAt(seq: number, at: number, of: string = epoch): LogHead {
  return { epoch: of, seq, at, chain: firstChain(of), kids: [] }
}

function frameAt(head: LogHead, count = 0): PublishedFrame {
  const checkpoint = `${encode({})}.${encode({ iss: 'https://id.example', ...head })}.AAAA`
  const records = Buffer.alloc(count * recordBytes)
  const { seq, epoch: of } = head
  return { position: { epoch: of, seq }, records, text: Buffer.alloc(0), checkpoint }
}

function storedAt(head: LogHead, place = 7): StoredMessage {
  return { place, data: formatFrame(frameAt(head)) }
}

/** A broker in memory, and a feed that sends what the test says. */
interface Publishing {
  readonly stored: (NewMessage & { readonly behind: number })[]
  /** From where it has asked to go on, each time. */
  readonly asked: readonly RevocationPosition[]
  readonly send: (frame: PublishedFrame) => Promise<void>
  readonly leave: () => void
  readonly published: () => number
  readonly isSubscribed: () => boolean
  readonly stop: () => void
  readonly over: Promise<void>
}

interface PublishingOptions {
  readonly head?: LogHead
  readonly stored?: StoredMessage
  readonly isGone?: (after: RevocationPosition) => boolean
  /** What the broker answers. */
  readonly place?: (message: NewMessage) => number | undefined | Promise<number>
}

async function publish(options: PublishingOptions = {}): Promise<Publishing> {
  const { head = headAt(10, 1_000), isGone = () => false, place = () => 8 } = options
  const stopping = new AbortController()
  const stored: Publishing['stored'] = []
  const asked: RevocationPosition[] = []
  let listener: FrameListener | undefined
  let leave: (() => void) | undefined
  let published = 0
  const over = publishFeed(
    {
      log: { head: async () => head },
      feed: {
        subscribe: async ({ epoch: of, seq }, subscribed, end) => {
          asked.push({ epoch: of, seq })
          if (isGone({ epoch: of, seq })) return { kind: 'gone' }
          listener = subscribed
          leave = end
          return { kind: 'subscribed', cancel: () => (listener = undefined) }
        },
      },
      broker: {
        last: async () => options.stored,
        store: async (message, behind) => {
          stored.push({ ...message, behind })
          return place(message)
        },
      },
      openCheckpoint: unverifiedCheckpoint,
      onPublished: () => (published += 1),
    },
    stopping.signal,
  )
  over.catch(() => undefined)
  await settled()
  return {
    stored,
    asked,
    send: async (frame) => {
      listener?.(frame)
      await settled()
    },
    leave: () => leave?.(),
    published: () => published,
    isSubscribed: () => listener !== undefined,
    stop: () => stopping.abort(),
    over,
  }
}

async function settled(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await setImmediate()
}

test('it goes on behind what is stored, and each message behind the one before', async () => {
  const publishing = await publish({ stored: storedAt(headAt(4, 900)) })
  assert.deepEqual(publishing.asked, [{ epoch, seq: 4 }])
  await publishing.send(frameAt(headAt(10, 1_000), 6))
  await publishing.send(frameAt(headAt(10, 1_700)))
  assert.deepEqual(
    publishing.stored.map(({ id, behind }) => [id, behind]),
    [
      [`${epoch}:10`, 7],
      [`${epoch}:10:1700`, 8],
    ],
  )
  publishing.stop()
  await publishing.over
  assert.equal(publishing.isSubscribed(), false)
})

test('an empty broker, and one that holds something else, get the log from its head on', async () => {
  const none = await publish()
  const foreign = await publish({ stored: { place: 3, data: 'what is this?' } })
  for (const [publishing, behind] of [
    [none, 0],
    [foreign, 3],
  ] as const) {
    assert.deepEqual(publishing.asked, [{ epoch, seq: 10 }])
    await publishing.send(frameAt(headAt(10, 1_000)))
    assert.deepEqual(
      publishing.stored.map((message) => message.behind),
      [behind],
    )
    publishing.stop()
    await publishing.over
  }
})

test('a checkpoint that another node has just stored is enough; records go out at once', async () => {
  const publishing = await publish({ stored: storedAt(headAt(10, 1_000)) })
  await publishing.send(frameAt(headAt(10, 1_599)))
  assert.deepEqual([publishing.stored.length, publishing.published()], [0, 1])
  await publishing.send(frameAt(headAt(11, 1_000), 1))
  await publishing.send(frameAt(headAt(11, 1_599)))
  assert.equal(publishing.stored.length, 1)
  await publishing.send(frameAt(headAt(11, 1_600)))
  assert.equal(publishing.stored.length, 2)
  publishing.stop()
  await publishing.over
})

test('when another node was quicker it leaves the feed, and stores nothing more of what it had', async () => {
  const publishing = await publish({ place: () => undefined })
  await publishing.send(frameAt(headAt(11, 1_000), 1))
  await publishing.over
  assert.deepEqual([publishing.isSubscribed(), publishing.published()], [false, 0])
  assert.equal(publishing.stored.length, 1)
})

test('nothing that waited is kept once it has left, however long the node goes on', async () => {
  const stopping = new AbortController()
  const waited: WeakRef<PublishedFrame>[] = []
  const leave = async (): Promise<void> => {
    let listener: FrameListener | undefined
    const send = (frame: PublishedFrame): void => listener?.(frame)
    await publishFeed(
      {
        log: { head: async () => headAt(10, 1_000) },
        feed: {
          subscribe: async (_, subscribed) => {
            listener = subscribed
            send(frameAt(headAt(11, 1_000), 1))
            return { kind: 'subscribed', cancel: () => (listener = undefined) }
          },
        },
        broker: {
          last: async () => undefined,
          store: async () => {
            const frame = frameAt(headAt(12, 1_000), 1)
            waited.push(new WeakRef(frame))
            send(frame)
            return undefined
          },
        },
        openCheckpoint: unverifiedCheckpoint,
        onPublished: () => undefined,
      },
      stopping.signal,
    )
  }
  for (let times = 0; times < 100; times += 1) await leave()
  await settled()
  collectGarbage()
  const kept = waited.filter((frame) => frame.deref() !== undefined)
  assert.equal(waited.length, 100)
  assert.ok(kept.length < 10, `${kept.length} frames are still kept`)
  stopping.abort()
})

test('a broker that fails is told, and the feed left', async () => {
  const publishing = await publish({ place: () => Promise.reject(new Error('no answer')) })
  await publishing.send(frameAt(headAt(11, 1_000), 1))
  await assert.rejects(publishing.over, /no answer/)
  assert.equal(publishing.isSubscribed(), false)
})

test('a node that reads an older log than the stored one publishes nothing of it', async () => {
  for (const stored of [headAt(11, 1_000), headAt(3, 1_001, otherEpoch)]) {
    const publishing = await publish({ stored: storedAt(stored) })
    await publishing.over
    assert.deepEqual([publishing.asked, publishing.stored], [[], []])
  }
})

test('where the log does not go on from what is stored, a checkpoint of its head shows the gap', async () => {
  const gone = await publish({
    stored: storedAt(headAt(1, 900)),
    isGone: ({ seq }) => seq === 1,
  })
  assert.deepEqual(
    gone.asked.map(({ seq }) => seq),
    [1, 10],
  )
  gone.stop()
  const restored = await publish({ stored: storedAt(headAt(50, 900, otherEpoch)) })
  assert.deepEqual(restored.asked, [{ epoch, seq: 10 }])
  restored.stop()
  await Promise.all([gone.over, restored.over])
})

test('records that are too many for one message are left out, for a snapshot', async () => {
  const publishing = await publish({ stored: storedAt(headAt(10, 1_000)) })
  await publishing.send(frameAt(headAt(20_010, 1_000), 20_000))
  await publishing.send(frameAt(headAt(40_510, 1_000), 20_500))
  const [most, more] = publishing.stored
  assert.equal(most?.id, `${epoch}:20010`)
  assert.ok((most?.data.length ?? 0) > 800_000)
  assert.equal(more?.id, `${epoch}:40510:1000`)
  assert.match(more.data, /^\{"records":"",/)
  publishing.stop()
  await publishing.over
})

test('what has come while the broker was slow goes out as one, epoch by epoch', async () => {
  const answer = Promise.withResolvers<number>()
  const publishing = await publish({ place: () => answer.promise })
  await publishing.send(frameAt(headAt(11, 1_000), 1))
  await publishing.send(frameAt(headAt(13, 1_001), 2))
  await publishing.send(frameAt(headAt(14, 1_002), 1))
  await publishing.send(frameAt(headAt(1, 1_003, otherEpoch), 1))
  answer.resolve(8)
  await settled()
  const written = publishing.stored.map(({ id, data }) => {
    const { records } = JSON.parse(data) as { records: string }
    return [id, Buffer.from(records, 'base64url').length / recordBytes]
  })
  assert.deepEqual(written, [
    [`${epoch}:11`, 1],
    [`${epoch}:14`, 3],
    [`${otherEpoch}:1`, 1],
  ])
  publishing.stop()
  await publishing.over
})

test('what waits for a slow broker is bounded: it begins anew then, with one frame for all', async () => {
  const answer = Promise.withResolvers<number>()
  const publishing = await publish({ place: () => answer.promise })
  for (let seq = 11; seq < 90; seq += 1) await publishing.send(frameAt(headAt(seq, 1_000), 1))
  answer.resolve(8)
  await publishing.over
  assert.equal(publishing.stored.length, 1)
  assert.equal(publishing.isSubscribed(), false)
})

test('it ends when the feed lets it go, and when it is stopped', async () => {
  const left = await publish()
  left.leave()
  await left.over
  const stopped = await publish()
  stopped.stop()
  await stopped.over
})
