import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type {
  Account,
  AccountStore,
  BlockOutcome,
  ChangedPassword,
  Decision,
  EndedSessions,
  PasswordChange,
  UnblockOutcome,
} from '../domain/accounts.ts'
import type { Caller, KnownSession, TooOften } from '../domain/sessions.ts'
import { attributes, integer, list, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { appendDecision, lockDecided, superseded } from './decisions.ts'
import { countEnding } from './ending-pace.ts'
import type { EventKind } from './events.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'
import { lockCaller } from './sessions.ts'

export function createAccountStore(
  database: Database,
  transaction: RevokingTransaction,
): AccountStore {
  const findWhere = async (condition: string, value: string): Promise<Account | undefined> => {
    const where = `${condition} AND deleted_at IS NULL`
    const [row] = await database.read(`${selectAccount} WHERE ${where}`, [value])
    return row === undefined ? undefined : accountOf(row)
  }
  return {
    findByIdentifier: (identifier) => findWhere('identifier = $1', identifier),
    find: (accountId) => findWhere('accounts.id = $1', accountId),
    endAllSessions: (caller) =>
      transaction((query, revoke) => endAllSessions(query, revoke, caller)),
    endOtherSessions: (caller) =>
      transaction((query, revoke) => endOtherSessions(query, revoke, caller)),
    changePassword: (change) =>
      transaction((query, revoke) => changePassword(query, revoke, change)),
    replacePasswordHash: async ({ accountId, oldHash, newHash }) => {
      await database.write(
        'UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2',
        [accountId, oldHash, newHash],
      )
    },
    block: (decision) => transaction((query, revoke) => blockAccount(query, revoke, decision)),
    unblock: (decision) => transaction((query) => unblock(query, decision)),
  }
}

/** Generations as they are minted: what is stored, on top of the epoch's base. */
const selectAccount = `
  SELECT transaction_now() AS read_at, accounts.id, identifier, email, email_verified_at, password_hash,
         roles, attributes, blocked_at, unconfirmed, created_at,
         base + generation AS generation, base + login_floor AS login_floor
  FROM accounts CROSS JOIN revocation_head`

/**
 * Every session and every token of the account, whatever their number, by one write. Answers the floor
 * that the log has to name; undefined when there is no such account.
 */
export async function raiseFloor(query: Query, accountId: string): Promise<number | undefined> {
  const [row] = await query(
    `UPDATE accounts SET generation = generation + 1, login_floor = generation + 1 WHERE id = $1
     RETURNING generation + (SELECT base FROM revocation_head) AS floor`,
    [accountId],
  )
  return row === undefined ? undefined : integer(row, 'floor')
}

/** Ends every link that was sent to the owner, for what a floor alone does not end (`store/account-links`). */
export async function forgetLinks(query: Query, accountId: string): Promise<void> {
  await query('DELETE FROM account_links WHERE account_id = $1', [accountId])
}

async function endAllSessions(
  query: Query,
  revoke: Revoke,
  caller: Caller,
): Promise<EndedSessions> {
  const { accountId } = caller
  if ((await lockCaller(query, caller)) === undefined) return superseded
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return superseded
  await appendEvent(query, {
    kind: 'all-sessions-ended',
    accountId,
    sessionId: caller.sessionId,
    network: caller.network,
  })
  return { kind: 'ended', position: await revoke({ kind: 'account', key: accountId, floor }) }
}

async function endOtherSessions(
  query: Query,
  revoke: Revoke,
  caller: Caller,
): Promise<EndedSessions | TooOften> {
  const session = (await lockCaller(query, caller))?.session
  if (session === undefined) return superseded
  if (!(await hasOthers(query, session))) {
    return { kind: 'ended', position: await currentPosition(query) }
  }
  const tooOften = await countEnding(query, caller.accountId)
  if (tooOften !== undefined) return tooOften
  return {
    kind: 'ended',
    position: await endOthers(query, revoke, caller, 'other-sessions-ended'),
  }
}

/** Where the newest of them were all ended by a floor, nobody has looked at the rest yet. */
const newestMax = 200

/** Expired ones are among them: who has just expired may still have an access token. */
async function hasOthers(query: Query, { id, accountId, account }: KnownSession): Promise<boolean> {
  const newest = await query(
    `SELECT id, generation FROM sessions WHERE account_id = $1 AND ended_at IS NULL
     ORDER BY authenticated_at DESC LIMIT ${newestMax}`,
    [accountId],
  )
  return (
    newest.length === newestMax ||
    newest.some((row) => row['id'] !== id && integer(row, 'generation') >= account.loginFloor)
  )
}

async function changePassword(
  query: Query,
  revoke: Revoke,
  { caller, oldHash, newHash }: PasswordChange,
): Promise<ChangedPassword> {
  const rotatable = await lockCaller(query, caller)
  if (rotatable === undefined) return superseded
  const changed = await query(
    'UPDATE accounts SET password_hash = $2 WHERE id = $1 AND password_hash = $3 RETURNING id',
    [caller.accountId, newHash, oldHash],
  )
  if (changed.length === 0) return superseded
  const position = await endOthers(query, revoke, caller, 'password-changed')
  return { kind: 'changed', counter: rotatable.state.counter, position }
}

/** To be called with both rows locked: the caller's own session goes on, as one of the new generation. */
async function endOthers(
  query: Query,
  revoke: Revoke,
  { accountId, sessionId, network }: Caller,
  why: EventKind,
): Promise<RevocationPosition> {
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) throw new TypeError('a locked account is gone')
  await query('UPDATE sessions SET generation = $2 WHERE id = $1', [sessionId, floor])
  await appendEvent(query, { kind: why, accountId, sessionId, network })
  return revoke({ kind: 'account', key: accountId, floor })
}

export async function blockAccount(
  query: Query,
  revoke: Revoke,
  decision: Decision,
): Promise<BlockOutcome> {
  const { accountId } = decision
  const decided = await lockDecided(query, decision, true)
  if (decided.kind !== 'target') return decided
  if (optionalInteger(decided.row, 'blocked_at') !== undefined) {
    return { kind: 'blocked', position: await currentPosition(query) }
  }
  if (decided.isLastAdministrator) return { kind: 'last-administrator' }
  await query('UPDATE accounts SET blocked_at = statement_now() WHERE id = $1', [accountId])
  const floor = await raiseFloor(query, accountId)
  if (floor === undefined) return { kind: 'unknown' }
  await forgetLinks(query, accountId)
  await appendDecision(query, 'account-blocked', decision)
  return { kind: 'blocked', position: await revoke({ kind: 'account', key: accountId, floor }) }
}

async function unblock(query: Query, decision: Decision): Promise<UnblockOutcome> {
  const decided = await lockDecided(query, decision)
  if (decided.kind !== 'target') return decided
  if (optionalInteger(decided.row, 'blocked_at') !== undefined) {
    await query('UPDATE accounts SET blocked_at = NULL WHERE id = $1', [decision.accountId])
    await appendDecision(query, 'account-unblocked', decision)
  }
  return { kind: 'unblocked' }
}

/**
 * What stays of an account: its id, which is never given again and which events point to. No identifier has a
 * space in it, and no password an empty hash. Blocked, so that releases that know no deletion let nobody in.
 */
export async function buryAccount(query: Query, accountId: string): Promise<void> {
  await query(
    `UPDATE accounts SET identifier = 'deleted ' || id, password_hash = '', roles = '[]', email = NULL,
                         email_verified_at = NULL, attributes = '{}', unconfirmed = 0,
                         deleted_at = statement_now(),
                         blocked_at = coalesce(blocked_at, statement_now())
     WHERE id = $1`,
    [accountId],
  )
  await forgetLinks(query, accountId)
  // Where somebody was, and with what: nobody needs to know any more.
  await query('DELETE FROM sessions WHERE account_id = $1', [accountId])
}

function accountOf(row: Row): Account {
  return {
    readAt: integer(row, 'read_at'),
    id: text(row, 'id'),
    identifier: text(row, 'identifier'),
    email: optionalText(row, 'email'),
    isEmailVerified: optionalInteger(row, 'email_verified_at') !== undefined,
    passwordHash: text(row, 'password_hash'),
    roles: list(row, 'roles'),
    attributes: attributes(row),
    generation: integer(row, 'generation'),
    loginFloor: integer(row, 'login_floor'),
    isBlocked: optionalInteger(row, 'blocked_at') !== undefined,
    isUnconfirmed: integer(row, 'unconfirmed') === 1,
    createdAt: integer(row, 'created_at'),
  }
}
