import type { Timers } from '../timers.ts'
import { jittered } from './jitter.ts'

export interface KeysUnavailable {
  readonly kind: 'unavailable'
  /** For the operator. */
  readonly why: string
  readonly retryAfterSeconds: number
}

/** When the issuer may be asked again after failures. */
export interface BackOff {
  /** The last fetch failed. */
  readonly hasFailed: () => boolean
  readonly isWaiting: () => boolean
  readonly fail: (why: string) => void
  readonly succeed: () => void
  readonly unavailable: () => KeysUnavailable
}

/** A service that starts together with its issuer should not have to wait for whole seconds. */
const backOffMsMin = 250
/** A service without keys answers 503 for at most this long after its issuer came back. */
const backOffMsMax = 30_000

export function createBackOff(elapsedMs: () => number, timers: Timers): BackOff {
  let failures = 0
  let failure = 'no fetch so far'
  let retryAtMs = 0

  return {
    hasFailed: () => failures > 0,
    isWaiting: () => failures > 0 && elapsedMs() < retryAtMs,
    fail: (why) => {
      const waitMs = Math.min(backOffMsMin * 2 ** failures, backOffMsMax)
      retryAtMs = elapsedMs() + jittered(waitMs, timers)
      failures += 1
      failure = why
    },
    succeed: () => {
      failures = 0
    },
    unavailable: () => {
      const retryAfterSeconds = Math.max(1, Math.ceil((retryAtMs - elapsedMs()) / 1000))
      return { kind: 'unavailable', why: failure, retryAfterSeconds }
    },
  }
}
