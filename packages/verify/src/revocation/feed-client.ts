import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Checkpoint, Frame, RevocationPosition } from '@portcullis/protocol/revocations'
import {
  formatPosition,
  frameEvent,
  parseFrame,
  recordBytes,
} from '@portcullis/protocol/revocations'
import { ageSecondsOf, dateOf } from '../issuer/answer-age.ts'
import { networkReason } from '../issuer/http-json.ts'
import type { Timers } from '../timers.ts'
import { chunksOf, createDeadline } from './deadline.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed, feedForged } from './feed-failure.ts'
import type { PacedStream } from './paced-stream.ts'
import { createPacedStream } from './paced-stream.ts'
import type { RequestFeed } from './feed-requests.ts'
import { refusalOf } from './feed-requests.ts'
import { EventTooLong, readEvents } from './server-sent-events.ts'

/** A snapshot as it came, of which nothing is believed yet. */
export interface Snapshot {
  readonly kind: 'snapshot'
  readonly manifest: string
  /** Cut between records: to put 33 MB together into one buffer would hold up everybody for 20 ms. */
  readonly records: readonly Buffer[]
  /** Of the records, base64url. */
  readonly sha256: string
  /** By the wall clock. */
  readonly askedAtMs: number
  /** When the issuer has answered, by its own clock; undefined where nobody says, and for what a cache has kept. */
  readonly datedMs: number | undefined
}

export type StreamEnd =
  /** The issuer does not go on from this position (410). */
  | { readonly kind: 'gone' }
  /** What came does not fit. */
  | { readonly kind: 'left' }
  | FeedFailure

/** What became of a frame: `left` ends the stream; only `applied` shows that it is alive. */
export type TakenFrame = 'applied' | 'late' | 'left' | FeedFailure

/** The two ways to read the feed. Failures are values; nothing here throws. */
export interface FeedClient {
  readonly snapshot: () => Promise<Snapshot | FeedFailure>
  readonly stream: (
    after: Checkpoint,
    /** Undefined for what is no frame. */
    take: (frame: Frame | undefined) => Promise<TakenFrame>,
  ) => Promise<StreamEnd>
}

export interface FeedClientOptions {
  readonly request: RequestFeed
  readonly hasClient: boolean
  /** Milliseconds since 1970. */
  readonly wall: () => number
  readonly timers: Timers
  readonly signal: AbortSignal
}

/** Two million records, twenty times what a large installation has in force. */
const snapshotBytesMax = 64 * 1024 * 1024
/** What a compact JWS may have here. */
const manifestBytesMax = 8_192
const snapshotIdleMs = 3_000
/** The largest one at 17 Mbit/s. One that drips would hold up everything that waits for it. */
const snapshotMsMax = 30_000
/** A checkpoint comes every second, so a stream that is silent for three is dead. */
const streamIdleMs = 3_000
const lineFeed = 0x0a

export function createFeedClient(options: FeedClientOptions): FeedClient {
  const { request, hasClient, wall, timers, signal } = options

  async function snapshot(): Promise<Snapshot | FeedFailure> {
    const deadline = createDeadline(
      signal,
      { idleMs: snapshotIdleMs, totalMs: snapshotMsMax },
      'further part of the snapshot',
      timers,
    )
    try {
      const askedAtMs = wall()
      const response = await request({
        addressIn: (feed) => feed.snapshot,
        accept: 'application/octet-stream',
        signal: deadline.signal,
      })
      if ('kind' in response) return response
      if (response.status !== 200) return await refusalOf(response, hasClient, timers)
      const { headers } = response
      const datedMs = ageSecondsOf(headers) === 0 ? dateOf(headers) : undefined
      const body = await readSnapshot(
        progressing(chunksOf(response, deadline.signal), deadline.extend),
      )
      return body === undefined
        ? feedForged('the snapshot is malformed or too long')
        : { kind: 'snapshot', askedAtMs, datedMs, ...body }
    } catch (error) {
      return feedFailed(`the snapshot cannot be read: ${networkReason(error)}`)
    } finally {
      deadline.clear()
    }
  }

  const stream: FeedClient['stream'] = async (after, take) => {
    const deadline = createDeadline(signal, { idleMs: streamIdleMs }, 'frame that goes on', timers)
    try {
      const response = await request({
        addressIn: (feed) => withPosition(feed.stream, after),
        accept: 'text/event-stream',
        signal: deadline.signal,
      })
      if ('kind' in response) return response
      if (response.status === 410) {
        await response.body?.cancel()
        return { kind: 'gone' }
      }
      if (response.status !== 200) return await refusalOf(response, hasClient, timers)
      const paced = createPacedStream(chunksOf(response, deadline.signal), timers)
      return await takeFrames(paced, take, deadline.extend)
    } catch (error) {
      if (error instanceof EventTooLong) {
        await take(undefined)
        return { kind: 'left' }
      }
      return feedFailed(`the stream cannot be read: ${networkReason(error)}`)
    } finally {
      deadline.clear()
    }
  }

  return { snapshot, stream }
}

type TakeFrame = Parameters<FeedClient['stream']>[1]

async function takeFrames(
  { pieces, progress }: PacedStream,
  take: TakeFrame,
  extend: () => void,
): Promise<StreamEnd> {
  for await (const events of readEvents(pieces())) {
    for (const { name, data } of events) {
      if (name !== frameEvent) continue
      const taken = await take(parseFrame(data))
      if (taken === 'left') return { kind: 'left' }
      if (typeof taken !== 'string') return taken
      if (taken !== 'applied') continue
      extend()
      progress()
    }
  }
  return feedFailed('the stream has ended')
}

function withPosition(address: string, after: RevocationPosition): string {
  const url = new URL(address)
  url.searchParams.set('after', formatPosition(after))
  return url.href
}

async function* progressing(
  chunks: AsyncIterable<Uint8Array>,
  extend: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    extend()
    yield chunk
  }
}

/** `<manifest>` LF `<records>`; hashed while it comes, so that a long one holds up nobody. */
async function readSnapshot(
  chunks: AsyncIterable<Uint8Array>,
): Promise<Pick<Snapshot, 'manifest' | 'records' | 'sha256'> | undefined> {
  const hash = createHash('sha256')
  const records = createBlocks()
  let head = Buffer.alloc(0)
  let manifest: string | undefined
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > snapshotBytesMax) return undefined
    let rest = chunk
    if (manifest === undefined) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf(lineFeed)
      if (end === -1 && head.length <= manifestBytesMax) continue
      if (end === -1 || end > manifestBytesMax) return undefined
      manifest = head.toString('latin1', 0, end)
      rest = head.subarray(end + 1)
    }
    hash.update(rest)
    records.add(rest)
  }
  if (manifest === undefined) return undefined
  return { manifest, records: records.end(), sha256: hash.digest('base64url') }
}

const blockBytes = 1_000 * recordBytes

interface Blocks {
  readonly add: (bytes: Uint8Array) => void
  readonly end: () => readonly Buffer[]
}

/** What comes in pieces of any length, in blocks of one length; the last is shorter. */
function createBlocks(): Blocks {
  const full: Buffer[] = []
  let block = Buffer.alloc(0)
  let filled = 0
  return {
    add: (bytes) => {
      for (let at = 0; at < bytes.length;) {
        if (filled === block.length) {
          block = Buffer.allocUnsafeSlow(blockBytes)
          full.push(block)
          filled = 0
        }
        const part = bytes.subarray(at, at + block.length - filled)
        block.set(part, filled)
        filled += part.length
        at += part.length
      }
    },
    end: () => full.map((one) => (one === block ? one.subarray(0, filled) : one)),
  }
}
