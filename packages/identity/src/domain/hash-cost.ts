/** What a new argon2id hash costs (RFC 9106, section 3.1). */
export interface HashCost {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane; about 20 ms on a 2026 core. */
export const defaultHashCost: HashCost = { memoryKib: 19_456, passes: 2, lanes: 1 }

/**
 * The most that is ever run, for hashes from elsewhere as well: two checks at once take half a GiB, and one
 * with 1 GiB written in all takes about a second.
 */
export const hashCostMax: HashCost & { readonly writtenKib: number } = {
  memoryKib: 256 * 1024,
  passes: 64,
  lanes: 16,
  writtenKib: 1024 * 1024,
}

/** OWASP's equivalents: what is saved in memory must be given in passes. */
const memoryKibMin: readonly (readonly [passes: number, memoryKib: number])[] = [
  [5, 7168],
  [4, 9216],
  [3, 12_288],
  [2, 19_456],
  [1, 47_104],
]

/** What is wrong with a cost that is weaker than OWASP's minimum or beyond what a login can wait for. */
export function hashCostFault(cost: HashCost): string | undefined {
  const needed = memoryKibMin.find(([from]) => cost.passes >= from)?.[1]
  if (needed === undefined || cost.memoryKib < needed) {
    return (
      "is weaker than OWASP's minimum: take at least 19456 KiB with 2 passes, or less memory with more passes " +
      '(12288 with 3, 9216 with 4, 7168 with 5)'
    )
  }
  return isWithin(cost, hashCostMax)
    ? undefined
    : `is more than a login can wait for: take at most ${hashCostMax.memoryKib} KiB, ` +
        `${hashCostMax.lanes} lanes, and ${hashCostMax.writtenKib} KiB times passes`
}

export function isWithin({ memoryKib, passes, lanes }: HashCost, max: typeof hashCostMax): boolean {
  return (
    memoryKib <= max.memoryKib &&
    passes <= max.passes &&
    lanes <= max.lanes &&
    memoryKib * passes <= max.writtenKib
  )
}

/** Whether a hash of the first cost is weaker than one of the second in anything. */
export function isWeaker(one: HashCost, other: HashCost): boolean {
  return one.memoryKib < other.memoryKib || one.passes < other.passes || one.lanes < other.lanes
}
