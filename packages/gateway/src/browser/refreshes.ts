import { randomUUID } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import { createClientPlaces } from '@portcullis/runtime'
import { networkOf } from '@portcullis/runtime/networks'
import { holdToken } from './access-tokens.ts'
import type {
  IssuerSessions,
  PersonAtBrowser,
  RefreshOutcome,
  Unavailable,
} from './issuer-sessions.ts'
import type { CurrentCookie, SessionMemory } from './session-memory.ts'

/** Asks identity for an access token, and keeps what it answers; once at a time for each session and audience. */
export type Refresh = (
  cookie: CurrentCookie,
  audience: string,
  person: PersonAtBrowser,
) => Promise<RefreshOutcome>

export interface RefreshParts {
  readonly issuer: IssuerSessions
  readonly memory: SessionMemory
  readonly count: (outcome: RefreshOutcome['kind']) => void
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const refusedBefore: RefreshOutcome = { kind: 'refused', why: 'identity has refused it just now' }

export const tooMuch: Unavailable = {
  kind: 'unavailable',
  why: 'identity is asked enough already',
  retryAfterSeconds: 1,
}

/** Questions to identity at a time. Each holds a request of a client, so that more would be memory and no help. */
const flightsMax = 512
/** Of one network, so that nobody who makes up cookies keeps all others from their tokens. */
const flightsPerNetworkMax = 128
/** A try that is forgotten is one whose lost answer is given again within the grace window only. */
const attemptsMax = 8 * flightsMax
/** How long identity is left alone when it has not answered. */
const quietMs = 1000
const quietMsMax = 5000

/**
 * The `attempt` of a refresh is kept until its answer is known, so that the next try gets the successor that the
 * first one was given, at any time. What is lost between here and the browser is covered by the grace window of
 * identity alone: an attempt that was kept longer would hide a thief behind it.
 */
export function createRefreshes(parts: RefreshParts): Refresh {
  const { issuer, memory, count, log, now } = parts
  const flights = new Map<string, Promise<RefreshOutcome>>()
  const places = createClientPlaces({ max: flightsMax, perClientMax: flightsPerNetworkMax })
  const attempts = new Map<string, string>()
  let quiet = { fromMs: 0, untilMs: 0 }

  const noteUnavailable = ({ why, retryAfterSeconds }: Unavailable): void => {
    log.warn({ detail: why }, 'identity gives no tokens for browsers')
    const askedMs = retryAfterSeconds === undefined ? quietMs : retryAfterSeconds * 1000
    quiet = { fromMs: now(), untilMs: now() + Math.min(askedMs, quietMsMax) }
  }

  const refresh: Refresh = async ({ hash, token }, audience, person) => {
    const attempt = attempts.get(hash) ?? randomUUID()
    attempts.set(hash, attempt)
    // Those of cookies that never come again would else leave no room for any other.
    const [oldest] = attempts.keys()
    if (attempts.size > attemptsMax && oldest !== undefined) attempts.delete(oldest)
    const sentAtMs = now()
    const outcome = await issuer.refresh({ token, audience, attempt, person })
    count(outcome.kind)
    if (outcome.kind === 'unavailable') {
      noteUnavailable(outcome)
      return outcome
    }
    attempts.delete(hash)
    if (outcome.kind === 'ended') memory.noteEnd(hash)
    if (outcome.kind === 'refused') {
      memory.noteRefusal(hash, audience)
      log.warn({ audience, detail: outcome.why }, 'identity refuses a session a token')
    }
    if (outcome.kind === 'refreshed') {
      const { accessToken, expiresInSeconds, cookie } = outcome.tokens
      const held = holdToken(accessToken, expiresInSeconds, sentAtMs)
      memory.keep({ cookie, audience, held }, hash)
    }
    return outcome
  }

  return (cookie, audience, person) => {
    const key = `${cookie.hash} ${audience}`
    const flying = flights.get(key)
    if (flying !== undefined) return flying
    if (memory.isOver(cookie.hash)) return Promise.resolve({ kind: 'ended' })
    if (memory.isRefused(cookie.hash, audience)) return Promise.resolve(refusedBefore)
    const isQuiet = quiet.fromMs <= now() && now() < quiet.untilMs
    if (isQuiet) return Promise.resolve(tooMuch)
    const place = places.take(networkOf(person.address))
    if (place.kind !== 'taken') return Promise.resolve(tooMuch)
    const flight = refresh(cookie, audience, person).finally(() => {
      flights.delete(key)
      place.leave()
    })
    flights.set(key, flight)
    return flight
  }
}
