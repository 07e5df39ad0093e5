import type { IdentifierFault } from './account-faults.ts'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Actor, Superseded } from './actors.ts'
import type { Attributes } from './attributes.ts'
import { foldCase } from './case-folding.ts'
import type { Caller, TooOften } from './sessions.ts'

export interface Account {
  /** The store's clock from before this was read: see `mintAccessToken`. */
  readonly readAt: number
  /** 128 random bits, never reused: the `sub` of the account's tokens. */
  readonly id: string
  /** Normalised; what the person signs in with. */
  readonly identifier: string
  /** Where its mail goes; normalised. Whether somebody reads it there is another question. */
  readonly email: string | undefined
  readonly isEmailVerified: boolean
  readonly roles: readonly string[]
  readonly attributes: Attributes
  readonly passwordHash: string
  /** Goes up whenever tokens that were already issued must die (protocol, section 5). */
  readonly generation: number
  readonly loginFloor: number
  readonly isBlocked: boolean
  /** It was registered by mail, and nobody has used the link yet: nobody can sign in. */
  readonly isUnconfirmed: boolean
  readonly createdAt: number
}

/** Who takes a decision about somebody else's account, and why. */
export interface Decision {
  readonly accountId: string
  readonly actor: Actor
  readonly reason: string
}

export interface PasswordChange {
  readonly caller: Caller
  /** The hash that the current password was checked against. */
  readonly oldHash: string
  readonly newHash: string
}

export type EndedSessions =
  | { readonly kind: 'ended'; readonly position: RevocationPosition }
  /** The caller's own session has ended meanwhile, or the token was taken back; nothing was changed. */
  | Superseded

/** A better hash of the password that an account has, which changes nothing for anybody. */
export interface Rehash {
  readonly accountId: string
  readonly oldHash: string
  readonly newHash: string
}

export type ChangedPassword =
  | {
      readonly kind: 'changed'
      /** The counter of the session's refresh token, as it was: an answer that is lost costs nothing. */
      readonly counter: number
      readonly position: RevocationPosition
    }
  /** Since they were read, the password was changed by somebody else, or the session has ended. */
  | Superseded

export type BlockOutcome =
  | { readonly kind: 'blocked'; readonly position: RevocationPosition }
  | { readonly kind: 'unknown' }
  /** Nobody would be left who could unblock anybody. */
  | { readonly kind: 'last-administrator' }
  | Superseded

export type UnblockOutcome = { readonly kind: 'unblocked' | 'unknown' } | Superseded

/** Each of these is one atomic change; what ends sessions also revokes their tokens in it. */
export interface AccountStore {
  readonly findByIdentifier: (identifier: string) => Promise<Account | undefined>
  readonly find: (accountId: string) => Promise<Account | undefined>
  readonly endAllSessions: (caller: Caller) => Promise<EndedSessions>
  /**
   * One write, however many there are, and none when there are none. It takes every token from before along,
   * the caller's own as well.
   */
  readonly endOtherSessions: (caller: Caller) => Promise<EndedSessions | TooOften>
  readonly changePassword: (change: PasswordChange) => Promise<ChangedPassword>
  /** Does nothing when the hash is another one by now. */
  readonly replacePasswordHash: (rehash: Rehash) => Promise<void>
  /** Blocking twice is the same as once. */
  readonly block: (decision: Decision) => Promise<BlockOutcome>
  /** Lets the person sign in again, and revives nothing. */
  readonly unblock: (decision: Decision) => Promise<UnblockOutcome>
}

export type ParsedIdentifier =
  | { readonly kind: 'identifier'; readonly identifier: string }
  | { readonly kind: 'malformed'; readonly fault: IdentifierFault }

const identifierCharactersMax = 254

/**
 * Normalises what a person signs in with, once and in one place, so that full-width, ligature and case
 * variants of one name collide instead of becoming two accounts (as in CVE-2026-15617). Others than the
 * owner can so spell an address that folds to his: mail goes to the stored identifier, never to what was typed.
 */
export function parseIdentifier(text: string): ParsedIdentifier {
  const identifier = foldCase(text)
  if (identifier === '') return malformed({ why: 'identifier-empty' })
  if (identifier.length > identifierCharactersMax) {
    return malformed({ why: 'identifier-too-long', charactersMax: identifierCharactersMax })
  }
  if (invisible.test(identifier)) {
    return malformed({ why: 'identifier-invisible' })
  }
  if (mixesScripts(identifier)) return malformed({ why: 'identifier-mixed-alphabets' })
  return { kind: 'identifier', identifier }
}

/**
 * White space; control, format, surrogate, private-use and unassigned characters; letters and marks
 * that are never drawn, such as fillers and variation selectors; and the Braille cell without dots.
 */
const invisible = /[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u

/**
 * Scripts that share the looks of letters: one Cyrillic letter makes a second `alice` that nobody can tell
 * from the first (UTS #39, section 5.1). A whole word of another script stays possible, and so does an
 * address with one such word before its @.
 */
const scriptsAlike: readonly RegExp[] = [
  /\p{Script=Latin}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Lisu}/u,
]

function mixesScripts(identifier: string): boolean {
  const words = identifier.match(/[\p{L}\p{M}]+/gu) ?? []
  return words.some((word) => scriptsAlike.filter((script) => script.test(word)).length > 1)
}

function malformed(fault: IdentifierFault): ParsedIdentifier {
  return { kind: 'malformed', fault }
}
