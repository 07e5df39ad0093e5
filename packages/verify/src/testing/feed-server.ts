import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { parsePosition } from '@portcullis/protocol/revocations'
import type { TestFeed } from './test-feed.ts'

/** How often each part of the feed was asked for. */
export interface FeedRequestCounts {
  keys: number
  snapshot: number
  stream: number
}

/** The HTTP side of the feed: a snapshot, and streams that get what is new at once. */
export interface FeedServer {
  readonly requests: FeedRequestCounts
  readonly sendKeys: (response: ServerResponse) => void
  readonly sendSnapshot: (request: IncomingMessage, response: ServerResponse) => void
  readonly openStream: (request: IncomingMessage, response: ServerResponse, url: URL) => void
  /** Sends each stream what it has not got yet, and a checkpoint. */
  readonly push: () => void
  /** Streams stay open and nothing comes out of them. */
  readonly silence: () => void
  readonly resume: () => void
  /** Cuts every stream. */
  readonly cut: () => void
}

export interface FeedServerOptions {
  readonly feed: TestFeed
  readonly checkpointMs: number
  /** True when the header field lets a caller read the feed. */
  readonly mayRead: (authorization: string | undefined) => boolean
}

export function createFeedServer({ feed, checkpointMs, mayRead }: FeedServerOptions): FeedServer {
  const requests: FeedRequestCounts = { keys: 0, snapshot: 0, stream: 0 }
  const streams = new Map<ServerResponse, RevocationPosition>()
  let isSilent = false

  function push(): void {
    if (isSilent) return
    const position = feed.position()
    for (const [response, { epoch, seq }] of streams) {
      if (epoch === position.epoch) response.write(feed.eventAfter(seq))
      else response.destroy()
      streams.set(response, position)
    }
  }

  const isLetIn = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (mayRead(request.headers.authorization)) return true
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    return false
  }

  return {
    requests,
    push,
    sendKeys: (response) => {
      requests.keys += 1
      response.writeHead(200, { 'content-type': 'application/jwk-set+json' })
      response.end(feed.keySetText())
    },
    sendSnapshot: (request, response) => {
      requests.snapshot += 1
      if (!isLetIn(request, response)) return
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(feed.snapshot())
    },
    openStream: (request, response, url) => {
      requests.stream += 1
      if (!isLetIn(request, response)) return
      const after = parsePosition(url.searchParams.get('after') ?? '')
      const { epoch, seq } = feed.position()
      if (after?.epoch !== epoch || after.seq > seq) return void response.writeHead(410).end()
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.flushHeaders()
      streams.set(response, after)
      const timer = setInterval(push, checkpointMs).unref()
      response.on('close', () => {
        clearInterval(timer)
        streams.delete(response)
      })
      push()
    },
    silence: () => {
      isSilent = true
    },
    resume: () => {
      isSilent = false
      push()
    },
    cut: () => {
      for (const response of streams.keys()) response.destroy()
    },
  }
}
