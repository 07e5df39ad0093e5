/** Choices that a seed repeats. What the processes make of them, the machine decides. */
export interface Chance {
  /** A whole number from `least` to `most`, both included. */
  readonly integer: (least: number, most: number) => number
  readonly pick: <Item>(items: readonly [Item, ...Item[]]) => Item
  /** True in one of so many cases. */
  readonly oneIn: (count: number) => boolean
}

const mixStep = 0x6d2b79f5
const integerRange = 2 ** 32

/** Mulberry32: small, even enough for a plan, and no source of secrets. */
export function createChance(seed: number): Chance {
  let state = seed % integerRange
  const fraction = (): number => {
    state = (state + mixStep) % integerRange
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / integerRange
  }
  const integer = (least: number, most: number): number =>
    least + Math.floor(fraction() * (most - least + 1))
  return {
    integer,
    pick: (items) => items[integer(0, items.length - 1)] ?? items[0],
    oneIn: (count) => integer(1, count) === 1,
  }
}
