/** The memory of a process at one moment, octets. */
export interface MemorySample {
  readonly seconds: number
  /** After a collection of garbage. */
  readonly heapBytes: number
  readonly residentBytes: number
}

export interface Growth {
  readonly heapBytes: number
  readonly residentBytes: number
}

/** What a third of a run may add. Garbage was collected: what stays behind is held by somebody. */
export const heapGrowthBytesMax: number = 2 * 2 ** 20
/** The system gives pages back late, and the pieces of a heap do not fit together for ever. */
export const residentGrowthBytesMax: number = 24 * 2 ** 20

const samplesMin = 6

/**
 * By how much the last third of a run lies above the second one, each by its median, so that a moment with many
 * uploads under way is neither growth nor hides it. In the first third caches fill and code is compiled.
 *
 * Whatever keeps some octets of each request is seen where octets × requests of a third come to more than is
 * allowed; `leakSeen` says how few that are. What is kept once, however large, is not growth.
 */
export function growthOf(samples: readonly MemorySample[]): Growth {
  const third = Math.floor(samples.length / 3)
  if (samples.length < samplesMin)
    throw new Error(`${samples.length} samples of memory prove nothing`)
  const second = samples.slice(-2 * third, -third)
  const last = samples.slice(-third)
  const growth = (of: (sample: MemorySample) => number): number =>
    median(last.map(of)) - median(second.map(of))
  return {
    heapBytes: growth(({ heapBytes }) => heapBytes),
    residentBytes: growth(({ residentBytes }) => residentBytes),
  }
}

/** How many octets of each request could stay behind without being seen. */
export function leakSeen(requests: number): number {
  return heapGrowthBytesMax / (requests / 3)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
