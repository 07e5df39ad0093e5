import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parsePosition } from '@portcullis/protocol/revocations'
import type { ClientPlaces } from '@portcullis/runtime'
import type { ClientResponse } from '../exchange/client-message.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse, sendRefusal } from '../exchange/refusal.ts'
import type { createFeedReaders, FeedReader } from './feed-readers.ts'
import type { RelayedFeed } from './relayed-feed.ts'
import { silentMsMax } from './relayed-feed.ts'
import type { RelayedSnapshots, SnapshotBody } from './relayed-snapshots.ts'

export interface RelayRouteParts {
  /** What stands before `/revocations/…`. */
  readonly prefix: string
  readonly feed: RelayedFeed
  readonly snapshots: RelayedSnapshots
  readonly readerOf: ReturnType<typeof createFeedReaders>
  readonly streamPlaces: ClientPlaces
  readonly snapshotPlaces: ClientPlaces
}

/** A follower that reads too slowly is cut, and catches up from where it was. */
const unreadBytesMax = 1024 * 1024
/** Whoever takes longer keeps a snapshot in memory. */
const snapshotMsMax = 60_000
/** So many different ones at a time: each may have 64 MiB. */
const bodiesMax = 4
/** How long a stream that was ended may take to deliver its rest. */
const lingerMs = 500
const retryAfter = { 'retry-after': '5' }

/** Answers one request at the relay. */
export function createRelayRoutes(parts: RelayRouteParts): (exchange: Exchange) => Promise<void> {
  const sendSnapshot = createSnapshotSender(parts)
  const streamPath = `${parts.prefix}/revocations/stream`
  const snapshotPath = `${parts.prefix}/revocations/snapshot`
  return async (exchange) => {
    const { request } = exchange
    const [path = ''] = (request.url ?? '').split('?')
    if (path !== streamPath && path !== snapshotPath)
      return sendRefusal(exchange, refuse('not-found'))
    exchange.route = path
    if (request.method !== 'GET') {
      const refusal = refuse('method-not-allowed', undefined, { allow: 'GET' })
      return sendRefusal(exchange, refusal)
    }
    const reader = await parts.readerOf(request)
    if (reader.kind === 'refused') return sendRefusal(exchange, reader)
    if (reader.clientId !== undefined) exchange.subject = reader.clientId
    if (exchange.response.destroyed) return
    const refusal =
      path === streamPath
        ? await openStream(parts, exchange, reader)
        : await sendSnapshot(exchange, reader)
    if (refusal !== undefined && !exchange.response.destroyed) sendRefusal(exchange, refusal)
  }
}

async function openStream(
  { feed, streamPlaces }: RelayRouteParts,
  { request, response }: Exchange,
  reader: FeedReader,
): Promise<Refusal | undefined> {
  // Who comes back as an `EventSource` comes with the query that it began with, which is older.
  const query = new URLSearchParams((request.url ?? '').split('?')[1])
  const asked = request.headers['last-event-id'] ?? query.get('after')
  const after = typeof asked === 'string' ? parsePosition(asked) : undefined
  if (after === undefined) return refuse('malformed', 'after is not <epoch>:<seq>')
  const place = streamPlaces.take(reader.clientId)
  if (place.kind !== 'taken') return refuse('overloaded', 'too many followers', retryAfter)
  onceClosed(response, place.leave)
  const end = (): void => {
    response.end()
    setTimeout(() => response.destroy(), lingerMs).unref()
  }
  const found = await feed.subscribe(after, { send: createWriter(response), leave: end })
  if (found.kind !== 'subscribed') {
    place.leave()
    return found.kind === 'gone'
      ? refuse('position-gone', 'read at the issuer')
      : refuse('feed-unavailable', 'nothing comes from the issuer', retryAfter)
  }
  beginStream(response)
  onceClosed(response, found.cancel)
  const stopWatching = reader.onceRefused(() => {
    // First: what is written behind the end is an error that nobody catches.
    found.cancel()
    end()
  })
  onceClosed(response, stopWatching)
  return undefined
}

/** Only now: until there was a place in the log, a refusal could be one. */
function beginStream(response: ClientResponse): void {
  if (response.headersSent) return
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // The end of the stream is the end of the connection, which a listener that closes waits for.
    connection: 'close',
  })
  response.flushHeaders()
}

function createWriter(response: ClientResponse): (event: Buffer) => void {
  return (event) => {
    if (response.destroyed || response.writableEnded) return
    beginStream(response)
    response.write(event)
    if (response.writableLength > unreadBytesMax) response.destroy()
  }
}

function createSnapshotSender({
  feed,
  snapshots,
  snapshotPlaces,
}: RelayRouteParts): (exchange: Exchange, reader: FeedReader) => Promise<Refusal | undefined> {
  const underWay = new Map<SnapshotBody, number>()
  const busy = refuse('overloaded', 'too many snapshots are under way', retryAfter)
  const leaveBody = (body: SnapshotBody): void => {
    const left = (underWay.get(body) ?? 1) - 1
    if (left === 0) underWay.delete(body)
    else underWay.set(body, left)
  }
  return async ({ response }, { clientId, authorization }) => {
    if (feed.silentMs() > silentMsMax) {
      return refuse('feed-unavailable', 'nothing comes from the issuer', retryAfter)
    }
    const place = snapshotPlaces.take(clientId)
    if (place.kind !== 'taken') return busy
    try {
      const body = await snapshots.take(authorization)
      if (body === undefined) {
        return refuse('feed-unavailable', 'no snapshot can be had', retryAfter)
      }
      if (response.destroyed) return undefined
      const readers = underWay.get(body) ?? 0
      if (readers === 0 && underWay.size >= bodiesMax) return busy
      underWay.set(body, readers + 1)
      await send(response, body).finally(() => leaveBody(body))
      return undefined
    } finally {
      place.leave()
    }
  }
}

async function send(response: ClientResponse, body: SnapshotBody): Promise<void> {
  const tooLong = setTimeout(() => response.destroy(), snapshotMsMax).unref()
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': String(body.reduce((sum, { length }) => sum + length, 0)),
    'cache-control': 'no-store',
  })
  // Whoever leaves in the middle has left.
  await pipeline(Readable.from(body, { objectMode: false }), response).catch(() => undefined)
  clearTimeout(tooLong)
}

/** Also when it has left before. */
function onceClosed(response: ClientResponse, then: () => void): void {
  if (response.destroyed) then()
  else response.once('close', then)
}
