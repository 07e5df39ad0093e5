import type { ServerResponse } from 'node:http'
import { createProblem } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import {
  formatFrame,
  formatPosition,
  frameEvent,
  parsePosition,
} from '@portcullis/protocol/revocations'
import type { FastifyRequest } from 'fastify'
import type { Feed, PublishedFrame } from '../domain/feed.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface RevocationsParts {
  readonly issuer: string
  readonly feed: Feed
  readonly callers: Callers
  /** How often a stream asks again whether its follower may still read; default 10 seconds. */
  readonly recheckMs?: number
}

/** Streams at a time; each costs a socket and a few kilobytes. */
const streamsMax = 4096
/** A follower that reads too slowly is cut, and catches up from where it was. */
const unreadBytesMax = 1024 * 1024
/** How long a stream that was ended may take to deliver its rest. A stalled reader never would. */
const lingerMs = 500
const retryAfterSeconds = 5

/** The revocation feed (docs/feed-format.md). */
export function addRevocations(
  app: HttpServer,
  { issuer, feed, callers, recheckMs = 10_000 }: RevocationsParts,
): void {
  /** How to end each stream that is open. */
  const streams = new Set<() => void>()
  // Otherwise the listener would wait for them.
  app.addHook('preClose', async () => {
    for (const end of streams) end()
  })

  app.get(pathAtIssuer(issuer, '/revocations/snapshot'), async (request, reply) => {
    await callers.requireFeedReader(request)
    const { manifest, records } = await feed.snapshot()
    const body = Buffer.concat([Buffer.from(`${manifest}\n`), records])
    return reply.type('application/octet-stream').send(body)
  })

  // A HEAD request of it would hold its connection and get nothing, for ever.
  const options = {
    exposeHeadRoute: false,
    config: { requestHeaders: ['authorization', 'last-event-id'] },
  }
  app.get(pathAtIssuer(issuer, '/revocations/stream'), options, async (request, reply) => {
    await callers.requireFeedReader(request)
    const after = positionAskedFor(request)
    if (after === undefined) {
      return sendProblem(reply, createProblem('malformed', 'after is not <epoch>:<seq>'))
    }
    if (streams.size >= streamsMax) {
      reply.header('retry-after', retryAfterSeconds)
      return sendProblem(reply, createProblem('overloaded', 'too many followers'))
    }
    const stream = reply.raw
    const frames = createFrameWriter(stream)
    const subscription = await feed.subscribe(after, frames)
    if (subscription.kind === 'gone') {
      return sendProblem(reply, createProblem('position-gone', 'take a snapshot'))
    }
    reply.hijack()
    if (stream.destroyed) {
      // It left while its first frame was being made.
      subscription.cancel()
      return
    }
    const end = (): void => {
      // First: a frame that is written behind the end is an error that nobody catches.
      subscription.cancel()
      stream.end()
      setTimeout(() => stream.destroy(), lingerMs).unref()
    }
    streams.add(end)
    const recheck = setInterval(() => void callers.requireFeedReader(request).catch(end), recheckMs)
    stream.once('close', () => {
      clearInterval(recheck)
      subscription.cancel()
      streams.delete(end)
    })
  })
}

/** Starts the answer with the first frame, so that a refusal can still be one. */
function createFrameWriter(stream: ServerResponse): (frame: PublishedFrame) => void {
  return (frame) => {
    if (!stream.headersSent) {
      stream.writeHead(200, {
        'content-type': 'text/event-stream',
        // The end of the stream is the end of the connection, which a listener that closes waits for.
        connection: 'close',
      })
    }
    stream.write(
      `event: ${frameEvent}\nid: ${formatPosition(frame.position)}\ndata: ${formatFrame(frame)}\n\n`,
    )
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
