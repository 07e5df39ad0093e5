import { setImmediate } from 'node:timers/promises'
import type { Timers } from '../src/timers.ts'

/** A time in which an hour passes as soon as nothing is left to do in it, and the same chances come each time. */
export interface VirtualTime {
  /** Milliseconds since it began. */
  readonly now: () => number
  readonly timers: Timers
  /** Lets everything happen up to this moment, one thing after the other. */
  readonly passUntil: (ms: number) => Promise<void>
}

interface Entry {
  readonly atMs: number
  readonly callback: () => void
}

export function createVirtualTime(seed: number): VirtualTime {
  const entries = new Set<Entry>()
  let nowMs = 0
  let state = seed

  const schedule: Timers['schedule'] = (callback, ms) => {
    // A clock shows whole milliseconds.
    const entry = { atMs: nowMs + Math.max(0, Math.ceil(ms)), callback }
    entries.add(entry)
    return () => void entries.delete(entry)
  }
  // A Set keeps the order in which they came.
  const first = (): Entry | undefined => {
    let found: Entry | undefined
    for (const entry of entries) if (found === undefined || entry.atMs < found.atMs) found = entry
    return found
  }

  return {
    now: () => nowMs,
    timers: {
      monotonic: () => nowMs,
      // Mulberry32.
      random: () => {
        state = (state + 0x6d2b79f5) | 0
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
      },
      schedule,
      yieldTurn: (callback) => schedule(callback, 0),
    },
    passUntil: async (ms) => {
      await settled()
      for (let next = first(); next !== undefined && next.atMs <= ms; next = first()) {
        entries.delete(next)
        nowMs = Math.max(nowMs, next.atMs)
        next.callback()
        await settled()
      }
      nowMs = Math.max(nowMs, ms)
    },
  }
}

/** What waits for no time has gone on: promises, and streams in memory. */
async function settled(): Promise<void> {
  await setImmediate()
  await setImmediate()
}
