import type { Timers } from '../timers.ts'
import type { VerifyError } from '../verify-error.ts'
import type { Warn } from '../warnings.ts'
import type { Follower } from './follower.ts'
import type { Freshness } from './freshness.ts'

/** Tells the operator when the issuer vouches for nothing any more, and when it does again. */
export interface FeedLoss {
  /** Looks once a second from now on, whether or not requests come; more calls change nothing. */
  readonly start: () => void
  readonly close: () => void
}

export interface FeedLossOptions {
  readonly issuer: string
  readonly freshness: Pick<Freshness, 'ageMs' | 'vouchedAtMs'>
  readonly follower: Pick<Follower, 'failure' | 'failingMs'>
  /** What a token that is too old for the last checkpoint is answered, where it is not a 401. */
  readonly clockError: () => VerifyError | undefined
  readonly maxStalenessMs: number
  readonly whenStale: 'refuse' | 'accept'
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly timers: Pick<Timers, 'monotonic' | 'schedule'>
  readonly warn: Warn
}

/** A loss comes about without an event, so somebody has to look. */
const lookMs = 1_000
/** Where the feed comes and goes, the next loss is told when so much has passed, and only if it lasts until then. */
const toldMs = 60_000

export function createFeedLoss(options: FeedLossOptions): FeedLoss {
  const { issuer, freshness, maxStalenessMs, now, timers, warn } = options
  let cancel: (() => void) | undefined
  let isClosed = false
  /** When what is known is too old, unless something is heard before. */
  let staleAtMs = 0
  let count = 0
  let loss: { readonly sinceMs: number; wasTold: boolean } | undefined
  let quietUntilMs = -Infinity

  function look(): void {
    cancel = timers.schedule(look, lookMs)
    const atMs = timers.monotonic()
    const ageMs = freshness.ageMs()
    if (ageMs <= maxStalenessMs) {
      staleAtMs = atMs + maxStalenessMs - ageMs
      if (loss?.wasTold === true) tellReturn(atMs - loss.sinceMs)
      loss = undefined
    } else if (freshness.vouchedAtMs() !== undefined || atMs > staleAtMs) {
      loss ??= lose(atMs)
      if (loss.wasTold || atMs < quietUntilMs) return
      loss.wasTold = true
      quietUntilMs = atMs + toldMs
      tellLoss(atMs - loss.sinceMs)
    }
  }

  function lose(atMs: number): NonNullable<typeof loss> {
    count += 1
    // Lost history and a clock that is set count at once, however young the last word is.
    return { sinceMs: Math.min(atMs, staleAtMs), wasTold: false }
  }

  function tellLoss(staleMs: number): void {
    const vouchedAtMs = freshness.vouchedAtMs()
    const heard =
      vouchedAtMs === undefined
        ? 'nothing that counts came since the start'
        : `its last word is of ${timeOf(vouchedAtMs)}`
    const allowed = `${heard}, and ${seconds(maxStalenessMs)} are allowed`
    const message = [
      `the revocation feed of ${issuer} is lost (number ${count}): ${allowed}`,
      `from ${timeOf(now() - staleMs)} on ${effectOf(options)}`,
      failureOf(options),
    ].join('; ')
    warn({ code: 'PORTCULLIS_REVOCATION_STALE', message })
  }

  function tellReturn(staleMs: number): void {
    const message = `the revocation feed of ${issuer} is fresh again: it was too old for ${seconds(staleMs)}`
    warn({ code: 'PORTCULLIS_REVOCATION_FRESH', message })
  }

  return {
    start: () => {
      if (isClosed || cancel !== undefined) return
      staleAtMs = timers.monotonic() + maxStalenessMs
      cancel = timers.schedule(look, lookMs)
    },
    close: () => {
      isClosed = true
      cancel?.()
    },
  }
}

function effectOf({ whenStale, clockError, maxStalenessMs }: FeedLossOptions): string {
  if (whenStale === 'accept') {
    return `tokens are accepted that may have been revoked meanwhile (whenStale: 'accept')`
  }
  const refused = `tokens that were minted more than ${seconds(maxStalenessMs)} before their request are refused`
  const error = clockError()
  if (error === undefined) return `${refused}: 401 stale, which a refresh mends`
  const { cause } = error
  return `${refused}: 503 ${error.code}, ${cause instanceof Error ? cause.message : error.message}`
}

function failureOf({ follower, now }: FeedLossOptions): string {
  const failure = follower.failure()
  if (failure === undefined) return 'what comes is signed and too old'
  return `what fails, since ${timeOf(now() - follower.failingMs())}: ${failure.why}`
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}

const dateMsMax = 8.64e15

/** Throws for no clock of anybody: here nobody would catch it. */
function timeOf(ms: number): string {
  return Math.abs(ms) <= dateMsMax ? new Date(ms).toISOString() : String(ms)
}
