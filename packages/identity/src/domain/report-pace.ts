/** How a fleet spreads its reports. */
export interface ReportPace {
  /** A report of something new waits for a random part of this, and goes with what is newest then. */
  readonly spreadMs: number
  /** At the latest by then a follower reports again, new or not. */
  readonly everyMs: number
}

const spreadMsOfOne = 10
const spreadMsMax = 20_000
const everyMsOfOne = 30
const everyMsMin = 10_000
const everyMsMax = 50_000

/** Where something is revoked all the time, each of a large fleet reports each `spreadMs / 2` and a second. */
export function reportPace(followers: number): ReportPace {
  return {
    spreadMs: Math.min(followers * spreadMsOfOne, spreadMsMax),
    everyMs: Math.min(Math.max(followers * everyMsOfOne, everyMsMin), everyMsMax),
  }
}
