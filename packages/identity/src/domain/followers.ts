import type { RevocationPosition } from '@portcullis/protocol/revocations'

/** How far a follower of the revocation feed says it has come. */
export interface PositionReport {
  /** Empty for one that followed a feed on loopback without a client. */
  readonly clientId: string
  /** One process of the client: 128 random bits of its own choice, base64url. */
  readonly follower: string
  readonly position: RevocationPosition
  /** How long before the report it came there, by the follower's own count. */
  readonly appliedMsAgo: number
  /** For how long it goes on without the feed; undefined for one that never stops. */
  readonly maxStalenessMs: number | undefined
  readonly software?: FollowerSoftware | undefined
  /** How long before the report its newest checkpoint was made, by its own count. */
  readonly checkpointMsAgo?: number | undefined
}

/** What follows, in its own words. */
export interface FollowerSoftware {
  /** `verify`, `gateway`, `relay`, or what another implementation calls itself. */
  readonly name: string
  readonly version: string | undefined
}

/** A follower that has reported a short while ago. Times are of the store's clock, in milliseconds since 1970. */
export interface Follower {
  readonly clientId: string
  readonly follower: string
  readonly position: RevocationPosition
  readonly appliedAt: number
  readonly reportedAt: number
  readonly maxStalenessMs: number | undefined
  readonly software?: FollowerSoftware | undefined
  /** When its newest checkpoint was made, as it said in its last report. */
  readonly checkpointAt?: number | undefined
}

export interface FollowerPage {
  readonly limit: number
  readonly after: FollowerKey | undefined
}

export type FollowerKey = Pick<Follower, 'clientId' | 'follower'>

export interface FollowerStore {
  /** `ahead`: the log has not come there, and nothing was kept. */
  readonly report: (report: PositionReport) => Promise<'kept' | 'ahead'>
  /** It has ended, and accepts nothing any more. */
  readonly leave: (follower: FollowerKey) => Promise<void>
  readonly list: (page: FollowerPage) => Promise<readonly Follower[]>
  /** Takes away a bounded number of reports that nobody needs any more, and answers how many they were. */
  readonly forget: () => Promise<number>
}

/**
 * A follower that was silent for so long is taken for ended: it reports once in `everyMsMax` and
 * `spreadMsMax`, so it has missed one by then and the next.
 */
export const followerLiveMs = 150_000

/** How far clocks may be apart (docs/feed-format.md): a follower measures its staleness by its own. */
export const clockDifferenceMsMax = 5_000

/** The longest that a follower may choose to be without the feed, and what is counted for one that never stops. */
export const maxStalenessMsMax = 3_600_000
