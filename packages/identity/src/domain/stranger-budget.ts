/**
 * How many tries strangers have on this node, whoever they are and whatever accounts they try: a distributed
 * attack stays below every other bound. It is kept in memory, because one row that every try writes would be
 * what an attack wears out first; so several nodes allow that many each, and a restart begins anew.
 */
export interface StrangerBudget {
  /** Takes one place before the try, so that of many at once no more get in than there are places. */
  readonly take: () => boolean
  /** The try was no stranger's, was right, or was not made. */
  readonly giveBack: () => void
  readonly retryAfterSeconds: () => number
}

const minuteMs = 60_000

/** A place that was taken comes back by the clock: `perMinute` of them in every minute. */
export function createStrangerBudget(perMinute: number, now: () => number): StrangerBudget {
  let taken = 0
  let at = now()
  const release = (): void => {
    const time = now()
    // A clock that is put back gives nothing back.
    taken = Math.max(0, taken - (Math.max(0, time - at) * perMinute) / minuteMs)
    at = time
  }
  return {
    take: () => {
      release()
      if (taken + 1 > perMinute) return false
      taken += 1
      return true
    },
    giveBack: () => {
      taken = Math.max(0, taken - 1)
    },
    retryAfterSeconds: () => {
      release()
      const untilFreeMs = ((taken + 1 - perMinute) * minuteMs) / perMinute
      return Math.max(1, Math.ceil(untilFreeMs / 1000))
    },
  }
}
