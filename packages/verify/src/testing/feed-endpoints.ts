import { parsePosition } from '@portcullis/protocol/revocations'
import { lostConnection } from './lost-connection.ts'
import type { TestFeed } from './test-feed.ts'

/** How often each part of the feed was asked for. */
export interface FeedRequestCounts {
  keys: number
  snapshot: number
  stream: number
}

type FeedPart = (request: Request) => Response

/** The HTTP side of the feed: a snapshot, and streams that get what is new at once. */
export interface FeedEndpoints {
  readonly requests: FeedRequestCounts
  readonly keys: FeedPart
  readonly snapshot: FeedPart
  readonly stream: FeedPart
  /** Sends each stream what it has not got yet, and a checkpoint. */
  readonly push: () => void
  /** Streams stay open and nothing comes out of them. */
  readonly silence: () => void
  readonly resume: () => void
  /** Cuts every stream. */
  readonly cut: () => void
}

export interface FeedEndpointsOptions {
  readonly feed: TestFeed
  readonly checkpointMs: number
  /** True when the header field lets a caller read the feed. */
  readonly mayRead: (authorization: string) => boolean
}

export function createFeedEndpoints(options: FeedEndpointsOptions): FeedEndpoints {
  const { feed, mayRead } = options
  const requests: FeedRequestCounts = { keys: 0, snapshot: 0, stream: 0 }
  const { open, ...streams } = createFeedStreams(options)

  /** The keys are for everyone. */
  const part =
    (name: keyof FeedRequestCounts, answer: FeedPart): FeedPart =>
    (request) => {
      requests[name] += 1
      return name === 'keys' || mayRead(request.headers.get('authorization') ?? '')
        ? answer(request)
        : answerOf(401, null, { 'www-authenticate': 'Bearer error="invalid_token"' })
    }

  return {
    ...streams,
    requests,
    keys: part('keys', () =>
      answerOf(200, feed.keySetText(), { 'content-type': 'application/jwk-set+json' }),
    ),
    snapshot: part('snapshot', () =>
      answerOf(200, new Uint8Array(feed.snapshot()), {
        'content-type': 'application/octet-stream',
      }),
    ),
    stream: part('stream', ({ url }) => {
      const after = parsePosition(new URL(url).searchParams.get('after') ?? '')
      const { epoch, seq } = feed.position()
      if (after?.epoch !== epoch || after.seq > seq) return answerOf(410, null)
      const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
      return answerOf(200, open(after.seq), headers)
    }),
  }
}

function answerOf(status: number, body: BodyInit | null, headers: HeadersInit = {}): Response {
  return new Response(body, { status, headers })
}

interface FeedStreams extends Pick<FeedEndpoints, 'push' | 'silence' | 'resume' | 'cut'> {
  readonly open: (afterSeq: number) => ReadableStream<Uint8Array>
}

function createFeedStreams({ feed, checkpointMs }: FeedEndpointsOptions): FeedStreams {
  /** Up to which record each has got the log; with another epoch they are all cut. */
  const streams = new Map<ReadableStreamDefaultController<Uint8Array>, number>()
  const encoder = new TextEncoder()
  let isSilent = false

  function push(): void {
    if (isSilent) return
    for (const [stream, sentSeq] of streams) {
      stream.enqueue(encoder.encode(feed.eventAfter(sentSeq)))
      streams.set(stream, feed.position().seq)
    }
  }

  function open(afterSeq: number): ReadableStream<Uint8Array> {
    let stream: ReadableStreamDefaultController<Uint8Array>
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        stream = controller
        streams.set(stream, afterSeq)
        const timer = setInterval(() => {
          if (streams.has(stream)) push()
          else clearInterval(timer)
        }, checkpointMs).unref()
        push()
      },
      cancel: () => void streams.delete(stream),
    })
  }

  return {
    open,
    push,
    silence: () => {
      isSilent = true
    },
    resume: () => {
      isSilent = false
      push()
    },
    cut: () => {
      for (const stream of streams.keys()) stream.error(lostConnection())
      streams.clear()
    },
  }
}
