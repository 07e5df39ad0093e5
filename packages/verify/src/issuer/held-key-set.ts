import type { VerificationKey } from '@portcullis/protocol/jws'
import type { DocumentFailure, FetchedKeySet } from './documents.ts'

export interface HeldKeySet {
  readonly keys: ReadonlyMap<string, VerificationKey>
  /** Which fetch brought it; they are counted from 1. */
  readonly fetch: number
  readonly freshUntilMs: number
  readonly usableUntilMs: number
}

export interface KeysUnavailable {
  readonly kind: 'unavailable'
  /** For the operator. */
  readonly why: string
  readonly retryAfterSeconds: number
}

/** The key set at hand, and the one way to get another. */
export interface KeySetHolder {
  /** Undefined before the first fetch succeeded, and when the last success is too long ago. */
  readonly usable: () => HeldKeySet | undefined
  readonly isFetching: () => boolean
  readonly isBackingOff: () => boolean
  /** How many fetches have been started. */
  readonly fetchesStarted: () => number
  /** Joins the fetch that is under way, or starts one unless a failure forbids it for now. */
  readonly refresh: () => Promise<void>
  /** The issuer has confirmed the keys in another way, so long ago; they are usable for longer. */
  readonly confirm: (ageMs: number) => void
  readonly unavailable: () => KeysUnavailable
}

/** A key that the issuer has not confirmed for this long may have been withdrawn and is not used. */
const keysStaleSecondsMax = 900
/** A service that starts together with its issuer should not have to wait for whole seconds. */
const backOffSecondsMin = 0.25
/** A service without keys answers 503 for at most this long after its issuer came back. */
const backOffSecondsMax = 30

/**
 * At most one fetch at a time; after a failure none until the back-off has passed; a failure keeps
 * the old keys.
 */
export function createKeySetHolder(
  fetchKeySet: () => Promise<FetchedKeySet | DocumentFailure>,
  elapsedMs: () => number,
): KeySetHolder {
  let held: HeldKeySet | undefined
  let flight: Promise<void> | undefined
  let fetches = 0
  let failures = 0
  let failure = 'no fetch so far'
  let retryAtMs = 0

  const isBackingOff = (): boolean => failures > 0 && elapsedMs() < retryAtMs

  async function fetchOnce(): Promise<void> {
    fetches += 1
    const fetch = fetches
    const askedAtMs = elapsedMs()
    const fetched = await fetchKeySet()
    if (fetched.kind === 'failed') {
      const backOffSeconds = Math.min(backOffSecondsMin * 2 ** failures, backOffSecondsMax)
      retryAtMs = elapsedMs() + backOffSeconds * 1000
      failures += 1
      failure = fetched.why
      return
    }
    failures = 0
    held = {
      keys: fetched.keys,
      fetch,
      freshUntilMs: askedAtMs + fetched.maxAgeSeconds * 1000,
      usableUntilMs: askedAtMs + keysStaleSecondsMax * 1000,
    }
  }

  return {
    usable: () => (held !== undefined && elapsedMs() < held.usableUntilMs ? held : undefined),
    isFetching: () => flight !== undefined,
    isBackingOff,
    fetchesStarted: () => fetches,
    refresh: async () => {
      if (flight === undefined && !isBackingOff()) {
        flight = fetchOnce().finally(() => {
          flight = undefined
        })
      }
      await flight
    },
    confirm: (ageMs) => {
      if (held === undefined) return
      const usableUntilMs = elapsedMs() - ageMs + keysStaleSecondsMax * 1000
      held = { ...held, usableUntilMs: Math.max(held.usableUntilMs, usableUntilMs) }
    },
    unavailable: () => {
      const retryAfterSeconds = Math.max(1, Math.ceil((retryAtMs - elapsedMs()) / 1000))
      return { kind: 'unavailable', why: failure, retryAfterSeconds }
    },
  }
}
