import { setImmediate } from 'node:timers/promises'
import { createClientPlaces } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PollParts } from '../domain/event-polls.ts'
import { pollEvents } from '../domain/event-polls.ts'
import type { EventStreamStore } from '../domain/event-streams.ts'
import { createSerialQueue } from '../domain/serial-queue.ts'
import { accountPath } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBusy, sendThrottled } from './problems.ts'
import type { HttpServer } from './server.ts'
import { sendNoStream } from './stream-members.ts'

export interface StreamPollingParts extends Pick<PollParts, 'polledEvents' | 'signSecurityEvent'> {
  readonly issuer: string
  readonly callers: Callers
  readonly eventStreams: Pick<EventStreamStore, 'find'>
  /** Calls the listener whenever there may be something new. Answers how to stop that. */
  readonly onEvents: (listener: () => void) => () => void
  /** How long a poll is kept; default 25 seconds, which proxies put up with. */
  readonly waitMs?: number
}

/** Each is half a millisecond of signing, and a kilobyte. */
const eventsMax = 100
const eventsDefault = 32
/** An acknowledgement is forty octets; what was not given cannot be acknowledged. */
const settledMax = 1000
const bodyBytesMax = 256 * 1024
/** Of polls under way. One that waits asks the store whenever somebody is signed out; one that does not, has it sign. */
const places = { max: 512, perClientMax: 16 }
const retryAfterSeconds = 5

const jti = { type: 'string', minLength: 1, maxLength: 128 } as const

const pollBody = {
  type: 'object',
  properties: {
    maxEvents: { type: 'integer', minimum: 0, maximum: 1_000_000 },
    returnImmediately: { type: 'boolean' },
    ack: { type: 'array', maxItems: settledMax, items: jti },
    setErrs: {
      type: 'object',
      maxProperties: settledMax,
      additionalProperties: {
        type: 'object',
        properties: {
          err: { type: 'string', maxLength: 64 },
          description: { type: 'string', maxLength: 500 },
        },
      },
    },
  },
} as const

/** Receivers that come for their events (RFC 8936). */
export function addStreamPolling(app: HttpServer, parts: StreamPollingParts): void {
  const { issuer, callers, eventStreams, polledEvents, waitMs = 25_000 } = parts
  const polls = createClientPlaces(places)
  // One signature in a turn of the event loop, and not one of each poll.
  const inTurn = createSerialQueue()
  const giveWay = (): Promise<void> => inTurn(() => setImmediate())
  const closing = new AbortController()
  // Otherwise the listener would wait for them.
  app.addHook('preClose', async () => closing.abort())
  const path = pathAtIssuer(issuer, '/ssf/poll/:id')
  const options = { schema: { params: accountPath, body: pollBody }, bodyLimit: bodyBytesMax }
  app.post(path, options, async (request, reply) => {
    const { clientId } = await callers.requireReceiver(request, 'read')
    const stream = await eventStreams.find(clientId, request.params.id)
    if (stream?.delivery.method !== 'poll') return sendNoStream(reply)
    const {
      maxEvents = eventsDefault,
      returnImmediately = false,
      ack = [],
      setErrs = {},
    } = request.body
    const refused = Object.entries(setErrs).map(
      ([name, { err = 'unnamed', description = '' }]) => ({
        jti: name,
        why: `${err} ${description}`.trim(),
      }),
    )
    if (ack.length > 0 || refused.length > 0) {
      await polledEvents.settle(stream, { taken: ack, refused })
    }
    if (maxEvents === 0) return reply.send({ sets: {} })
    const place = polls.take(clientId)
    if (place.kind !== 'taken') return refusePlace(reply, place.kind)
    const news = newsFor(parts, request, returnImmediately ? 0 : waitMs, closing.signal)
    try {
      const { sets, isMore } = await pollEvents({ ...parts, giveWay }, stream, {
        eventsMax: Math.min(maxEvents, eventsMax),
        news: news.next,
      })
      return await reply.send({ sets, ...(isMore && { moreAvailable: true }) })
    } finally {
      news.stop()
      place.leave()
    }
  })
}

function refusePlace(reply: FastifyReply, kind: 'full' | 'client-full'): FastifyReply {
  return kind === 'full'
    ? sendBusy(reply, retryAfterSeconds, 'too many polls are under way')
    : sendThrottled(reply, retryAfterSeconds, 'too many polls of this client are under way')
}

const nobody: (isNews: boolean) => void = () => undefined

/** What wakes one poll, until its time is over, its receiver has left, or the listener closes. */
function newsFor(
  { onEvents }: Pick<StreamPollingParts, 'onEvents'>,
  { raw }: FastifyRequest,
  waitMs: number,
  closing: AbortSignal,
): { readonly next: () => Promise<boolean>; readonly stop: () => void } {
  let tell = nobody
  let isOver = waitMs === 0
  const end = (): void => {
    isOver = true
    tell(false)
  }
  const unlisten = onEvents(() => tell(true))
  const timer = setTimeout(end, waitMs)
  closing.addEventListener('abort', end)
  raw.socket.once('close', end)
  return {
    next: () =>
      isOver || closing.aborted ? Promise.resolve(false) : new Promise((told) => (tell = told)),
    stop: () => {
      clearTimeout(timer)
      unlisten()
      closing.removeEventListener('abort', end)
      raw.socket.removeListener('close', end)
    },
  }
}
