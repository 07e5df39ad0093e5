/** A clock that stands still until it is told to move. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly advanceSeconds: (seconds: number) => void
}

export function createClock(startMs: number = Date.now()): Clock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advanceSeconds: (seconds) => {
      nowMs += seconds * 1000
    },
  }
}
