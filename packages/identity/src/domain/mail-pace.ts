import { createHash } from 'node:crypto'
import { parseEmailAddress } from './email-addresses.ts'

/** How often the store lets mail of one kind go out under one key (`mailPaceKey`), whoever asks for it. */
export interface MailPace {
  readonly gapMs: number
  /** So many in a row, and then one each `refillMs`. */
  readonly burst: number
  readonly refillMs: number
}

/** A stranger may ask for somebody else's mail: three in a row are a nuisance, a thousand are an attack. */
export const mailPace: MailPace = { gapMs: 60_000, burst: 3, refillMs: 3_600_000 }

/** What the pace of an account's mail depends on. */
export interface MailedAccount {
  readonly id: string
  readonly identifier: string
  readonly email: string
  readonly isEmailVerified: boolean
  /** Nobody has shown yet that it is theirs. */
  readonly isUnconfirmed: boolean
}

/**
 * Under which key the mails of a kind to an account are counted, so that nobody's address is kept for it. Accounts
 * that strangers make for a mailbox must not use up what its owner needs, and must not add up to more mail, however
 * many they are. So these are counted apart: every account with a verified address, which only its owner can
 * bring about; the one whose identifier is the mailbox; those whose identifiers are other spellings of it, together,
 * once they are confirmed; and together all that is left. Where registration is open strangers can make other
 * spellings, so whoever has one should verify it.
 */
export function mailPaceKey(account: MailedAccount, kind: string): string {
  return createHash('sha256')
    .update(`portcullis mailbox\0${kind}\0${sharedWith(account)}`)
    .digest('base64url')
}

function sharedWith(account: MailedAccount): string {
  const { id, identifier, email, isEmailVerified, isUnconfirmed } = account
  if (isEmailVerified) return `account\0${id}`
  const mailbox = mailboxOf(email)
  // Not by the id: whoever deletes an account and makes it again gets no other pace by that.
  if (identifier === mailbox) return `identifier\0${mailbox}`
  const own = parseEmailAddress(identifier)
  const isSpelling = own.kind === 'address' && own.address === email
  return isSpelling && !isUnconfirmed ? `spellings\0${mailbox}` : mailbox
}

/**
 * Of `name+anything@…`, which many servers put into one mailbox (RFC 5233), what follows the sign does not count.
 * Does NOT know what else a server takes for one mailbox.
 */
function mailboxOf(address: string): string {
  const at = address.lastIndexOf('@')
  const [name = ''] = address.slice(0, at).split('+', 1)
  return name === '' ? address : `${name}${address.slice(at)}`
}
