import type { SecurityEvent } from './security-events.ts'
import type { Receiver, SignSecurityEvent } from './security-event-tokens.ts'
import { claimsOf, jtiOf, securityEventTokenType } from './security-event-tokens.ts'

/** What a receiver says of the events that it was given (RFC 8936 section 2.2). */
export interface Settlement {
  /** By their `jti`. */
  readonly taken: readonly string[]
  readonly refused: readonly { readonly jti: string; readonly why: string }[]
}

export interface PolledEvents {
  /** What waits for a stream, the oldest first; nothing in one that is not enabled. */
  readonly waiting: (streamId: string, max: number) => Promise<WaitingEvents>
  /** Those are not given again. What is no event of the stream, or was settled before, is passed over. */
  readonly settle: (receiver: Receiver, settlement: Settlement) => Promise<void>
}

export interface WaitingEvents {
  readonly events: readonly SecurityEvent[]
  /** There may be others behind them, which are looked for when these are settled. */
  readonly isMore: boolean
}

export interface PollParts {
  readonly issuer: string
  readonly polledEvents: PolledEvents
  readonly signSecurityEvent: SignSecurityEvent
  /** Lets everybody else have a turn: a signature takes half a millisecond. */
  readonly giveWay: () => Promise<void>
}

export interface PollWait {
  readonly eventsMax: number
  /** Resolves when there may be something new; to `false` when nobody waits any longer. */
  readonly news: () => Promise<boolean>
}

export interface Polled {
  readonly sets: Readonly<Record<string, string>>
  readonly isMore: boolean
}

/** Waits until there is something for a receiver, and signs it (RFC 8936 section 2.3). */
export async function pollEvents(
  { issuer, polledEvents, signSecurityEvent, giveWay }: PollParts,
  receiver: Receiver,
  { eventsMax, news }: PollWait,
): Promise<Polled> {
  // Before it is looked: what comes in between is not missed.
  let next = news()
  let found = await polledEvents.waiting(receiver.id, eventsMax)
  while (found.events.length === 0 && (await next)) {
    next = news()
    found = await polledEvents.waiting(receiver.id, eventsMax)
  }
  const sets: Record<string, string> = {}
  for (const event of found.events) {
    const claims = claimsOf(issuer, receiver, event)
    await giveWay()
    sets[jtiOf(receiver.id, event)] = await signSecurityEvent(claims, securityEventTokenType)
  }
  return { sets, isMore: found.isMore }
}
