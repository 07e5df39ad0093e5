import type {
  IssuedLink,
  LinkPurpose,
  LinkStore,
  NewLink,
  PasswordReset,
  ResetOutcome,
} from '../domain/account-links.ts'
import type { MailPace } from '../domain/mail-pace.ts'
import { mailPaceKey } from '../domain/mail-pace.ts'
import { forgetLinks, raiseFloor } from './accounts.ts'
import { integer, optionalInteger, text } from './columns.ts'
import type { Database, Query } from './database.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { forgetUnconfirmed } from './unconfirmed-accounts.ts'

export function createLinkStore(database: Database, transaction: RevokingTransaction): LinkStore {
  return {
    issue: (link, pace) => database.transaction((query) => issue(query, link, pace)),
    accountOf: async (tokenHash, purpose) => {
      const [row] = await database.read(
        `SELECT accounts.id, identifier, password_hash
         FROM account_links JOIN accounts ON accounts.id = account_id
         WHERE token_hash = $1 AND purpose = $2 AND ${isGood}`,
        [tokenHash, purpose],
      )
      return (
        row && {
          id: text(row, 'id'),
          identifier: text(row, 'identifier'),
          passwordHash: text(row, 'password_hash'),
        }
      )
    },
    confirmReset: (reset) => transaction((query, revoke) => confirmReset(query, revoke, reset)),
    confirmEmail: (tokenHash) => database.transaction((query) => confirmEmail(query, tokenHash)),
    tidy: (unconfirmedMs) => tidy(database, unconfirmedMs),
  }
}

/**
 * In time, and the account as it was when the link was made. A reset outlives what can be done with the password
 * alone, because it is the way out for an owner whose password somebody else knows: it is bound to the base that
 * generations count from, which rises when everybody's sessions are ended and when a backup may have brought used
 * links back. What else ends it takes it away (`forgetLinks`). A link to verify is shown together with a password or a
 * session, so it is bound to the floor, which rises when either of them is gone. One that waits to be confirmed is
 * so by a reset alone: releases before this one sent it another link, and kept the password of whoever had typed it first.
 */
const isGood = `
  expires_at > statement_now()
  AND EXISTS (SELECT 1 FROM accounts AS owner CROSS JOIN revocation_head
              WHERE owner.id = account_links.account_id AND owner.blocked_at IS NULL
                AND owner.deleted_at IS NULL AND owner.email = account_links.email
                AND (account_links.purpose = 'reset' AND account_links.login_floor >= base
                     OR account_links.purpose = 'verify-email' AND owner.unconfirmed = 0
                        AND account_links.login_floor = base + owner.login_floor))`

async function issue(query: Query, link: NewLink, pace: MailPace): Promise<IssuedLink> {
  const { accountId, purpose, tokenHash, lifeMs } = link
  const [row] = await query(
    `SELECT identifier, email, email_verified_at, unconfirmed,
            login_floor + (SELECT base FROM revocation_head) AS floor
     FROM accounts
     WHERE id = $1 AND deleted_at IS NULL AND blocked_at IS NULL AND email IS NOT NULL
       AND ($2 = 'reset' OR email_verified_at IS NULL) FOR UPDATE`,
    [accountId, purpose],
  )
  if (row === undefined) return { kind: 'withheld' }
  const email = text(row, 'email')
  const account = {
    id: accountId,
    identifier: text(row, 'identifier'),
    email,
    isEmailVerified: optionalInteger(row, 'email_verified_at') !== undefined,
    isUnconfirmed: integer(row, 'unconfirmed') === 1,
  }
  const isCounted = await countMail(query, mailPaceKey(account, purpose), pace)
  if (!isCounted) return { kind: 'withheld' }
  await insertLink(query, {
    accountId,
    purpose,
    tokenHash,
    lifeMs,
    email,
    floor: integer(row, 'floor'),
  })
  // What nobody has confirmed goes without a trace (`forgetUnconfirmed`), and so does its link.
  if (!account.isUnconfirmed) await appendEvent(query, { kind: 'link-sent', accountId })
  return { kind: 'issued', email }
}

/**
 * False when there has been enough mail under this key; found out by the statement that counts the mail, so that
 * of many requests at once one gets through.
 */
async function countMail(
  query: Query,
  key: string,
  { gapMs, burst, refillMs }: MailPace,
): Promise<boolean> {
  const counted = await query(
    `INSERT INTO mailboxes (key, mailed_at, paid_until)
     VALUES ($1, statement_now(), statement_now() + $2)
     ON CONFLICT (key) DO UPDATE SET
       mailed_at = statement_now(),
       paid_until = greatest(mailboxes.paid_until, statement_now()) + $2
     WHERE mailboxes.mailed_at <= statement_now() - $3
       AND mailboxes.paid_until <= statement_now() + $4
     RETURNING key`,
    [key, refillMs, gapMs, (burst - 1) * refillMs],
  )
  return counted.length > 0
}

/** What a link is bound to besides its account: the address it goes to, and the floor of its moment. */
export interface BoundLink extends NewLink {
  readonly email: string
  readonly floor: number
}

export async function insertLink(
  query: Query,
  { accountId, purpose, tokenHash, lifeMs, email, floor }: BoundLink,
): Promise<void> {
  await query(
    `INSERT INTO account_links (token_hash, purpose, account_id, email, login_floor, expires_at)
     VALUES ($1, $2, $3, $4, $5, statement_now() + $6)`,
    [tokenHash, purpose, accountId, email, floor, lifeMs],
  )
}

interface UsedLink {
  readonly accountId: string
  readonly email: string
  readonly wasUnconfirmed: boolean
}

/**
 * Uses a link up, by one statement that says everything it must still be. The account is locked before, as
 * every change of it does, so that nothing it is bound to changes behind that statement's back.
 */
async function use(
  query: Query,
  tokenHash: string,
  purpose: LinkPurpose,
): Promise<UsedLink | undefined> {
  const [owner] = await query(
    `SELECT unconfirmed FROM accounts WHERE id = (SELECT account_id FROM account_links WHERE token_hash = $1)
     FOR UPDATE`,
    [tokenHash],
  )
  const [used] = await query(
    `DELETE FROM account_links WHERE token_hash = $1 AND purpose = $2 AND ${isGood}
     RETURNING account_id, email`,
    [tokenHash, purpose],
  )
  if (used === undefined || owner === undefined) return undefined
  return {
    accountId: text(used, 'account_id'),
    email: text(used, 'email'),
    wasUnconfirmed: integer(owner, 'unconfirmed') === 1,
  }
}

async function confirmReset(
  query: Query,
  revoke: Revoke,
  { tokenHash, newHash, network }: PasswordReset,
): Promise<ResetOutcome> {
  const used = await use(query, tokenHash, 'reset')
  if (used === undefined) return { kind: 'invalid' }
  const { accountId, email, wasUnconfirmed } = used
  // Of an account that waits for its owner, this is him: there was no other way to this link.
  await query(
    `UPDATE accounts SET password_hash = $2, unconfirmed = 0,
       email_verified_at = CASE unconfirmed WHEN 1 THEN statement_now() ELSE email_verified_at END
     WHERE id = $1`,
    [accountId, newHash],
  )
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'invalid' }
  await forgetLinks(query, accountId)
  if (wasUnconfirmed) await appendEvent(query, { kind: 'account-confirmed', accountId, network })
  await appendEvent(query, { kind: 'password-reset', accountId, network })
  const position = await revoke({ kind: 'account', key: accountId, floor })
  return { kind: 'reset', accountId, email, position }
}

async function confirmEmail(query: Query, tokenHash: string): Promise<boolean> {
  const used = await use(query, tokenHash, 'verify-email')
  if (used === undefined) return false
  const { accountId } = used
  await query('UPDATE accounts SET email_verified_at = statement_now() WHERE id = $1', [accountId])
  await appendEvent(query, { kind: 'email-verified', accountId })
  return true
}

async function tidy(database: Database, unconfirmedMs: number): Promise<boolean> {
  const mayBeMore = await database.transaction((query) => forgetUnconfirmed(query, unconfirmedMs))
  await database.write('DELETE FROM account_links WHERE expires_at <= statement_now()')
  await database.write('DELETE FROM mailboxes WHERE paid_until <= statement_now()')
  return mayBeMore
}
