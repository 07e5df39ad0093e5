/** Where true time begins, so that clocks show a date of our days. */
export const beginsAt: number = Date.UTC(2026, 5, 1, 12)

/** A clock that shows true time and what is wrong with it. */
export interface Clock {
  readonly read: () => number
  readonly stepMs: (ms: number) => void
  /** Ahead of true time by so much. */
  readonly aheadMs: () => number
  readonly set: (aheadMs: number) => void
}
