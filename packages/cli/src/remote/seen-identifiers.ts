import { hash } from 'node:crypto'

/** Which line has named an identifier first. */
export interface SeenIdentifiers {
  /** The line that had it before; undefined when this is the first one, which is kept. */
  readonly earlierLine: (identifier: string, line: number) => number | undefined
}

const slotsAtFirst = 4096

/**
 * A table of 64 bits of each identifier's SHA-256 and its line: 12 bytes a slot, and 25 MB for a million lines
 * however long their identifiers are. That two of a million have the same bits happens once in 30 million files.
 */
export function createSeenIdentifiers(): SeenIdentifiers {
  let slots = new Uint32Array(slotsAtFirst * 3)
  let kept = 0

  const place = (high: number, low: number): number => {
    const count = slots.length / 3
    let slot = low % count
    // Line 0 does not exist: it is a free slot.
    while (slots[slot * 3 + 2] !== 0 && (slots[slot * 3] !== high || slots[slot * 3 + 1] !== low)) {
      slot = (slot + 1) % count
    }
    return slot * 3
  }
  const grow = (): void => {
    const old = slots
    slots = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += 3) {
      const [high = 0, low = 0, line = 0] = old.subarray(at, at + 3)
      if (line !== 0) slots.set([high, low, line], place(high, low))
    }
  }
  return {
    earlierLine: (identifier, line) => {
      // As text: a buffer each would pile up outside of the heap until somebody collects it.
      const digest = hash('sha256', identifier)
      const [high, low] = [Number(`0x${digest.slice(0, 8)}`), Number(`0x${digest.slice(8, 16)}`)]
      const at = place(high, low)
      const earlier = slots[at + 2] ?? 0
      if (earlier !== 0) return earlier
      slots.set([high, low, line], at)
      kept += 1
      if (kept * 3 > slots.length / 2) grow()
      return undefined
    },
  }
}
