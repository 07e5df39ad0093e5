import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Follower, FollowerSoftware } from './followers.ts'
import { clockDifferenceMsMax } from './followers.ts'
import type { SerialQueue } from './serial-queue.ts'

/** What a follower has done about one revocation. */
export interface Receipt {
  readonly clientId: string
  readonly follower: string
  readonly software: FollowerSoftware | undefined
  /** When it was heard of last, in milliseconds since 1970. */
  readonly reportedAt: number
  readonly state: ReceiptState
}

export type ReceiptState =
  /**
   * It refuses what was revoked, and did so at the latest this long after the commit; undefined where
   * nobody can tell any more, or it began only later and never accepted it.
   */
  | { readonly kind: 'applied'; readonly afterMs: number | undefined }
  /** It has not said so; until this moment it may accept what was revoked. */
  | { readonly kind: 'unknown'; readonly untilMs: number | undefined }
  /** It has not said so, and has refused whatever was minted before by itself since this moment. */
  | { readonly kind: 'refusing'; readonly untilMs: number }

export type Receipts =
  | {
      readonly kind: 'receipts'
      readonly committedAt: number
      readonly receipts: readonly Receipt[]
    }
  /** The log has not come there. */
  | { readonly kind: 'ahead' }
  /** It is of another epoch, or the record has outlived all tokens that it is about. */
  | { readonly kind: 'gone' }

export interface ReceiptStore {
  /** Of all who followed the feed when it was committed, or do since, and have not ended. */
  readonly receiptsOf: (position: RevocationPosition) => Promise<Receipts>
}

/** What is known of a follower that has not reported the position, at a moment of the store's clock. */
export function stateWithoutReport(
  committedAt: number,
  { maxStalenessMs }: Pick<Follower, 'maxStalenessMs'>,
  now: number,
): ReceiptState {
  if (maxStalenessMs === undefined) return { kind: 'unknown', untilMs: undefined }
  const untilMs = committedAt + maxStalenessMs + clockDifferenceMsMax
  return { kind: now > untilMs ? 'refusing' : 'unknown', untilMs }
}

/** What became of a revocation at all who follow the feed. */
export interface ReceiptSummary {
  readonly kind: 'summary'
  readonly committedAt: number
  /** Nobody accepts what was revoked any more. */
  readonly isEverywhere: boolean
  readonly applied: number
  readonly unknown: number
  readonly refusing: number
  /** The longest that one is known to have taken; undefined when that is known of none. */
  readonly slowestMs: number | undefined
  /** Within which half of those did so of whom it is known, and 99 of a hundred; undefined when there are none. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  /** How many of them took longer than the bound before and no longer than this one; the last has none. */
  readonly latencies: readonly LatencyCount[]
  /** Those that are waited for, those that refuse by themselves, and then the slowest, as many as were asked for. */
  readonly receipts: readonly Receipt[]
}

export interface LatencyCount {
  readonly upToMs: number | undefined
  readonly followers: number
}

/** A wave is drawn by them, also of more followers than are shown. */
const latencyBoundsMs = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]

export interface ReceiptParts {
  readonly store: ReceiptStore
  /** Of all who wait at this node: each of their readings takes every follower's row. */
  readonly inTurn: SerialQueue
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  readonly pause: (ms: number) => Promise<void>
}

const pauseMsMin = 20
const pauseMsMax = 500
/** Where fleets are large or many wait, those who wait take about a fifth of the time for their readings. */
const pauseShare = 4

/** Asks again until the revocation is everywhere, or it has waited long enough, or nobody listens any more. */
export async function awaitReceipts(
  { store, inTurn, monotonic, pause }: ReceiptParts,
  position: RevocationPosition,
  options: {
    readonly waitMs: number
    readonly shownMax: number
    readonly isLeft: () => boolean
  },
): Promise<ReceiptSummary | Exclude<Receipts, { readonly kind: 'receipts' }>> {
  const endAt = monotonic() + options.waitMs
  for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
    const askedAt = monotonic()
    const found = await inTurn(() => store.receiptsOf(position))
    if (found.kind !== 'receipts') return found
    const summary = summaryOf(found, options.shownMax)
    const leftMs = endAt - monotonic()
    if (summary.isEverywhere || leftMs <= 0 || options.isLeft()) return summary
    const tookMs = monotonic() - askedAt
    await pause(Math.min(Math.max(pauseMs, tookMs * pauseShare), leftMs))
  }
}

function summaryOf(
  { committedAt, receipts }: Extract<Receipts, { readonly kind: 'receipts' }>,
  shownMax: number,
): ReceiptSummary {
  const counts = { applied: 0, unknown: 0, refusing: 0 }
  const latenciesMs: number[] = []
  for (const { state } of receipts) {
    counts[state.kind] += 1
    if (state.kind === 'applied' && state.afterMs !== undefined) latenciesMs.push(state.afterMs)
  }
  latenciesMs.sort((one, other) => one - other)
  return {
    kind: 'summary',
    committedAt,
    isEverywhere: counts.unknown === 0,
    ...counts,
    slowestMs: latenciesMs.at(-1),
    p50Ms: nearestRank(latenciesMs, 0.5),
    p99Ms: nearestRank(latenciesMs, 0.99),
    latencies: countLatencies(latenciesMs),
    receipts: receipts.toSorted((one, other) => rank(other) - rank(one)).slice(0, shownMax),
  }
}

function nearestRank(ascending: readonly number[], share: number): number | undefined {
  return ascending[Math.ceil(ascending.length * share) - 1]
}

function countLatencies(latenciesMs: readonly number[]): readonly LatencyCount[] {
  const counts = [...latencyBoundsMs, undefined].map((upToMs) => ({ upToMs, followers: 0 }))
  for (const ms of latenciesMs) {
    const found = counts.find(({ upToMs = Infinity }) => ms <= upToMs)
    if (found !== undefined) found.followers += 1
  }
  return counts
}

/** What somebody who waits wants to see first. */
function rank({ state }: Receipt): number {
  if (state.kind === 'applied') return state.afterMs ?? -1
  return state.kind === 'unknown' ? Number.MAX_VALUE : Number.MAX_SAFE_INTEGER
}
