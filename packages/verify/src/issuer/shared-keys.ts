import type { VerificationKey } from '@portcullis/protocol/jws'
import type { KeysUnavailable } from './back-off.ts'
import { keysStaleMsMax } from './held-key-set.ts'
import type { KeySource } from './key-source.ts'
import { createElapsedClock } from './key-source.ts'

const unconfirmed: KeysUnavailable = {
  kind: 'unavailable',
  why: 'no checkpoint has confirmed the shared secret for 15 minutes',
  retryAfterSeconds: 1,
}

/**
 * The keys of an issuer that shares a secret with this service: nothing is fetched for them. Where a feed is
 * followed they are as good as keys that were fetched at the start, and have to be confirmed by checkpoints.
 */
export function createSharedKeySource(
  keys: readonly VerificationKey[],
  now: () => number,
  followed: object | undefined,
): KeySource {
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  const elapsedMs = createElapsedClock(now)
  let usableUntilMs = followed === undefined ? Infinity : elapsedMs() + keysStaleMsMax
  const isUsable = (): boolean => elapsedMs() < usableUntilMs
  return {
    held: (kid) => (isUsable() ? byKid.get(kid) : undefined),
    ready: async () => (isUsable() ? { kind: 'ready' } : unconfirmed),
    find: async (kid) => {
      if (!isUsable()) return unconfirmed
      const key = byKid.get(kid)
      return key === undefined ? { kind: 'unknown' } : { kind: 'key', key }
    },
    confirm: (ageMs) => {
      usableUntilMs = Math.max(usableUntilMs, elapsedMs() - ageMs + keysStaleMsMax)
    },
  }
}
