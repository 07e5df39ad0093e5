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
}

/** Streams at a time; each costs a socket and a few kilobytes. */
const streamsMax = 4096
/** A follower that reads too slowly is cut, and catches up from where it was. */
const unreadBytesMax = 1024 * 1024
/** How often a stream asks again whether its follower may still read. */
const recheckMs = 10_000
const retryAfterSeconds = 5

/** The revocation feed (docs/feed-format.md). */
export function addRevocations(app: HttpServer, { issuer, feed, callers }: RevocationsParts): void {
  const streams = new Set<ServerResponse>()
  // Otherwise the listener would wait for them.
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end()
  })

  app.get(pathAtIssuer(issuer, '/revocations/snapshot'), async (request, reply) => {
    await callers.follower(request)
    const { manifest, records } = await feed.snapshot()
    const body = Buffer.concat([Buffer.from(`${manifest}\n`), records])
    return reply.type('application/octet-stream').send(body)
  })

  app.get(pathAtIssuer(issuer, '/revocations/stream'), async (request, reply) => {
    await callers.follower(request)
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
    streams.add(stream)
    const recheck = setInterval(() => {
      callers.follower(request).catch(() => stream.end())
    }, recheckMs)
    stream.once('close', () => {
      clearInterval(recheck)
      subscription.cancel()
      streams.delete(stream)
    })
  })
}

/** Starts the answer with the first frame, so that a refusal can still be one. */
function createFrameWriter(stream: ServerResponse): (frame: PublishedFrame) => void {
  return (frame) => {
    if (!stream.headersSent) {
      stream.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
    }
    stream.write(
      `event: ${frameEvent}\nid: ${formatPosition(frame.position)}\ndata: ${formatFrame(frame)}\n\n`,
    )
    if (stream.writableLength > unreadBytesMax) stream.destroy()
  }
}

/** The query, or what an `EventSource` sends when it comes back (WHATWG HTML section 9.2). */
function positionAskedFor({ query, headers }: FastifyRequest): RevocationPosition | undefined {
  const asked = (query as Readonly<Record<string, unknown>>)['after'] ?? headers['last-event-id']
  return typeof asked === 'string' ? parsePosition(asked) : undefined
}
