/** When calls are passed on. */
export interface CallTimes {
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  /** Calls once, so much later. Answers how to call it off. */
  readonly schedule: (callback: () => void, ms: number) => () => void
}

/** The first call is passed on at once, and those that come too soon after it together. */
export function passOnAtMostEvery(
  gapMs: number,
  pass: () => void,
  { monotonic, schedule }: CallTimes,
): { readonly call: () => void; readonly stop: () => void } {
  let passedAtMs = -Infinity
  let cancel: (() => void) | undefined
  const passNow = (): void => {
    cancel = undefined
    passedAtMs = monotonic()
    pass()
  }
  return {
    call: () => {
      if (cancel !== undefined) return
      const waitMs = passedAtMs + gapMs - monotonic()
      if (waitMs <= 0) passNow()
      else cancel = schedule(passNow, waitMs)
    },
    stop: () => cancel?.(),
  }
}
