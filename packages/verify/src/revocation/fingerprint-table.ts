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
  /** Looks at the next few shards, and drops from them what has ended before. */
  readonly sweep: (endedBeforeMs: number) => void
  readonly size: () => number
}

export const shardCount = 256
export const shardsSwept = 4

const slotsMin = 8
/** Then linear probing looks at 3 slots for what is there and at 13 for what is not, side by side. */
const loadMax = 0.8
/** Small steps: from 64 % to 80 % of the slots are taken. Doubling would leave half of them empty. */
const growth = 1.25
const wordValues = 2 ** 32
const minuteMs = 60_000
const never = wordValues - 1

export function createFingerprintTable(hasFloors: boolean): FingerprintTable {
  const shards: (Shard | undefined)[] = Array.from({ length: shardCount })
  let entries = 0
  let sweepAt = 0

  return {
    join: ({ high, low }, floor, until) => {
      const endMinute = Math.min(Math.max(Math.ceil((until ?? Infinity) / minuteMs), 1), never)
      const index = shardOf(high)
      const shard = (shards[index] ??= createShard(slotsMin, hasFloors))
      const outcome = joinEntry(shard, high, low, floor, endMinute)
      if (outcome !== 'added') return outcome === 'raised'
      entries += 1
      if (shard.entries > shard.lows.length * loadMax) {
        shards[index] = rebuilt(shard, 0)
      }
      return true
    },
    floorOf: ({ high, low }) => {
      const shard = shards[shardOf(high)]
      if (shard === undefined) return -1
      const slot = slotOf(shard, high, low)
      return shard.endMinutes[slot] === 0 ? -1 : (shard.floors?.[slot] ?? 0)
    },
    sweep: (endedBeforeMs) => {
      const endedBefore = Math.floor(endedBeforeMs / minuteMs)
      for (let swept = 0; swept < shardsSwept; swept += 1) {
        const shard = shards[sweepAt]
        if (shard !== undefined && shard.firstEndMinute < endedBefore) {
          const left = rebuilt(shard, endedBefore)
          entries -= shard.entries - left.entries
          shards[sweepAt] = left.entries === 0 ? undefined : left
        }
        sweepAt = (sweepAt + 1) % shardCount
      }
    },
    size: () => entries,
  }
}

/** By the first eight bits, which say nothing about the slot. */
function shardOf(high: number): number {
  return high >>> 24
}

/** Open addressing with linear probing; a slot without an end is empty. */
interface Shard {
  readonly lows: Int32Array
  readonly highs: Int32Array
  /** Minutes since 1970, from 1. */
  readonly endMinutes: Uint32Array
  readonly floors: Float64Array | undefined
  entries: number
  /** No entry ends before it, so a sweep can pass by. */
  firstEndMinute: number
}

function createShard(slots: number, hasFloors: boolean): Shard {
  return {
    lows: new Int32Array(slots),
    highs: new Int32Array(slots),
    endMinutes: new Uint32Array(slots),
    floors: hasFloors ? new Float64Array(slots) : undefined,
    entries: 0,
    firstEndMinute: never,
  }
}

/** Where the entry is, or where it would go. The load is below one, so there always is such a slot. */
function slotOf({ lows, highs, endMinutes }: Shard, high: number, low: number): number {
  const slots = lows.length
  let slot = Math.floor(((low >>> 0) / wordValues) * slots)
  while (lows[slot] !== low || highs[slot] !== high) {
    // An empty slot holds zeros, like half of some fingerprints.
    if (lows[slot] === 0 && endMinutes[slot] === 0) break
    slot = slot + 1 === slots ? 0 : slot + 1
  }
  return slot
}

function joinEntry(
  shard: Shard,
  high: number,
  low: number,
  floor: number,
  endMinute: number,
): 'added' | 'raised' | 'known' {
  const { lows, highs, endMinutes, floors } = shard
  const slot = slotOf(shard, high, low)
  const heldEnd = endMinutes[slot] ?? 0
  const heldFloor = floors?.[slot] ?? 0
  const isHigher = floors !== undefined && floor > heldFloor
  if (heldEnd >= endMinute && !isHigher) return 'known'
  lows[slot] = low
  highs[slot] = high
  endMinutes[slot] = Math.max(heldEnd, endMinute)
  if (isHigher) floors[slot] = floor
  if (heldEnd !== 0) return 'raised'
  shard.entries += 1
  shard.firstEndMinute = Math.min(shard.firstEndMinute, endMinute)
  return 'added'
}

/** A copy with room for more, and without what has ended. */
function rebuilt(shard: Shard, endedBefore: number): Shard {
  const { lows, highs, endMinutes, floors } = shard
  const living = endMinutes.reduce((sum, end) => (end > 0 && end >= endedBefore ? sum + 1 : sum), 0)
  const slots = Math.ceil((living / loadMax) * growth)
  const copy = createShard(Math.max(slots, slotsMin), floors !== undefined)
  for (let slot = 0; slot < lows.length; slot += 1) {
    const end = endMinutes[slot] ?? 0
    if (end === 0 || end < endedBefore) continue
    joinEntry(copy, highs[slot] ?? 0, lows[slot] ?? 0, floors?.[slot] ?? 0, end)
  }
  return copy
}
