import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Actor, Superseded } from './actors.ts'

/** One decision about many accounts. An id that comes twice counts once. */
export interface BulkDecision {
  readonly accountIds: readonly string[]
  readonly actor: Actor
  readonly reason: string
}

/**
 * What has become of one of them. `blocked`: also when it was already. `last-administrator`: it was left as it is,
 * because nobody would be left who could unblock anybody.
 */
export type BulkFate = 'ended' | 'blocked' | 'unknown' | 'last-administrator'

export type BulkOutcome =
  | {
      readonly kind: 'decided'
      /** In the order of the decision. */
      readonly fates: ReadonlyMap<string, BulkFate>
      /** Covers all of it. */
      readonly position: RevocationPosition
    }
  | Superseded

/**
 * Decisions about many accounts, each of them one atomic change: it is made for all, or for none when it fails. An
 * event and a record for every account that changes, as if it had been decided alone.
 */
export interface BulkAdministration {
  readonly logOut: (decision: BulkDecision) => Promise<BulkOutcome>
  /** Whichever administrators are among them, one who can decide stays: the one who decides this, if he can. */
  readonly block: (decision: BulkDecision) => Promise<BulkOutcome>
}
