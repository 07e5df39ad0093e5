import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { NewLink } from './account-links.ts'
import type { Decision } from './accounts.ts'
import type { AttributeChanges, Attributes } from './attributes.ts'

export interface NewAccountRow {
  readonly id: string
  readonly identifier: string
  readonly passwordHash: string
  readonly email: string | undefined
  readonly roles: readonly string[]
  readonly attributes: Attributes
  readonly isUnconfirmed: boolean
  /** Who made it, when that was not its owner. */
  readonly actor?: string
  readonly reason?: string | undefined
  /** With which its owner chooses the first password. */
  readonly link?: SentLink | undefined
}

/** A link that is sent whatever the pace of mails. */
export type SentLink = Pick<NewLink, 'tokenHash' | 'lifeMs'>

export type RolesOutcome =
  /** The position is new when a role was taken away, and the present one else. */
  | { readonly kind: 'changed'; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  /** Nobody would be left who could give the role to anybody. */
  | { readonly kind: 'last-administrator' }

export interface ProfileChange extends Decision {
  readonly attributes: AttributeChanges
  /** Undefined leaves it; null takes it away. */
  readonly email: string | null | undefined
  /** Attributes that stand in tokens: when one of them loses its value, so do the tokens. */
  readonly attributesInClaims: ReadonlySet<string>
}

export type ProfileOutcome =
  | {
      readonly kind: 'changed'
      readonly attributes: Attributes
      readonly email: string | undefined
      readonly position: RevocationPosition
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'attributes-too-large' }

export interface Deletion {
  readonly accountId: string
  /** The owner's own: the hash that the password was checked against, which must still be there. */
  readonly checkedHash?: string
  readonly actor?: string
  readonly reason?: string
}

export type DeletionOutcome =
  | { readonly kind: 'deleted'; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'last-administrator' }

export interface ForcedReset extends Decision {
  /** Of no password: the present one is good for nothing from now on. */
  readonly unmatchableHash: string
  readonly link: SentLink
}

export type ForcedResetOutcome =
  | { readonly kind: 'reset'; readonly email: string; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  /** The account has no address to send a link to; nothing was changed. */
  | { readonly kind: 'no-email' }
  | { readonly kind: 'last-administrator' }

/** What becomes of accounts. Each is one atomic change with its event, and with its record where it revokes. */
export interface AccountAdministration {
  readonly create: (
    account: NewAccountRow,
  ) => Promise<{ readonly kind: 'created' } | { readonly kind: 'taken' }>
  readonly setRoles: (decision: Decision, roles: readonly string[]) => Promise<RolesOutcome>
  readonly changeProfile: (change: ProfileChange) => Promise<ProfileOutcome>
  /**
   * Ends everything and forgets everything but the id, which is never given again: events go on pointing to
   * it. The identifier is free for somebody else.
   */
  readonly delete: (deletion: Deletion) => Promise<DeletionOutcome>
  /** Ends every session by somebody else's decision. Undefined when there is no such account. */
  readonly logOut: (decision: Decision) => Promise<RevocationPosition | undefined>
  readonly forceReset: (reset: ForcedReset) => Promise<ForcedResetOutcome>
}
