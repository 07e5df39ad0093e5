import type {
  Chain,
  RevocationKind,
  RevocationPosition,
  RevocationRecord,
} from '@portcullis/protocol/revocations'

/** Something that is taken back, in terms of the store; the log makes a record of it. */
export interface Revocation {
  readonly kind: RevocationKind
  /** The `sid`, `sub`, `client_id`, `jti` or `kid`. */
  readonly key: string
  /** The lowest generation that stays good; 0 for the kinds that have none. */
  readonly floor: number
}

/** The end of the log at one moment. */
export interface LogHead extends RevocationPosition {
  readonly chain: Chain
  /** Milliseconds since 1970; never goes back. */
  readonly at: number
  /** The kids of every signing key that lives. */
  readonly kids: readonly string[]
}

export interface LogExcerpt {
  readonly head: LogHead
  /** In the order of `seq`. */
  readonly records: readonly RevocationRecord[]
}

/** What the feed reads. Both halves of an excerpt are from one moment. */
export interface RevocationLog {
  /** The end of the log, by a durable write: a store that has lost its primary cannot answer this. */
  readonly checkpoint: () => Promise<LogHead>
  /** The end of the log as it was read, like that of an excerpt: it vouches for nothing behind its `at`. */
  readonly head: () => Promise<LogHead>
  /** Everything behind a place in the present epoch that was not forgotten since: see `isDenseFrom`. */
  readonly since: (seq: number) => Promise<LogExcerpt>
  /**
   * Everything whose tokens may still be alive, behind a position when one is given, in slices: a great many at once
   * would hold up everything else. Answers the head that covers them, by a durable write that is made when nearly all
   * were taken. Undefined in another epoch than that of the position, or when one began meanwhile, or when a server has
   * answered that was left behind: what was taken is of no log then.
   */
  readonly inForce: (
    take: (records: readonly RevocationRecord[]) => void,
    after?: RevocationPosition,
  ) => Promise<LogHead | undefined>
  /** Calls the listener whenever new records are durable, and mostly for those of other nodes. Answers how to stop that. */
  readonly onRevoked: (listener: () => void) => () => void
}

/** Makes room where records are too old to concern any token (docs/feed-format.md). */
export interface RevocationCompaction {
  /** Removes a bounded number of them, and answers how many they were. */
  readonly compact: () => Promise<number>
}

/** Whether nothing is missing between this place and the head: records that are past their life are not kept for ever. */
export function isDenseFrom({ head, records }: LogExcerpt, seq: number): boolean {
  return head.seq - seq === records.length
}
