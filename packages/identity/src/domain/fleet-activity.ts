import type { Activity, CountedBucket } from './activity.ts'
import { activityKeptMs, activitySeries, bucketAt, bucketMs } from './activity.ts'

/** What nodes have written of what they count. */
export interface ActivityStore {
  readonly write: (node: string, buckets: readonly CountedBucket[]) => Promise<void>
  /** What all other nodes have counted since. */
  readonly ofOthers: (node: string, sinceMs: number) => Promise<readonly CountedBucket[]>
  /** Takes a bounded number of old rows away, and answers whether there may be more. */
  readonly forget: () => Promise<boolean>
}

/** One count a bucket, from the oldest to the present one. */
export type Series = readonly number[]

export interface FleetActivity {
  /** When the first bucket begins, and what time it is: milliseconds since 1970. */
  readonly from: number
  readonly now: number
  readonly series: Readonly<Record<string, Series>>
  /** Of those reasons that there were. */
  readonly refusals: Readonly<Record<string, Series>>
}

export interface FleetActivityParts {
  readonly activity: Pick<Activity, 'buckets'>
  readonly store: Pick<ActivityStore, 'ofOthers'>
  /** What this process calls itself. */
  readonly node: string
  readonly now: () => number
}

const refusedPrefix = 'refused:'

/** What the whole fleet has counted. What others count is there when they have written it, of which this reads no more than once in some seconds. */
export function createFleetActivity({
  activity,
  store,
  node,
  now,
}: FleetActivityParts): (minutes: number) => Promise<FleetActivity> {
  const othersOnce = createRecent(() => store.ofOthers(node, now() - activityKeptMs), now)
  return async (minutes) => {
    const others = await othersOnce()
    const present = now()
    const length = (minutes * 60_000) / bucketMs
    const from = bucketAt(present) - (length - 1) * bucketMs
    const found = new Map<string, number[]>(activitySeries.map((name) => [name, zeros(length)]))
    for (const { at, counts } of [...activity.buckets(), ...others]) {
      const index = (at - from) / bucketMs
      if (index < 0 || index >= length) continue
      for (const [what, times] of Object.entries(counts)) {
        const series = found.get(what) ?? zeros(length)
        series[index] = (series[index] ?? 0) + times
        found.set(what, series)
      }
    }
    const all = [...found]
    return {
      from,
      now: present,
      series: Object.fromEntries(activitySeries.map((name) => [name, found.get(name) ?? []])),
      refusals: Object.fromEntries(
        all
          .filter(([what]) => what.startsWith(refusedPrefix))
          .map(([what, series]) => [what.slice(refusedPrefix.length), series]),
      ),
    }
  }
}

function zeros(length: number): number[] {
  return Array.from({ length }, () => 0)
}

/** However many look: what others write is new every ten seconds. */
const recentMs = 2000

function createRecent<Read>(read: () => Promise<Read>, now: () => number): () => Promise<Read> {
  let last: { readonly at: number; readonly reading: Promise<Read> } | undefined
  return () => {
    if (last !== undefined && Math.abs(now() - last.at) < recentMs) return last.reading
    const reading = read()
    const own = { at: now(), reading }
    last = own
    reading.catch(() => {
      if (last === own) last = undefined
    })
    return reading
  }
}
