import type { VerificationKey } from '@portcullis/protocol/jws'
import type { Timers } from '../timers.ts'
import type { BackOff } from './back-off.ts'
import { createBackOff } from './back-off.ts'
import type { FetchedKeySet } from './documents.ts'
import type { DocumentFailure } from './http-json.ts'
import { jittered } from './jitter.ts'
import type { KeptKeySet } from './key-set-file.ts'
import { withKnownObjects } from './key-set.ts'

export interface HeldKeySet {
  /** A key that was in the set before, of a fetch or of the file, is the same object. */
  readonly keys: ReadonlyMap<string, VerificationKey>
  /** Which fetch brought it; they are counted from 1, and 0 is the file. */
  readonly fetchNumber: number
  readonly maxAgeMs: number
  /** When it was the issuer's own word. */
  readonly madeAtMs: number
  /** A refresh is due, behind the requests. */
  readonly refreshAtMs: number
  readonly freshUntilMs: number
  readonly usableUntilMs: number
}

/** The key set at hand, and the one way to get another. */
export interface KeySetHolder extends Pick<BackOff, 'unavailable'> {
  /**
   * The set at hand, and starts the refresh that is due behind it. Undefined when a request has to wait,
   * which `ready` is for: before the first fetch succeeded, when the last success is too long ago, and
   * for a moment when nobody has asked until the set was past its max-age.
   */
  readonly atHand: () => HeldKeySet | undefined
  /** The set after that wait; undefined only when there is no set to use. */
  readonly ready: () => Promise<HeldKeySet | undefined>
  /** The set at hand, however old it may be used. */
  readonly usable: () => HeldKeySet | undefined
  readonly isFetching: () => boolean
  readonly isBackingOff: () => boolean
  /** How many fetches have been started. */
  readonly fetchesStarted: () => number
  /** Joins the fetch that is under way, or starts one unless a failure forbids it for now. */
  readonly refresh: () => Promise<void>
  /** The issuer has confirmed the keys in another way, so long ago; they are good for longer. */
  readonly confirm: (ageMs: number) => void
}

export interface KeySetHolderOptions {
  readonly fetchKeySet: () => Promise<FetchedKeySet | DocumentFailure>
  readonly elapsedMs: () => number
  readonly timers: Timers
  /** From an earlier life of the process. */
  readonly kept: KeptKeySet | undefined
}

/** A key that the issuer has not confirmed for this long may have been withdrawn and is not used. */
export const keysStaleMsMax = 900_000
/** How long a request waits for an issuer that may hang while there are old keys to go on with. */
const patienceMs = 1_000

/**
 * At most one fetch at a time; after a failure none until the back-off has passed; a failure keeps
 * the old keys. A service that is asked now and then refreshes behind its requests and never waits.
 * One that was idle until its set was past its max-age would accept a key that was withdrawn long
 * ago, so there the first requests wait for the refresh, but not for an issuer that hangs or fails.
 */
export function createKeySetHolder({
  fetchKeySet,
  elapsedMs,
  timers,
  kept,
}: KeySetHolderOptions): KeySetHolder {
  const backOff = createBackOff(elapsedMs, timers)
  let held = kept && keptSet(kept, elapsedMs(), timers)
  const flight = createSingleFlight(fetchOnce, backOff)
  /** Settles when requests need not wait for the flight any more. */
  let awaited: Promise<void> | undefined
  let fetches = 0

  async function fetchOnce(): Promise<void> {
    const fetchNumber = (fetches += 1)
    const askedAtMs = elapsedMs()
    const fetched = await fetchKeySet()
    if (fetched.kind === 'failed') return backOff.fail(fetched.why)
    judgeAge(fetched, backOff)
    held = merged(heldSet(fetched, fetchNumber, askedAtMs, timers), held)
  }

  const usable = (): HeldKeySet | undefined =>
    held !== undefined && elapsedMs() < held.usableUntilMs ? held : undefined

  /** Idle for too long, and nothing has been done about it so far. */
  const isOverdue = (set: HeldKeySet, atMs: number): boolean =>
    atMs >= set.freshUntilMs && flight.mayStart() && !backOff.hasFailed()

  function atHand(): HeldKeySet | undefined {
    const atMs = elapsedMs()
    return held === undefined || isOverdue(held, atMs) ? undefined : current(atMs)
  }

  function current(atMs = elapsedMs()): HeldKeySet | undefined {
    if (held === undefined || !(atMs < held.usableUntilMs)) return undefined
    if (atMs < held.refreshAtMs) return held
    if (flight.mayStart()) {
      const mustWait = isOverdue(held, atMs)
      const refreshed = flight.join()
      if (mustWait) {
        awaited = settledWithin(patienceMs, refreshed, timers).finally(() => {
          awaited = undefined
        })
      }
    }
    return awaited === undefined ? held : undefined
  }

  return {
    atHand,
    ready: async () => {
      const set = current()
      if (set !== undefined) return set
      await (usable() === undefined ? flight.join() : awaited)
      return usable()
    },
    usable,
    isFetching: flight.isUnderWay,
    isBackingOff: backOff.isWaiting,
    fetchesStarted: () => fetches,
    refresh: flight.join,
    confirm: (ageMs) => {
      held = held && confirmed(held, elapsedMs() - ageMs)
    },
    unavailable: backOff.unavailable,
  }
}

interface SingleFlight {
  /** Joins the fetch that is under way, or starts one unless a failure forbids it for now. */
  readonly join: () => Promise<void>
  readonly isUnderWay: () => boolean
  readonly mayStart: () => boolean
}

function createSingleFlight(
  fetchOnce: () => Promise<void>,
  { isWaiting }: Pick<BackOff, 'isWaiting'>,
): SingleFlight {
  let flight: Promise<void> | undefined
  const mayStart = (): boolean => flight === undefined && !isWaiting()
  return {
    mayStart,
    isUnderWay: () => flight !== undefined,
    join: () => {
      if (mayStart()) {
        flight = fetchOnce().finally(() => {
          flight = undefined
        })
        // A clock that throws is told to those who wait, and ends no process where nobody does.
        flight.catch(() => undefined)
      }
      return flight ?? Promise.resolve()
    },
  }
}

/** A copy that is too old says of no key that it lives; a checkpoint may say so of what is in it. */
function judgeAge({ ageMs = 0 }: FetchedKeySet, { succeed, fail }: BackOff): void {
  if (ageMs < keysStaleMsMax) succeed()
  else fail(`the key set came as a copy from ${Math.round(ageMs / 1000)} s ago`)
}

function heldSet(
  { keys, maxAgeSeconds, ageMs = 0 }: Omit<FetchedKeySet, 'kind'>,
  fetchNumber: number,
  askedAtMs: number,
  timers: Timers,
): HeldKeySet {
  const maxAgeMs = maxAgeSeconds * 1000
  const madeAtMs = askedAtMs - ageMs
  return {
    keys,
    fetchNumber,
    maxAgeMs,
    madeAtMs,
    refreshAtMs: askedAtMs + jittered(maxAgeMs, timers),
    freshUntilMs: askedAtMs + maxAgeMs,
    usableUntilMs: madeAtMs + keysStaleMsMax,
  }
}

/** As if it had been fetched then, and is due. */
function keptSet({ keys, ageMs }: KeptKeySet, nowMs: number, timers: Timers): HeldKeySet {
  return heldSet({ keys, maxAgeSeconds: 0 }, 0, nowMs - ageMs, timers)
}

/** A copy from before what is held says nothing about it, and takes no life from it that a checkpoint has given. */
function merged(next: HeldKeySet, held: HeldKeySet | undefined): HeldKeySet {
  if (held === undefined) return next
  const isOlder = next.madeAtMs < held.madeAtMs
  return {
    ...next,
    keys: isOlder ? held.keys : withKnownObjects(next.keys, held.keys),
    madeAtMs: Math.max(next.madeAtMs, held.madeAtMs),
    usableUntilMs: Math.max(next.usableUntilMs, held.usableUntilMs),
  }
}

function confirmed(set: HeldKeySet, atMs: number): HeldKeySet {
  return {
    ...set,
    freshUntilMs: Math.max(set.freshUntilMs, atMs + set.maxAgeMs),
    usableUntilMs: Math.max(set.usableUntilMs, atMs + keysStaleMsMax),
  }
}

function settledWithin(ms: number, work: Promise<void>, { schedule }: Timers): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  // The timer keeps no process alive; the request that is under way does, until its own time limit.
  const cancel = schedule(resolve, ms)
  void work.then(resolve, resolve)
  return promise.finally(cancel)
}
