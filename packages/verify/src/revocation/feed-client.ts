import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Frame, RevocationPosition } from '@portcullis/protocol/revocations'
import { formatPosition, frameEvent, parseFrame } from '@portcullis/protocol/revocations'
import { networkReason } from '../issuer/http-json.ts'
import { chunksOf, createDeadline } from './deadline.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed } from './feed-failure.ts'
import type { RequestFeed } from './feed-requests.ts'
import { refusalOf } from './feed-requests.ts'
import { EventTooLong, readEvents } from './server-sent-events.ts'

/** A snapshot as it came, of which nothing is believed yet. */
export interface Snapshot {
  readonly kind: 'snapshot'
  readonly manifest: string
  readonly records: Buffer
  /** Of the records, base64url. */
  readonly sha256: string
  /** By the wall clock: the manifest was signed in between, or the clocks disagree. */
  readonly askedAtMs: number
  readonly answeredAtMs: number
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
    after: RevocationPosition,
    take: (frame: Frame) => Promise<TakenFrame>,
  ) => Promise<StreamEnd>
}

export interface FeedClientOptions {
  readonly request: RequestFeed
  readonly hasClient: boolean
  /** Milliseconds since 1970. */
  readonly wall: () => number
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
  const { request, hasClient, wall, signal } = options

  async function snapshot(): Promise<Snapshot | FeedFailure> {
    const deadline = createDeadline(
      signal,
      { idleMs: snapshotIdleMs, totalMs: snapshotMsMax },
      'further part of the snapshot',
    )
    try {
      const askedAtMs = wall()
      const response = await request({
        addressIn: (feed) => feed.snapshot,
        accept: 'application/octet-stream',
        signal: deadline.signal,
      })
      if ('kind' in response) return response
      if (response.status !== 200) return await refusalOf(response, hasClient)
      const answeredAtMs = wall()
      const body = await readSnapshot(
        progressing(chunksOf(response, deadline.signal), deadline.extend),
      )
      return body === undefined
        ? feedFailed('the snapshot is malformed or too long')
        : { kind: 'snapshot', askedAtMs, answeredAtMs, ...body }
    } catch (error) {
      return feedFailed(`the snapshot cannot be read: ${networkReason(error)}`)
    } finally {
      deadline.clear()
    }
  }

  const stream: FeedClient['stream'] = async (after, take) => {
    const deadline = createDeadline(signal, { idleMs: streamIdleMs }, 'frame that goes on')
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
      if (response.status !== 200) return await refusalOf(response, hasClient)
      for await (const { name, data } of readEvents(chunksOf(response, deadline.signal))) {
        if (name !== frameEvent) continue
        const frame = parseFrame(data)
        const taken = frame === undefined ? 'left' : await take(frame)
        if (taken === 'left') return { kind: 'left' }
        if (typeof taken !== 'string') return taken
        if (taken === 'applied') deadline.extend()
      }
      return feedFailed('the stream has ended')
    } catch (error) {
      if (error instanceof EventTooLong) return { kind: 'left' }
      return feedFailed(`the stream cannot be read: ${networkReason(error)}`)
    } finally {
      deadline.clear()
    }
  }

  return { snapshot, stream }
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
  const records: Uint8Array[] = []
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
    records.push(rest)
  }
  if (manifest === undefined) return undefined
  return { manifest, records: Buffer.concat(records), sha256: hash.digest('base64url') }
}
