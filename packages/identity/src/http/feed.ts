import type { ServerResponse } from 'node:http'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { formatPosition, frameEvent, parsePosition } from '@portcullis/protocol/revocations'
import type { ClientPlace } from '@portcullis/runtime'
import { createClientPlaces, createProblem } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Feed } from '../domain/feed.ts'
import type { PublishedFrame } from '../domain/feed-frames.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBusy, sendProblem, sendThrottled } from './problems.ts'
import type { HttpServer } from './server.ts'
import { createSnapshotSender } from './snapshot-bodies.ts'

export interface FeedRouteParts {
  readonly issuer: string
  readonly feed: Feed
  readonly callers: Callers
  /** How often a stream asks again whether its follower may still read; default 10 seconds. */
  readonly recheckMs?: number
  readonly limits?: FeedLimits
}

interface FeedLimits {
  /** Streams at a time; each costs a socket and a few kilobytes. */
  readonly streamsMax: number
  /** Snapshots that are being read; those who come at one time share the memory of one. */
  readonly snapshotsMax: number
  /** Of each. A client that leaks its connections must not shut out the others. */
  readonly perClientMax: number
  /** How long a snapshot may take to be read: whoever takes longer keeps it in memory. */
  readonly snapshotMs: number
}

const usualLimits: FeedLimits = {
  streamsMax: 4096,
  snapshotsMax: 4096,
  perClientMax: 1024,
  snapshotMs: 60_000,
}
/** A follower that reads too slowly is cut, and catches up from where it was. */
const unreadBytesMax = 1024 * 1024
/** How long a stream that was ended may take to deliver its rest. A stalled reader never would. */
const lingerMs = 500
const retryAfterSeconds = 5

/** The revocation feed (docs/feed-format.md). */
export function addFeed(app: HttpServer, parts: FeedRouteParts): void {
  /** How to end each answer that is under way. */
  const underWay = new Set<() => void>()
  // Otherwise the listener would wait for them.
  app.addHook('preClose', async () => {
    for (const end of underWay) end()
  })
  addSnapshot(app, parts, underWay)
  addStream(app, parts, underWay)
}

function addSnapshot(
  app: HttpServer,
  { issuer, feed, callers, limits = usualLimits }: FeedRouteParts,
  underWay: Set<() => void>,
): void {
  const places = createClientPlaces({ ...limits, max: limits.snapshotsMax })
  const sendSnapshot = createSnapshotSender()
  app.get(pathAtIssuer(issuer, '/revocations/snapshot'), async (request, reply) => {
    const { clientId } = await callers.requireFeedReader(request)
    const place = places.take(clientId)
    if (place.kind !== 'taken') return refusePlace(reply, place)
    const destroy = (): void => void reply.raw.destroy()
    const tooLong = setTimeout(destroy, limits.snapshotMs).unref()
    underWay.add(destroy)
    onceClosed(reply.raw, () => {
      clearTimeout(tooLong)
      underWay.delete(destroy)
      place.leave()
    })
    return sendSnapshot(request, reply, await feed.snapshot())
  })
}

function addStream(
  app: HttpServer,
  { issuer, feed, callers, recheckMs = 10_000, limits = usualLimits }: FeedRouteParts,
  underWay: Set<() => void>,
): void {
  const places = createClientPlaces({ ...limits, max: limits.streamsMax })
  const eventOf = createEventFormat()
  // A HEAD request of it would hold its connection and get nothing, for ever.
  const options = {
    exposeHeadRoute: false,
    config: { requestHeaders: ['authorization', 'dpop', 'last-event-id'] },
  }
  app.get(pathAtIssuer(issuer, '/revocations/stream'), options, async (request, reply) => {
    const { clientId, requireStill } = await callers.requireFeedReader(request)
    const after = positionAskedFor(request)
    if (after === undefined) {
      return sendProblem(reply, createProblem('malformed', 'after is not <epoch>:<seq>'))
    }
    const place = places.take(clientId)
    if (place.kind !== 'taken') return refusePlace(reply, place)
    const stream = reply.raw
    onceClosed(stream, place.leave)
    const frames = createFrameWriter(stream, eventOf)
    let cancel: (() => void) | undefined
    const end = (): void => {
      // First: a frame that is written behind the end is an error that nobody catches.
      cancel?.()
      stream.end()
      setTimeout(() => stream.destroy(), lingerMs).unref()
    }
    const subscription = await feed.subscribe(after, frames, end, () => stream.destroyed)
    if (subscription.kind === 'gone') {
      return sendProblem(reply, createProblem('position-gone', 'take a snapshot'))
    }
    reply.hijack()
    if (subscription.kind === 'left') return
    cancel = subscription.cancel
    if (stream.destroyed || stream.writableEnded) {
      // It left, or the feed stopped, while its first frame was being made.
      subscription.cancel()
      return
    }
    underWay.add(end)
    const recheck = setInterval(() => void requireStill().catch(end), recheckMs)
    stream.once('close', () => {
      clearInterval(recheck)
      subscription.cancel()
      underWay.delete(end)
    })
  })
}

/** Also when it left before, while it was found out who it is. */
function onceClosed(stream: ServerResponse, then: () => void): void {
  if (stream.destroyed) then()
  else stream.once('close', then)
}

function refusePlace(reply: FastifyReply, { kind }: ClientPlace): FastifyReply {
  return kind === 'client-full'
    ? sendThrottled(reply, retryAfterSeconds, 'this client reads the feed too often at a time')
    : sendBusy(reply, retryAfterSeconds, 'too many followers')
}

type Event = readonly Buffer[]

/** Each frame is written once, however many read it; its records are not even copied. */
function createEventFormat(): (frame: PublishedFrame) => Event {
  const events = new WeakMap<PublishedFrame, Event>()
  return (frame) => {
    const known = events.get(frame)
    if (known !== undefined) return known
    const id = formatPosition(frame.position)
    const event = [
      Buffer.from(`event: ${frameEvent}\nid: ${id}\ndata: {"records":"`),
      frame.text,
      Buffer.from(`","checkpoint":${JSON.stringify(frame.checkpoint)}}\n\n`),
    ]
    events.set(frame, event)
    return event
  }
}

/** Starts the answer with the first frame, so that a refusal can still be one. */
function createFrameWriter(
  stream: ServerResponse,
  eventOf: (frame: PublishedFrame) => Event,
): (frame: PublishedFrame) => void {
  return (frame) => {
    if (!stream.headersSent) {
      stream.writeHead(200, {
        'content-type': 'text/event-stream',
        // The end of the stream is the end of the connection, which a listener that closes waits for.
        connection: 'close',
      })
    }
    stream.cork()
    for (const part of eventOf(frame)) if (part.length > 0) stream.write(part)
    stream.uncork()
    if (stream.writableLength > unreadBytesMax) stream.destroy()
  }
}

/**
 * What an `EventSource` sends when it comes back (WHATWG HTML section 9.2), or the query: it comes back
 * with the query it began with, which is older.
 */
function positionAskedFor({ query, headers }: FastifyRequest): RevocationPosition | undefined {
  const asked = headers['last-event-id'] ?? (query as Readonly<Record<string, unknown>>)['after']
  return typeof asked === 'string' ? parsePosition(asked) : undefined
}
