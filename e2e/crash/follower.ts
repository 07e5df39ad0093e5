import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import {
  checkpointType,
  decodeRecords,
  encodeRecord,
  firstChain,
  formatPosition,
  nextChain,
  parseCheckpoint,
  parseFrame,
} from '@portcullis/protocol/revocations'
import type { KeySet } from './signed.ts'
import { verifiedPayload } from './signed.ts'

/** Reads the stream of the feed through all kills, and keeps every record that was ever published. */
export interface Follower {
  /** Goes on from its place. Resolves with the first frame, which has to fit what it holds. */
  readonly follow: (keys: KeySet) => Promise<void>
  /** Resolves when the stream was cut; rejects when a frame of it did not fit. */
  readonly cut: () => Promise<void>
  /** The records from the first on, 33 octets each. */
  readonly records: readonly Buffer[]
  /** The time of the last checkpoint. */
  readonly lastAt: () => number
  readonly frames: () => number
}

export interface FollowedFeed {
  readonly issuer: string
  readonly port: number
  readonly epoch: string
}

const firstFrameMsMax = 5000

export function createFollower(feed: FollowedFeed): Follower {
  const records: Buffer[] = []
  let chain = firstChain(feed.epoch)
  let lastAt = 0
  let frames = 0
  let cut: Promise<void> = Promise.resolve()

  const take = (event: string, keys: KeySet): void => {
    const frame = parseFrame(/^data: (.*)$/m.exec(event)?.[1] ?? '')
    assert.ok(frame, 'the stream has an event that is no frame')
    const checkpoint = parseCheckpoint(verifiedPayload(frame.checkpoint, keys, checkpointType))
    assert.ok(checkpoint)
    assert.deepEqual([checkpoint.iss, checkpoint.epoch], [feed.issuer, feed.epoch])
    assert.ok(checkpoint.at >= lastAt, 'a checkpoint is older than the one before it')
    const news = decodeRecords(frame.records)
    assert.ok(news)
    for (const record of news) {
      assert.equal(record.seq, records.length + 1, 'the published records are not dense')
      records.push(encodeRecord(record))
      chain = nextChain(chain, record)
    }
    assert.deepEqual([checkpoint.seq, checkpoint.chain], [records.length, chain])
    assert.equal(/^id: (.*)$/m.exec(event)?.[1], formatPosition(checkpoint))
    lastAt = checkpoint.at
    frames += 1
  }

  return {
    records,
    lastAt: () => lastAt,
    frames: () => frames,
    cut: () => cut,
    follow: async (keys) => {
      const after = formatPosition({ epoch: feed.epoch, seq: records.length })
      const stream = await openStream(feed.port, `/revocations/stream?after=${after}`)
      assert.equal(stream.statusCode, 200, 'the feed does not go on where the follower is')
      const first = Promise.withResolvers<void>()
      cut = readEvents(stream, (event) => {
        take(event, keys)
        first.resolve()
      })
      // Whoever asks for the cut hears of it; until then it is not unheard of.
      cut.catch(first.reject)
      const late = setTimeout(() => first.reject(new Error('no frame came')), firstFrameMsMax)
      await first.promise.finally(() => clearTimeout(late))
    },
  }
}

function openStream(port: number, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent: false }, resolve).on('error', reject)
  })
}

/** An event that the cut has left incomplete is no event (WHATWG HTML section 9.2.6). */
function readEvents(stream: IncomingMessage, onEvent: (event: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let unread = ''
    stream.setEncoding('utf8')
    stream.on('error', () => undefined)
    stream.once('close', resolve)
    stream.on('data', (text: string) => {
      const events = (unread + text).split('\n\n')
      unread = events.pop() ?? ''
      try {
        for (const event of events) onEvent(event)
      } catch (error) {
        reject(error)
        stream.destroy()
      }
    })
  })
}
