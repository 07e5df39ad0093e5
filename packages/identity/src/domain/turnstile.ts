/**
 * For whom something scarce is done: for people whom login protection knows, or who have shown who they are; or for
 * everybody else. Strangers have a share of what there is, so that no flood of theirs takes all of it.
 */
export type Asker = 'known' | 'strangers'

/** How many of so many places strangers may have. */
export function shareOfStrangers(places: number): number {
  return Math.floor(places / 2)
}

export interface Turnstile {
  readonly pass: <Result>(asker: Asker, job: () => Promise<Result>) => Promise<Result>
  readonly running: () => number
  readonly waiting: (asker: Asker) => number
}

/** Lets so many through at once; the others wait in line, and those who are known are always next. */
export function createTurnstile(runningMax: number): Turnstile {
  const lines: Readonly<Record<Asker, (() => void)[]>> = { known: [], strangers: [] }
  let running = 0
  return {
    pass: async (asker, job) => {
      if (running >= runningMax) await new Promise<void>((resolve) => lines[asker].push(resolve))
      else running += 1
      try {
        return await job()
      } finally {
        // The place goes straight to the next in line, so `running` changes only when nobody waits.
        const next = lines.known.shift() ?? lines.strangers.shift()
        if (next === undefined) running -= 1
        else next()
      }
    },
    running: () => running,
    waiting: (asker) => lines[asker].length,
  }
}
