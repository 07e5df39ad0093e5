/**
 * Time and chance, as the parts of a verifier ask for them: so that they can also live in a world whose hours
 * pass in milliseconds, and where each chance can be had again.
 */
export interface Timers {
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  /** From 0 up to 1 and without it. */
  readonly random: () => number
  /** Calls once, so much later, and keeps no process alive for it. Answers how to call it off. */
  readonly schedule: (callback: () => void, ms: number) => () => void
  /** Calls as soon as what waits already has had its turn. Answers how to call it off. */
  readonly yieldTurn: (callback: () => void) => () => void
}

export const processTimers: Timers = {
  monotonic: () => performance.now(),
  random: () => Math.random(),
  schedule: (callback, ms) => {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
  yieldTurn: (callback) => {
    const turn = setImmediate(callback)
    return () => clearImmediate(turn)
  },
}

/** Until so much has passed, or the signal aborts. */
export async function pause({ schedule }: Timers, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = (): void => resolve()
  signal.addEventListener('abort', wake)
  const cancel = schedule(wake, ms)
  if (signal.aborted) wake()
  await promise
  cancel()
  signal.removeEventListener('abort', wake)
}
