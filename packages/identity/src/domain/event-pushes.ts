import type { EventStream } from './event-streams.ts'
import type { SecurityEvent } from './security-events.ts'
import type { SignSecurityEvent } from './security-event-tokens.ts'
import { claimsOf, securityEventTokenType } from './security-event-tokens.ts'

/** A stream whose events one node delivers at present: nobody else does until it is given back, or the lease is over. */
export interface LeasedStream extends EventStream {
  readonly lease: string
  /** How often the event that comes next was tried in vain. */
  readonly tries: number
  /** Tries in vain since the receiver last took one, of whatever event. */
  readonly failures: number
}

/** Of what a lease is lost for, nothing is written: somebody else goes on from where it was. */
export interface PushedEvents {
  /** Streams in which something is due, those that waited longest first. The failing ones apart from the others. */
  readonly claim: (request: {
    readonly lease: string
    readonly max: number
    readonly leaseMs: number
    readonly isFailing: boolean
  }) => Promise<readonly LeasedStream[]>
  /** The first behind the one that was taken last, as long as the lease holds. */
  readonly next: (
    stream: LeasedStream,
    taken: SecurityEvent | undefined,
  ) => Promise<SecurityEvent | undefined>
  /** The event that comes next again, not before so long. */
  readonly failed: (
    stream: LeasedStream,
    ended: EndedTurn & { readonly failure: Failure },
  ) => Promise<void>
  /** Puts the event aside, where administrators see it, and goes on with the next. */
  readonly giveUp: (
    stream: LeasedStream,
    ended: EndedTurn & { readonly failure: Failure; readonly event: SecurityEvent },
  ) => Promise<void>
  /** Nothing waits any more, or others have their turn. */
  readonly release: (stream: LeasedStream, ended: EndedTurn) => Promise<void>
}

/**
 * What was taken in a turn of a stream is written when it ends, and not event by event: most of what a push costs would
 * be the flush of the disk. With a node that dies it is forgotten, and pushed again.
 */
export interface EndedTurn {
  /** The last, and so all before it. */
  readonly taken: SecurityEvent | undefined
}

export interface Failure {
  readonly why: string
  readonly delayMs: number
}

export type PushAnswer =
  | { readonly kind: 'taken' }
  /** It was understood and not taken; `isFinal`: it will never be. */
  | { readonly kind: 'refused'; readonly why: string; readonly isFinal: boolean }
  /** Nobody was there who could take anything. */
  | {
      readonly kind: 'unreachable'
      readonly why: string
      readonly retryAfterMs?: number | undefined
    }

/** From the name to the end of the answer. */
export const pushMsMax = 10_000

/** Never rejects. Takes no longer than `pushMsMax`. */
export type PushEvent = (stream: EventStream, token: string) => Promise<PushAnswer>

export interface PushParts {
  readonly issuer: string
  readonly pushedEvents: PushedEvents
  readonly signSecurityEvent: SignSecurityEvent
  readonly push: PushEvent
  /** Waits until the next push may begin: many at once would take the turns of everybody else. */
  readonly pace: () => Promise<void>
  /** Waits for those who end their turns soon: what they write shares one flush of the disk. */
  readonly together: () => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
}

/** So many in a row, or so long: then whoever waits has a turn. The lease is longer, and a push has its own time. */
const eventsPerTurnMax = 16
const turnMs = 20_000

/** Pushes what waits in a stream, one after the other, until it is not taken or others have their turn. */
export async function pushWaiting(parts: PushParts, stream: LeasedStream): Promise<void> {
  const { issuer, pushedEvents, signSecurityEvent, push, pace, together, monotonic } = parts
  const until = monotonic() + turnMs
  let taken: SecurityEvent | undefined
  for (let pushed = 0; pushed < eventsPerTurnMax && monotonic() < until; pushed += 1) {
    await pace()
    const event = await pushedEvents.next(stream, taken)
    if (event === undefined) break
    const claims = claimsOf(issuer, stream, event)
    const answer = await push(stream, await signSecurityEvent(claims, securityEventTokenType))
    if (answer.kind !== 'taken') return giveBack(parts, stream, { taken, event, answer })
    taken = event
  }
  await together()
  await pushedEvents.release(stream, { taken })
}

async function giveBack(
  { pushedEvents, random, together }: PushParts,
  stream: LeasedStream,
  {
    taken,
    event,
    answer,
  }: EndedTurn & {
    readonly event: SecurityEvent
    readonly answer: Exclude<PushAnswer, { kind: 'taken' }>
  },
): Promise<void> {
  // Those that were taken in this turn have ended what failed before.
  const since = taken === undefined ? stream : { ...stream, tries: 0, failures: 0 }
  const asked = answer.kind === 'unreachable' ? (answer.retryAfterMs ?? 0) : 0
  const delayMs = Math.max(retryDelayMs(since.failures, random()), Math.min(asked, delayMsMax))
  const failure = { why: answer.why, delayMs }
  const isHopeless = answer.kind === 'refused' && (answer.isFinal || since.tries + 1 >= refusalsMax)
  await together()
  await (isHopeless
    ? pushedEvents.giveUp(since, { taken, event, failure })
    : pushedEvents.failed(since, { taken, failure }))
}

/**
 * What a receiver has refused so often (over half an hour) is put aside, so that the others get through. While nobody is
 * there, nothing is, until it is too old.
 */
const refusalsMax = 12
const delayMsMin = 1000
const delayMsMax = 600_000

/** Twice as long each time, and half of it by chance: receivers that failed together are not asked together. */
export function retryDelayMs(failures: number, chance: number): number {
  const most = Math.min(delayMsMax, delayMsMin * 2 ** Math.min(failures, 30))
  return Math.round(most / 2 + (most / 2) * chance)
}
