import type { Timers } from '../timers.ts'
import type { Warn } from '../warnings.ts'

/** How often since the start. */
export interface FeedCounts {
  framesApplied: number
  /** Older than what was known: repeats, mostly. */
  framesLate: number
  /** Not by the issuer, or not what comes next in the log. Each ends its stream. */
  framesRefused: number
  snapshotsJoined: number
  snapshotsRefused: number
  /** Older than what was known. What they hold is known from then on; their place in the log is not gone back to. */
  snapshotsLate: number
  /** Streams that were begun: all but the first are reconnects. */
  streams: number
}

export interface FeedTally {
  readonly counts: FeedCounts
  /** Counts what was not believed, and tells the operator, once a minute at most. */
  readonly refuse: (what: FeedPart, why: string) => void
  /** The same for what is older than what is known: it was on its way for long, or somebody has played it back. */
  readonly passOver: (what: FeedPart) => void
}

type FeedPart = 'frame' | 'snapshot'

const toldMs = 60_000

export function createFeedTally(
  issuer: string,
  { monotonic }: Pick<Timers, 'monotonic'>,
  warn: Warn,
): FeedTally {
  const counts: FeedCounts = {
    framesApplied: 0,
    framesLate: 0,
    framesRefused: 0,
    snapshotsJoined: 0,
    snapshotsRefused: 0,
    snapshotsLate: 0,
    streams: 0,
  }
  const quietUntilMs = new Map<keyof FeedCounts, number>()

  function tell(counted: keyof FeedCounts, what: FeedPart, how: string): void {
    const count = (counts[counted] += 1)
    if (monotonic() < (quietUntilMs.get(counted) ?? -Infinity)) return
    quietUntilMs.set(counted, monotonic() + toldMs)
    const message = `the revocation feed of ${issuer} brought a ${what} that is ${how} (number ${count})`
    warn({ code: 'PORTCULLIS_REVOCATION_FEED', message })
  }

  return {
    counts,
    refuse: (what, why) => tell(`${what}sRefused`, what, `refused: ${why}`),
    passOver: (what) => tell(`${what}sLate`, what, 'older than what is known'),
  }
}
