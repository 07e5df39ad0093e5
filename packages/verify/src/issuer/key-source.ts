import type { VerificationKey } from '@portcullis/protocol/jws'
import type { Timers } from '../timers.ts'
import type { FetchedKeySet } from './documents.ts'
import type { DocumentFailure } from './http-json.ts'
import type { KeysUnavailable } from './back-off.ts'
import { createKeySetHolder } from './held-key-set.ts'
import type { KeySetFile } from './key-set-file.ts'
import { createUnknownKids } from './unknown-kids.ts'

export type KeyLookup =
  | { readonly kind: 'key'; readonly key: VerificationKey }
  /** The issuer publishes no such key, as far as unknown kids may ask. */
  | { readonly kind: 'unknown' }
  /** The issuer could not be asked, so nothing can be said about this key. */
  | KeysUnavailable

export interface KeySource {
  /** Has a key set at hand, fetching it once if need be. */
  readonly ready: () => Promise<{ readonly kind: 'ready' } | KeysUnavailable>
  readonly find: (kid: string) => Promise<KeyLookup>
  /**
   * The key of a request that need not wait; otherwise undefined, and `find` says what there is. A key
   * stays the same object as long as the issuer publishes the same one under its kid.
   */
  readonly held: (kid: string) => VerificationKey | undefined
  /**
   * A checkpoint of that age lists the keys that live. It counts like a fetch that brought the same
   * set: a key of the set that the checkpoint does not list is withdrawn, which is the caller's to see.
   */
  readonly confirm: (ageMs: number) => void
}

export interface KeySourceOptions {
  readonly fetchKeySet: () => Promise<FetchedKeySet | DocumentFailure>
  /** Milliseconds since 1970. It throws rather than answer no number: no age could be told by that. */
  readonly now: () => number
  readonly timers: Timers
  /** Where the last good set is kept. */
  readonly file?: KeySetFile | undefined
}

/**
 * The keys of one issuer. A known kid does not wait while the key set is usable: a set near its max-age
 * is refreshed behind it, and keeps its keys through an outage of the issuer. Only where nobody asked
 * until the set was past its max-age, the first to ask wait a moment for the refresh. Unknown kids may
 * cause fetches, within an allowance of their own.
 */
export function createKeySource({ fetchKeySet, now, timers, file }: KeySourceOptions): KeySource {
  const elapsedMs = createElapsedClock(now)
  const keySet = createKeySetHolder({
    fetchKeySet: file?.keeping(fetchKeySet) ?? fetchKeySet,
    elapsedMs,
    timers,
    kept: file?.read(),
  })
  const unknownKids = createUnknownKids(elapsedMs)

  async function find(kid: string): Promise<KeyLookup> {
    const fetchesBefore = keySet.fetchesStarted()
    const set = await keySet.ready()
    if (set === undefined) return keySet.unavailable()
    const key = set.keys.get(kid)
    return key === undefined ? findNew(kid, fetchesBefore) : { kind: 'key', key }
  }

  /**
   * The set at hand lacks the key, so only a fetch that left after the question was asked can tell:
   * one that was already under way may have been answered before the key was published.
   */
  async function findNew(kid: string, fetchesBefore: number): Promise<KeyLookup> {
    if (unknownKids.isAbsent(kid)) return { kind: 'unknown' }
    for (;;) {
      const set = keySet.usable()
      const key = set?.keys.get(kid)
      if (key !== undefined) return { kind: 'key', key }
      if (set !== undefined && set.fetchNumber > fetchesBefore) {
        unknownKids.rememberAbsent(kid)
        return { kind: 'unknown' }
      }
      if (keySet.isBackingOff()) return keySet.unavailable()
      if (!keySet.isFetching() && !unknownKids.takeFetch()) return { kind: 'unknown' }
      await keySet.refresh()
    }
  }

  return {
    find,
    held: (kid) => keySet.atHand()?.keys.get(kid),
    confirm: keySet.confirm,
    ready: async () =>
      (await keySet.ready()) === undefined ? keySet.unavailable() : { kind: 'ready' },
  }
}

/** Time that has passed. A clock that is set back stands still here, and never makes a key younger. */
export function createElapsedClock(now: () => number): () => number {
  let elapsed = 0
  let last = now()
  return () => {
    const current = now()
    elapsed += Math.max(0, current - last)
    last = current
    return elapsed
  }
}
