import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { NewLink } from './account-links.ts'
import type { Decision, EndedSessions } from './accounts.ts'
import type { Actor, Superseded } from './actors.ts'
import type { AttributeChanges, Attributes } from './attributes.ts'
import type { Caller } from './sessions.ts'

export interface NewAccountRow {
  readonly id: string
  readonly identifier: string
  /** Or `noPasswordHash`. */
  readonly passwordHash: string
  readonly email: string | undefined
  readonly roles: readonly string[]
  readonly attributes: Attributes
  readonly isUnconfirmed: boolean
}

/** Who makes an account for somebody else. */
export interface CreationDecision {
  readonly actor: Actor
  readonly reason?: string | undefined
  /** With which its owner chooses the first password. */
  readonly link?: SentLink | undefined
}

export type CreatedAccount = { readonly kind: 'created' } | { readonly kind: 'taken' }

/** A link that is sent whatever the pace of mails. */
export type SentLink = Pick<NewLink, 'tokenHash' | 'lifeMs'>

export type RolesOutcome =
  /** Undefined when roles were only added: tokens from before hold. The present one when these were its roles. */
  | { readonly kind: 'changed'; readonly position: RevocationPosition | undefined }
  | { readonly kind: 'unknown' }
  /** Nobody would be left who could give the role to anybody. */
  | { readonly kind: 'last-administrator' }
  | Superseded

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
      /** The address that it had, when it has another one or none now. */
      readonly formerEmail: string | undefined
      /** Undefined when no token says what does not hold any more. The present one when nothing was to be changed. */
      readonly position: RevocationPosition | undefined
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'attributes-too-large' }
  | Superseded

export interface OwnDeletion {
  readonly caller: Caller
  /** The hash that the password was checked against, which must still be there. */
  readonly checkedHash: string
}

export type DeletionOutcome =
  | { readonly kind: 'deleted'; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'last-administrator' }
  | Superseded

export type LogOutOutcome =
  | { readonly kind: 'ended'; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  | Superseded

/** The present password is good for nothing from now on, and another is chosen by the link. */
export interface ForcedReset extends Decision {
  readonly link: SentLink
}

export type ForcedResetOutcome =
  | { readonly kind: 'reset'; readonly email: string; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  /** The account has no address to send a link to; nothing was changed. */
  | { readonly kind: 'no-email' }
  | { readonly kind: 'last-administrator' }
  | Superseded

/**
 * What becomes of accounts. Each is one atomic change with its event, and with its record where it revokes, and
 * is refused as `superseded` when whoever decided may not do so any more by then.
 */
export interface AccountAdministration {
  /** By its owner. */
  readonly create: (account: NewAccountRow) => Promise<CreatedAccount>
  /** By somebody else. An account that nobody has confirmed gives way, and its links die. */
  readonly createFor: (
    account: NewAccountRow,
    decision: CreationDecision,
  ) => Promise<CreatedAccount | Superseded>
  readonly setRoles: (decision: Decision, roles: readonly string[]) => Promise<RolesOutcome>
  readonly changeProfile: (change: ProfileChange) => Promise<ProfileOutcome>
  /**
   * Ends everything and forgets everything but the id, which is never given again: events go on pointing to
   * it. The identifier is free for somebody else.
   */
  readonly delete: (decision: Decision) => Promise<DeletionOutcome>
  readonly deleteOwn: (deletion: OwnDeletion) => Promise<DeletionOutcome>
  /** Ends every session by somebody else's decision. */
  readonly logOut: (decision: Decision) => Promise<LogOutOutcome>
  /**
   * Ends every session of everybody, machines' tokens and links in mails along, by one write: nobody's generation
   * reaches the base from then on (protocol, section 5).
   */
  readonly logOutEverybody: (decision: Omit<Decision, 'accountId'>) => Promise<EndedSessions>
  readonly forceReset: (reset: ForcedReset) => Promise<ForcedResetOutcome>
}
