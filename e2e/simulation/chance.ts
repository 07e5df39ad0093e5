/** Chance that comes again: the same seed gives the same row of numbers on every machine. */
export interface Chance {
  /** From 0 up to 1 and without it. */
  readonly next: () => number
  /** A whole number from the first to the last, both among them. */
  readonly between: (first: number, last: number) => number
  /** True so often, of one. */
  readonly happens: (probability: number) => boolean
  readonly oneOf: <Some>(some: readonly Some[]) => Some
  readonly bytes: (size: number) => Buffer
}

/** Mulberry32: small, quick, and good enough for choosing what goes wrong. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const next = (): number => word() / 2 ** 32
  const between = (first: number, last: number): number =>
    first + Math.floor(next() * (last - first + 1))
  return {
    next,
    between,
    happens: (probability) => next() < probability,
    oneOf: (some) => {
      const chosen = some[between(0, some.length - 1)]
      if (chosen === undefined) throw new TypeError('there is nothing to choose from')
      return chosen
    },
    bytes: (size) => {
      const bytes = Buffer.alloc(size)
      for (let at = 0; at < size; at += 1) bytes[at] = word() & 0xff
      return bytes
    },
  }
}

/** A seed for one of many that belong together. */
export function seedOf(...parts: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const part of parts) {
    hash = Math.imul(hash ^ (part | 0), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995)
  }
  return hash >>> 0
}
