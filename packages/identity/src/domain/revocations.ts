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
  /** The end of the log as it was read: good for comparing, not for vouching. */
  readonly head: () => Promise<LogHead>
  /** Everything behind a place in the present epoch. */
  readonly since: (seq: number) => Promise<LogExcerpt>
  /** Everything whose tokens may still be alive. A durable write as well. */
  readonly inForce: () => Promise<LogExcerpt>
  /** Calls the listener whenever new records are durable. Answers how to stop that. */
  readonly onRevoked: (listener: () => void) => () => void
}
