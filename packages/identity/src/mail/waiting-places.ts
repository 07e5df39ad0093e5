/** On whose account a mail is sent: of people who have shown who they are, or of everybody else. */
export type Cause = 'known' | 'strangers'

/** Room for one mail until it is sent or given up. */
export interface Place {
  readonly free: () => void
}

export interface WaitingPlaces {
  /** Undefined when all are taken. */
  readonly take: (cause: Cause) => Place | undefined
}

/** Strangers have half of the places, so that no flood of theirs takes those of an administrator. */
export function createWaitingPlaces(max: number): WaitingPlaces {
  const strangersMax = Math.floor(max / 2)
  const taken: Record<Cause, number> = { known: 0, strangers: 0 }
  return {
    take: (cause) => {
      const isShareTaken = cause === 'strangers' && taken.strangers >= strangersMax
      if (isShareTaken || taken.known + taken.strangers >= max) return undefined
      taken[cause] += 1
      return {
        free: () => {
          taken[cause] -= 1
        },
      }
    },
  }
}

export type Turnstile = <Result>(cause: Cause, job: () => Promise<Result>) => Promise<Result>

/** Lets so many through at once; the others wait in line, and those who are known are always next. */
export function createTurnstile(runningMax: number): Turnstile {
  const waiting: Readonly<Record<Cause, (() => void)[]>> = { known: [], strangers: [] }
  let running = 0
  return async (cause, job) => {
    if (running >= runningMax) await new Promise<void>((resolve) => waiting[cause].push(resolve))
    else running += 1
    try {
      return await job()
    } finally {
      const next = waiting.known.shift() ?? waiting.strangers.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
