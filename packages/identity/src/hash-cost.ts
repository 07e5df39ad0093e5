import { StartError } from '@portcullis/runtime'

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

/** Refuses, as a `StartError`, what is weaker than OWASP's minimum or beyond what a login can wait for. */
export function requireHashCost(cost: HashCost): HashCost {
  const { memoryKib, passes, lanes } = cost
  const needed = memoryKibMin.find(([from]) => passes >= from)?.[1]
  const isStrong = needed !== undefined && memoryKib >= needed && lanes >= 1
  const isWhole = [memoryKib, passes, lanes].every((value) => Number.isInteger(value))
  if (isStrong && isWhole && isWithin(cost, hashCostMax)) return cost
  throw new StartError(
    `passwords cannot be hashed with ${memoryKib} KiB, ${passes} passes and ${lanes} lanes`,
    'Take at least 19456 KiB with 2 passes, or less memory with more passes: 12288 with 3, 9216 with 4, ' +
      '7168 with 5; at most 262144 KiB, 16 lanes, and 1048576 KiB times passes.',
  )
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
