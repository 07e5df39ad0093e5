import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import type { Checkpoint, Frame } from '@portcullis/protocol/revocations'
import { parseFrame, unverifiedCheckpoint } from '@portcullis/protocol/revocations'
import { networkReason } from '../issuer/http-json.ts'
import { rejectUnknown, requireObject, requireText } from '../option-checks.ts'
import type { BrokeredFeed, BrokerReader } from '../revocation/brokered-feed.ts'
import { createDeadline } from '../revocation/deadline.ts'
import type { FeedClient, StreamEnd } from '../revocation/feed-client.ts'
import { feedFailed } from '../revocation/feed-failure.ts'

export type { BrokeredFeed } from '../revocation/brokered-feed.ts'

/** Of `@nats-io/transport-node` or any other transport of NATS. */
export type NatsConnection = Parameters<typeof jetstream>[0]

/** Where the feed is at the broker. */
export interface JetStreamFeedOptions {
  /** Yours: it is neither opened nor closed here. Let it reconnect for ever (`maxReconnectAttempts: -1`). */
  readonly connection: NatsConnection
  /** The name of the JetStream stream, as identity's setting `nats.stream` has it. Default `portcullis-revocations`. */
  readonly stream?: string
}

const streamDefault = 'portcullis-revocations'
/** As over SSE: a checkpoint comes every second. */
const idleMs = 3_000
/** The clock of the broker, by which a place in its stream is found, may be so far behind that of the issuer. */
const leadMs = 60_000
/** A consumer that nobody reads is forgotten by the broker. */
const unreadNanos = 30_000_000_000
/** As long as an event may be over SSE, and as much as may come of which nothing is of use. */
const messageBytesMax = 1024 * 1024
const uselessBytesMax = 2 * messageBytesMax

/**
 * Reads the revocation feed from NATS JetStream, for the option `revocation: { broker }`. What it brings counts under
 * the same checks as over HTTP, so the broker need not be trusted; snapshot, keys and tokens come from the issuer, and so
 * does the stream while the broker does not do well. Throws a TypeError for an option that is unknown or wrong.
 */
export function createJetStreamFeed(options: JetStreamFeedOptions): BrokeredFeed {
  const { connection, stream = streamDefault, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  requireObject(connection, 'option "connection"')
  const name = requireText(stream, 'stream')
  const { consumers } = jetstream(connection)

  const open = async (after: Checkpoint): Promise<OpenStream> => {
    const consumer = await consumers.get(name, {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(after.at - leadMs).toISOString(),
      inactive_threshold: unreadNanos,
    })
    const messages = await consumer.consume()
    return {
      messages,
      close: async () => {
        await messages.close()
        await consumer.delete()
      },
    }
  }

  let connected = new AbortController()
  const watch = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect') continue
      connected.abort(new Error('the connection is lost'))
      connected = new AbortController()
    }
  }
  // Ends with the connection. Where it cannot be watched, silence tells the same.
  watch().catch(() => undefined)

  return {
    streamWith:
      ({ timers, signal }) =>
      (after, take) =>
        follow(open, { timers, signal: AbortSignal.any([signal, connected.signal]) }, after, take),
  }
}

interface OpenStream {
  readonly messages: AsyncIterable<{ readonly data: Uint8Array; readonly string: () => string }>
  readonly close: () => Promise<void>
}

async function follow(
  open: (after: Checkpoint) => Promise<OpenStream>,
  { timers, signal }: BrokerReader,
  ...[after, take]: Parameters<FeedClient['stream']>
): Promise<StreamEnd> {
  const deadline = createDeadline(signal, { idleMs }, 'frame that goes on', timers)
  const opening = open(after)
  // Also one that comes when nobody waits for it any more; the broker forgets it where it cannot be told.
  const close = (): void => void opening.then((opened) => opened.close()).catch(() => undefined)
  try {
    const opened = await unlessAborted(opening, deadline.signal)
    const messages = opened.messages[Symbol.asyncIterator]()
    let isBehind = true
    let uselessBytes = 0
    for (;;) {
      const { done, value } = await unlessAborted(messages.next(), deadline.signal)
      if (done === true) break
      // What has arrived already would be read without any turn of the event loop.
      await new Promise<void>(timers.yieldTurn)
      const bytes = value.data.length
      const frame = bytes > messageBytesMax ? undefined : parseFrame(value.string())
      isBehind &&= frame !== undefined && isKnown(frame, after)
      if (isBehind) continue
      const taken = await take(frame)
      uselessBytes = taken === 'applied' ? 0 : uselessBytes + bytes
      if (taken === 'left' || uselessBytes > uselessBytesMax) return { kind: 'left' }
      if (typeof taken !== 'string') return taken
      if (taken === 'applied') deadline.extend()
    }
    return feedFailed('the broker has ended the stream')
  } catch (error) {
    return feedFailed(`the broker cannot be read: ${networkReason(error)}`)
  } finally {
    deadline.clear()
    close()
  }
}

async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** What lies before the place that is held, as it says itself: what lies behind it is verified. */
function isKnown({ checkpoint }: Frame, held: Checkpoint): boolean {
  const claims = unverifiedCheckpoint(checkpoint)
  return claims !== undefined && claims.at <= held.at
}
