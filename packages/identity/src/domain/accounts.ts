import type { RevocationPosition } from '@portcullis/protocol/revocations'

export interface Account {
  /** The store's clock from before this was read: see `mintAccessToken`. */
  readonly readAt: number
  /** 128 random bits, never reused: the `sub` of the account's tokens. */
  readonly id: string
  /** Normalised; what the person signs in with. */
  readonly identifier: string
  readonly roles: readonly string[]
  readonly passwordHash: string
  /** Goes up whenever tokens that were already issued must die (protocol, section 5). */
  readonly generation: number
  readonly loginFloor: number
  readonly isBlocked: boolean
}

/** Who takes a decision about somebody else's account, and why. */
export interface Decision {
  readonly accountId: string
  readonly actor: string
  readonly reason: string
}

export interface PasswordChange {
  readonly accountId: string
  /** The hash that the current password was checked against. */
  readonly oldHash: string
  readonly newHash: string
  /** The caller's session, which goes on while every other one ends. */
  readonly sessionId: string
}

export type ChangedPassword =
  | {
      readonly kind: 'changed'
      /** The counter of the session's refresh token, as it was: an answer that is lost costs nothing. */
      readonly counter: number
      readonly position: RevocationPosition
    }
  /** Since they were read, the password was changed by somebody else, or the session has ended. */
  | { readonly kind: 'superseded' }

export type BlockOutcome =
  | { readonly kind: 'blocked'; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  /** Nobody would be left who could unblock anybody. */
  | { readonly kind: 'last-administrator' }

/** Each of these is one atomic change; what ends sessions also revokes their tokens in it. */
export interface AccountStore {
  readonly findByIdentifier: (identifier: string) => Promise<Account | undefined>
  readonly find: (accountId: string) => Promise<Account | undefined>
  readonly endAllSessions: (accountId: string) => Promise<RevocationPosition>
  readonly changePassword: (change: PasswordChange) => Promise<ChangedPassword>
  /** Blocking twice is the same as once. */
  readonly block: (decision: Decision) => Promise<BlockOutcome>
  /** Lets the person sign in again, and revives nothing. False when there is no such account. */
  readonly unblock: (decision: Decision) => Promise<boolean>
}

export type ParsedIdentifier =
  | { readonly kind: 'identifier'; readonly identifier: string }
  | { readonly kind: 'malformed'; readonly why: string }

const identifierCharactersMax = 254

/**
 * Normalises what a person signs in with, once and in one place: NFKC, then lower case, so that
 * full-width, ligature and case variants of one name collide instead of becoming two accounts.
 */
export function parseIdentifier(text: string): ParsedIdentifier {
  const identifier = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  if (identifier === '') return malformed('must not be empty')
  if (identifier.length > identifierCharactersMax) {
    return malformed(`must not have more than ${identifierCharactersMax} characters`)
  }
  if (invisible.test(identifier)) {
    return malformed('must not contain spaces or invisible characters')
  }
  return { kind: 'identifier', identifier }
}

/**
 * White space; control, format, surrogate, private-use and unassigned characters; letters and marks
 * that are never drawn, such as fillers and variation selectors; and the Braille cell without dots.
 */
const invisible = /[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u

function malformed(why: string): ParsedIdentifier {
  return { kind: 'malformed', why }
}
