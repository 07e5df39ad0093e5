import type { Severity } from './anomalies/rules.ts'

/** How many there are of what an overview shows. */
export interface Census {
  /** When it was counted, in milliseconds since 1970. */
  readonly countedAt: number
  readonly accounts: number
  readonly accountsBlocked: number
  readonly sessionsLive: number
  readonly clients: number
  readonly followersLive: number
  /** By their severity, of those that were seen within a day. */
  readonly anomaliesLastDay: Readonly<Record<Severity, number>>
}

export interface CensusParts {
  readonly count: () => Promise<Omit<Census, 'countedAt'>>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  readonly pause: (ms: number) => Promise<unknown>
}

const everyMsMin = 5000
/** A count of a million takes seconds: it is repeated after so many times as long as it took. */
const restOfCount = 20
/** An overview waits so long for what it may also show later. */
const patienceMs = 1000

/**
 * Counts when somebody asks, and the same for all who ask meanwhile. Answers what is there by then: an older count, or
 * none when the first one takes longer than somebody waits.
 */
export function createCensus({
  count,
  now,
  monotonic,
  pause,
}: CensusParts): () => Promise<Census | undefined> {
  let latest: Census | undefined
  let dueAt = -Infinity
  let underWay: Promise<void> | undefined
  const countOnce = async (): Promise<void> => {
    const [countedAt, begunAt] = [now(), monotonic()]
    latest = { ...(await count()), countedAt }
    const tookMs = monotonic() - begunAt
    dueAt = monotonic() + Math.max(everyMsMin, restOfCount * tookMs)
  }
  return async () => {
    if (monotonic() < dueAt) return latest
    underWay ??= countOnce().finally(() => (underWay = undefined))
    // Told to whoever waits for it, and to nobody else.
    underWay.catch(() => undefined)
    await Promise.race([underWay, pause(patienceMs)])
    return latest
  }
}
