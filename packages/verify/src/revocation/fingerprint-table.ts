import type { FingerprintWords } from '@portcullis/protocol/revocations'

/**
 * Fingerprints of one kind, exact in all 64 bits, in arrays of numbers: 12 octets a slot, and 20 where
 * floors are kept. It is cut into shards by the first bits of the fingerprint, each of which grows and is
 * swept by itself, so that no operation takes long whatever the size.
 */
export interface FingerprintTable {
  /**
   * Takes the larger of two floors and the later of two ends. `until` in milliseconds since 1970, is
   * rounded up to a whole minute; undefined for never. False when all of it was known already.
   */
  readonly join: (
    fingerprint: FingerprintWords,
    floor: number,
    until: number | undefined,
  ) => boolean
  /** The floor of an entry, 0 where none is kept; -1 when there is no entry. */
  readonly floorOf: (fingerprint: FingerprintWords) => number
  /**
   * So many entries will soon be held, or 0 when nobody knows: what grows meanwhile grows to that size and is not
   * copied again and again. Without any of them it costs nothing.
   */
  readonly expect: (entries: number) => void
  /** Looks at the next few shards, and drops from them what has ended before. */
  readonly sweep: (endedBeforeMs: number) => void
  readonly size: () => number
  /** All entries, some at a time; those of a part are of one moment. */
  readonly parts: () => Iterable<readonly HeldEntry[]>
}

export interface HeldEntry {
  readonly fingerprint: FingerprintWords
  readonly floor: number
  /** Rounded up, as it is kept; undefined for never. */
  readonly until: number | undefined
}

export const shardCount = 256
export const shardsSwept = 4

const slotsMin = 8
/** Then linear probing looks at 3 slots for what is there and at 9 for what is not, side by side. */
const loadMax = 0.75
/** Small steps: at least five eighths of the slots are taken. Doubling would leave half of them empty. */
const growth = 1.2
/** Towards what is expected, so that not all shards become large in one moment. */
const expectedGrowthMax = 8
const wordValues = 2 ** 32
const minuteMs = 60_000
/** The end of what stays for ever; the year 6053. */
const never = 2 ** 31 - 1

export function createFingerprintTable(hasFloors: boolean): FingerprintTable {
  const layout = hasFloors ? withFloors : withoutFloors
  const stride = layout.cells
  const shards: (Shard | undefined)[] = Array.from({ length: shardCount })
  let entries = 0
  let sweepAt = 0
  let expectedSlots = 0

  return {
    join: ({ high, low }, floor, until) => {
      const minute = Math.ceil((until ?? Infinity) / minuteMs)
      const entry = { high, low, floor, endMinute: Math.min(Math.max(minute, 1), never) }
      const index = shardOf(high)
      const shard = (shards[index] ??= createShard(slotsMin, layout))
      const outcome = joinEntry(shard, layout, entry)
      if (outcome !== 'added') return outcome === 'raised'
      entries += 1
      if (shard.entries > shard.slots * loadMax) {
        shards[index] = rebuilt(shard, layout, { endedBefore: 0, expectedSlots })
      }
      return true
    },
    floorOf: ({ high, low }) => {
      const shard = shards[shardOf(high)]
      if (shard === undefined) return -1
      const { cells } = shard
      const at = findCell(shard, stride, high, low)
      if (cells[at + endCell] === 0) return -1
      return hasFloors ? floorAt(cells, at) : 0
    },
    expect: (expected) => {
      const ofShard = expected / shardCount
      // Fingerprints are random: hardly a shard has more than three deviations over its share.
      expectedSlots = Math.ceil((ofShard + 3 * Math.sqrt(ofShard)) / loadMax)
    },
    sweep: (endedBeforeMs) => {
      const endedBefore = Math.floor(endedBeforeMs / minuteMs)
      for (let swept = 0; swept < shardsSwept; swept += 1) {
        const shard = shards[sweepAt]
        if (shard !== undefined && shard.firstEndMinute < endedBefore) {
          const left = rebuilt(shard, layout, { endedBefore, expectedSlots })
          entries -= shard.entries - left.entries
          shards[sweepAt] = left.entries === 0 ? undefined : left
        }
        sweepAt = (sweepAt + 1) % shardCount
      }
    },
    size: () => entries,
    *parts() {
      for (let index = 0; index < shardCount; index += 1) {
        const shard = shards[index]
        if (shard !== undefined) yield entriesOf(shard, layout)
      }
    },
  }
}

function entriesOf({ cells }: Shard, layout: Layout): readonly HeldEntry[] {
  const entries: HeldEntry[] = []
  for (let at = 0; at < cells.length; at += layout.cells) {
    const end = cells[at + endCell] ?? 0
    if (end === 0) continue
    const floor = layout.hasFloors ? floorAt(cells, at) : 0
    const until = end === never ? undefined : end * minuteMs
    const fingerprint = { high: cells[at + highCell] ?? 0, low: cells[at] ?? 0 }
    entries.push({ fingerprint, floor, until })
  }
  // In the order of the slots a smaller table would fill from one end, and each join would look at all of it.
  return entries.toSorted((one, other) => one.fingerprint.high - other.fingerprint.high)
}

/** By the first eight bits, which say nothing about the slot. */
function shardOf(high: number): number {
  return high >>> 24
}

/** The cells of a slot: low and high word, the end, and the two words of the floor. */
interface Layout {
  readonly cells: number
  readonly hasFloors: boolean
}

const withoutFloors: Layout = { cells: 3, hasFloors: false }
const withFloors: Layout = { cells: 5, hasFloors: true }
const highCell = 1
/** Minutes since 1970, from 1; a slot without an end is empty. */
const endCell = 2
const floorLowCell = 3
const floorHighCell = 4

/** Open addressing with linear probing. The cells of a slot lie together, where one look fetches them all. */
interface Shard {
  readonly cells: Int32Array
  readonly slots: number
  entries: number
  /** No entry ends before it, so a sweep can pass by. */
  firstEndMinute: number
}

interface Entry {
  readonly high: number
  readonly low: number
  readonly floor: number
  readonly endMinute: number
}

function createShard(slots: number, layout: Layout): Shard {
  const cells = new Int32Array(slots * layout.cells)
  return { cells, slots, entries: 0, firstEndMinute: never }
}

/** Where the entry is, or where it would go. The load is below one, so there always is such a slot. */
function findCell({ cells, slots }: Shard, stride: number, high: number, low: number): number {
  let at = Math.floor(((low >>> 0) / wordValues) * slots) * stride
  for (;;) {
    const held = cells[at]
    if (held === low && cells[at + highCell] === high) return at
    // An empty slot holds zeros, like half of some fingerprints.
    if (held === 0 && cells[at + endCell] === 0) return at
    at += stride
    if (at === cells.length) at = 0
  }
}

function floorAt(cells: Int32Array, at: number): number {
  return (cells[at + floorHighCell] ?? 0) * wordValues + ((cells[at + floorLowCell] ?? 0) >>> 0)
}

function joinEntry(
  shard: Shard,
  layout: Layout,
  { high, low, floor, endMinute }: Entry,
): 'added' | 'raised' | 'known' {
  const { cells } = shard
  const at = findCell(shard, layout.cells, high, low)
  const heldEnd = cells[at + endCell] ?? 0
  const isHigher = layout.hasFloors && floor > floorAt(cells, at)
  if (heldEnd >= endMinute && !isHigher) return 'known'
  cells[at] = low
  cells[at + highCell] = high
  cells[at + endCell] = Math.max(heldEnd, endMinute)
  if (isHigher) {
    cells[at + floorLowCell] = floor | 0
    cells[at + floorHighCell] = Math.floor(floor / wordValues)
  }
  if (heldEnd !== 0) return 'raised'
  shard.entries += 1
  shard.firstEndMinute = Math.min(shard.firstEndMinute, endMinute)
  return 'added'
}

/** A copy with room for more, and without what has ended. */
function rebuilt(
  { cells, slots: slotsBefore }: Shard,
  layout: Layout,
  { endedBefore, expectedSlots }: Readonly<Record<'endedBefore' | 'expectedSlots', number>>,
): Shard {
  const lives = (at: number): boolean => {
    const end = cells[at + endCell] ?? 0
    return end > 0 && end >= endedBefore
  }
  let living = 0
  for (let at = 0; at < cells.length; at += layout.cells) if (lives(at)) living += 1
  const slots = Math.ceil((living / loadMax) * growth)
  const expected = Math.min(expectedSlots, slotsBefore * expectedGrowthMax)
  const copy = createShard(Math.max(slots, slotsMin, expected), layout)
  for (let at = 0; at < cells.length; at += layout.cells) {
    if (!lives(at)) continue
    joinEntry(copy, layout, {
      low: cells[at] ?? 0,
      high: cells[at + highCell] ?? 0,
      floor: layout.hasFloors ? floorAt(cells, at) : 0,
      endMinute: cells[at + endCell] ?? 0,
    })
  }
  return copy
}
