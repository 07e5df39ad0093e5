import type { Activity } from '@portcullis/client/admin'

/** The buckets of an activity, put together to whole minutes of the clock: finer ones are hard to read. */
export interface Minutes {
  /** When each begins, the oldest first. The last one is not over. */
  readonly starts: readonly Date[]
  readonly sum: (counts: readonly number[] | undefined) => readonly number[]
}

const minuteMs = 60_000

export function minutesOf({ from, now, bucketSeconds }: Activity): Minutes {
  const ofBucket = (index: number): number =>
    Math.floor((from.getTime() + index * bucketSeconds * 1000) / minuteMs)
  // The first minute whose beginning is among them: the one before would look like a quiet one.
  const first = Math.ceil(from.getTime() / minuteMs)
  const last = Math.max(first, Math.floor(now.getTime() / minuteMs))
  const starts = Array.from(
    { length: last - first + 1 },
    (_, index) => new Date((first + index) * minuteMs),
  )
  return {
    starts,
    sum: (counts = []) => {
      const sums = starts.map(() => 0)
      for (const [index, count] of counts.entries()) {
        const place = ofBucket(index) - first
        if (place in sums) sums[place] = (sums[place] ?? 0) + count
      }
      return sums
    },
  }
}

export function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0)
}
