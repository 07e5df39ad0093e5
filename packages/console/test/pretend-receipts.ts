import type { FollowerReceipt, LatencyCount, Receipts } from '@portcullis/client/admin'

export const committedAt = new Date('2026-11-23T14:02:31.120Z')

const boundsMs = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, undefined]
const namedMax = 200

export interface PretendReceipts {
  /** How long each has taken that has applied it; undefined where that is not known. */
  readonly tookMs?: readonly (number | undefined)[]
  readonly unknown?: readonly (Date | undefined)[]
  readonly refusing?: readonly Date[]
}

/** Receipts as identity would sum them up: 200 are named, and those who are waited for come first. */
export function pretendReceipts({
  tookMs = [],
  unknown = [],
  refusing = [],
}: PretendReceipts): Receipts {
  const known = tookMs.filter((ms) => ms !== undefined).toSorted((one, other) => other - one)
  const followers = [
    ...unknown.map((until, at) => receipt(`u${at}`, { state: 'unknown', ...(until && { until }) })),
    ...refusing.map((until, at) => receipt(`r${at}`, { state: 'refusing', until })),
    ...known.map((afterMs, at) => receipt(`a${at}`, { state: 'applied', afterMs })),
    ...tookMs
      .filter((ms) => ms === undefined)
      .map((_, at) => receipt(`t${at}`, { state: 'applied' })),
  ]
  const half = known[Math.floor(known.length / 2)]
  const [slowest] = known
  return {
    committedAt,
    isEverywhere: unknown.length === 0,
    applied: tookMs.length,
    unknown: unknown.length,
    refusing: refusing.length,
    ...(slowest !== undefined && half !== undefined
      ? { slowestMs: slowest, p50Ms: half, p99Ms: slowest }
      : {}),
    latencies: countsOf(known),
    followers: followers.slice(0, namedMax),
  }
}

function receipt(
  name: string,
  rest: Pick<FollowerReceipt, 'state' | 'afterMs' | 'until'>,
): FollowerReceipt {
  return { client: 'orders', follower: name.padEnd(22, 'A'), ...rest }
}

function countsOf(known: readonly number[]): readonly LatencyCount[] {
  return boundsMs.map((upToMs, at) => {
    const from = at === 0 ? -1 : (boundsMs[at - 1] ?? 0)
    const followers = known.filter((ms) => ms > from && ms <= (upToMs ?? Infinity)).length
    return { followers, ...(upToMs === undefined ? {} : { upToMs }) }
  })
}
