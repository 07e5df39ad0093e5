/** The 22nd of November 2026, 03:30:15 UTC and 678 milliseconds. */
export const startMs: number = Date.UTC(2026, 10, 22, 3, 30, 15, 678)

/** A clock that stands still until it is told to move. */
export interface ChosenClock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly advanceMs: (ms: number) => void
}

export function createChosenClock(): ChosenClock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advanceMs: (ms) => {
      nowMs += ms
    },
  }
}
