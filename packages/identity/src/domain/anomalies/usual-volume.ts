import type { Tallies } from './marks.ts'
import { sumOf, withTally } from './marks.ts'

const dayMs = 24 * 3_600_000
/** So that what happens once a week is usual too. */
export const daysKept = 8
const pieces = 6

/** How much of something there is, and how much is usual. */
export interface Volume {
  readonly since: number
  /** What came of late, in pieces of the slot. */
  readonly late: Tallies
  /** The present slot of the clock and the one before: nobody knows yet whether that is usual. */
  readonly slots: readonly Slot[]
  /** The fullest slot of each of the last days. */
  readonly fullest: readonly (readonly [day: number, count: number])[]
}

type Slot = readonly [slot: number, count: number]

export interface SeenVolume {
  readonly state: Volume
  /** Within as long as a slot is. */
  readonly ofLate: number
  readonly usual: number
  /** As `ofLate`, when no sixth of the slot counts for more than this: what one says at one moment is little then. */
  readonly ofLateWith: (pieceMax: number) => number
}

export function newVolume(at: number): Volume {
  return { since: at, late: [], slots: [], fullest: [] }
}

export function seeVolume(
  volume: Volume,
  { at, times, slotMs }: { readonly at: number; readonly times: number; readonly slotMs: number },
): SeenVolume {
  const slot = Math.floor(at / slotMs)
  const known = withUsual(volume, slot, slotMs)
  const late = withTally(known.late, times, { at, windowMs: slotMs, pieces })
  const before = known.slots.find(([one]) => one === slot)?.[1] ?? 0
  const others = known.slots.filter(([one]) => one !== slot)
  return {
    state: { ...known, late, slots: [...others, [slot, before + times] as const] },
    ofLate: sumOf(late, at, slotMs),
    usual: Math.max(0, ...known.fullest.map(([, count]) => count)),
    ofLateWith: (pieceMax) => sumOf(late, at, slotMs, pieceMax),
  }
}

/** A slot is usual when another one lies behind it: a flood that goes on must not hide itself. */
function withUsual(volume: Volume, present: number, slotMs: number): Volume {
  const isOver = ([slot]: Slot): boolean => slot < present - 1
  if (!volume.slots.some(isOver)) return volume
  const fullest = new Map(volume.fullest)
  for (const [slot, count] of volume.slots.filter(isOver)) {
    const day = dayOf(slot, slotMs)
    fullest.set(day, Math.max(fullest.get(day) ?? 0, count))
  }
  const oldest = dayOf(present, slotMs) - daysKept
  return {
    ...volume,
    slots: volume.slots.filter((one) => !isOver(one)),
    fullest: [...fullest].filter(([day]) => day >= oldest),
  }
}

function dayOf(slot: number, slotMs: number): number {
  return Math.floor((slot * slotMs) / dayMs)
}
