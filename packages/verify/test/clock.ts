/** A clock that stands still until it is told to move. */
export interface Clock {
  readonly now: () => number
  readonly advanceSeconds: (seconds: number) => void
}

export function createClock(): Clock {
  let now = Date.UTC(2026, 5, 1, 12)
  return {
    now: () => now,
    advanceSeconds: (seconds) => {
      now += seconds * 1000
    },
  }
}
