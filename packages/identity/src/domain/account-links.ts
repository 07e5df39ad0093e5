import { createHash } from 'node:crypto'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Account } from './accounts.ts'
import type { MailPace } from './mail-pace.ts'

/** What a link in a mail lets its holder do. A link for one is nothing for the other. */
export type LinkPurpose = 'reset' | 'verify-email'

/** The mails that have a link in them. */
export type LinkMailKind =
  'verify-email' | 'reset' | 'account-exists' | 'registration' | 'invitation'

/** How long a link lasts, in seconds. */
export const linkSeconds: Readonly<Record<LinkMailKind, number>> = {
  'verify-email': 24 * 3600,
  /** Whoever asks sits in front of the mailbox. */
  reset: 30 * 60,
  'account-exists': 30 * 60,
  registration: 24 * 3600,
  /** A reset that somebody else has asked for: an administrator, who does not know when it is read. */
  invitation: 24 * 3600,
}

export interface NewLink {
  readonly accountId: string
  readonly purpose: LinkPurpose
  readonly tokenHash: string
  readonly lifeMs: number
}

export type IssuedLink =
  | { readonly kind: 'issued'; readonly email: string }
  /** Too soon, nothing to verify, or no account, address or permission to sign in. */
  | { readonly kind: 'withheld' }

export interface PasswordReset {
  readonly tokenHash: string
  readonly newHash: string
  /** The address that it comes from, for the audit record. */
  readonly network?: string | undefined
}

export type ResetOutcome =
  | {
      readonly kind: 'reset'
      readonly accountId: string
      readonly email: string
      readonly position: RevocationPosition
    }
  | { readonly kind: 'invalid' }

/**
 * Links that were sent and not used. Each dies when the account's address changes, when an administrator ends its
 * sessions (block, forced reset, logout), when everybody's are ended, and with every reset that is finished. Change of the
 * password and logout everywhere end a link to verify and no reset: they show the password alone, and whoever has
 * stolen that must not take the reset away from the owner.
 */
export interface LinkStore {
  /** Keeps the link of a mail that may be sent now, and counts the mail. */
  readonly issue: (link: NewLink, pace: MailPace) => Promise<IssuedLink>
  /** Whose link it is; undefined when it is not good for this. Uses nothing up. */
  readonly accountOf: (
    tokenHash: string,
    purpose: LinkPurpose,
  ) => Promise<Pick<Account, 'id' | 'identifier' | 'passwordHash'> | undefined>
  /** Sets the password, ends all sessions and all links of the account, once. */
  readonly confirmReset: (reset: PasswordReset) => Promise<ResetOutcome>
  /**
   * Takes the account's address as shown to be theirs, once. False when the link is not good (any more). An
   * account that nobody has confirmed stays so: a click says nothing about who has chosen its password.
   */
  readonly confirmEmail: (tokenHash: string) => Promise<boolean>
  /**
   * Forgets links that have expired, mailboxes that had no mail lately, and some of the accounts that nobody has
   * confirmed in `unconfirmedMs`. Answers whether there may be more of those.
   */
  readonly tidy: (unconfirmedMs: number) => Promise<boolean>
}

/** Tokens are 256 random bits: a fast hash is enough (ASVS 6.5.2), and the database cannot be used as a mailbox. */
export function hashLinkToken(token: string): string {
  return createHash('sha256').update('portcullis link\0').update(token).digest('base64url')
}

/** Where links lead: URLs with `{token}` in them, the operator's or our own. Never from a request. */
export interface LinkTargets {
  readonly reset: string
  readonly 'verify-email': string
}

export const tokenPlaceholder = '{token}'

/** Our own pages need no script, so the token has to reach the server: it stands in the query. */
export function linkTargetsOf(
  issuer: string,
  chosen: { readonly reset: string | undefined; readonly verifyEmail: string | undefined },
): LinkTargets {
  const pageOf = (path: string): string =>
    `${issuer}/account/${path}/form?token=${tokenPlaceholder}`
  return {
    reset: chosen.reset ?? pageOf('reset'),
    'verify-email': chosen.verifyEmail ?? pageOf('verify-email'),
  }
}

export function linkTo(targets: LinkTargets, purpose: LinkPurpose, token: string): string {
  // A function, because in a text `$` would mean something.
  return targets[purpose].replace(tokenPlaceholder, () => token)
}
