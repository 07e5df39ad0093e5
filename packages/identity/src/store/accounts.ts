import { administratorRole } from '@portcullis/protocol'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type {
  Account,
  AccountStore,
  BlockOutcome,
  ChangedPassword,
  Decision,
  PasswordChange,
} from '../domain/accounts.ts'
import { isLive } from '../domain/sessions.ts'
import { integer, list, optionalInteger, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { EventKind } from './events.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'
import { readRotatable } from './sessions.ts'

export function createAccountStore(
  database: Database,
  transaction: RevokingTransaction,
): AccountStore {
  const findWhere = async (condition: string, value: string): Promise<Account | undefined> => {
    const [row] = await database.query(`${selectAccount} WHERE ${condition}`, [value])
    return row === undefined ? undefined : accountOf(row)
  }
  return {
    findByIdentifier: (identifier) => findWhere('identifier = $1', identifier),
    find: (accountId) => findWhere('accounts.id = $1', accountId),
    endAllSessions: (accountId, now) =>
      transaction((query, revoke) => {
        appendEvent(query, { kind: 'all-sessions-ended', accountId }, now)
        return endEverything(query, revoke, accountId)
      }),
    changePassword: (change) =>
      transaction((query, revoke) => changePassword(query, revoke, change)),
    block: (decision) => transaction((query, revoke) => block(query, revoke, decision)),
    unblock: (decision) => database.transaction((query) => unblock(query, decision)),
  }
}

/** Generations as they are minted: what is stored, on top of the epoch's base. */
const selectAccount = `
  SELECT accounts.id, identifier, password_hash, roles, blocked_at,
         base + generation AS generation, base + login_floor AS login_floor
  FROM accounts JOIN revocation_head`

/** Every session and every token of the account, whatever their number, by one write. */
function endEverything(query: Query, revoke: Revoke, accountId: string): RevocationPosition {
  query(
    'UPDATE accounts SET generation = generation + 1, login_floor = generation + 1 WHERE id = $1',
    [accountId],
  )
  const [row] = query(`${selectAccount} WHERE accounts.id = $1`, [accountId])
  if (row === undefined) return currentPosition(query)
  return revoke({ kind: 'account', key: accountId, floor: integer(row, 'generation') })
}

function changePassword(query: Query, revoke: Revoke, change: PasswordChange): ChangedPassword {
  const { accountId, sessionId, now } = change
  const rotatable = readRotatable(query, sessionId)
  if (rotatable === undefined || !isLive(rotatable.session, now)) return { kind: 'superseded' }
  const changed = query(
    'UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 RETURNING id',
    [accountId, change.oldHash, change.newHash],
  )
  if (changed.length === 0) return { kind: 'superseded' }
  const position = endEverything(query, revoke, accountId)
  // The caller's own session goes on, as one of the new generation.
  query(
    `UPDATE sessions SET generation = (SELECT base + accounts.generation FROM accounts
                                       JOIN revocation_head WHERE accounts.id = $2)
     WHERE id = $1`,
    [sessionId, accountId],
  )
  appendEvent(query, { kind: 'password-changed', accountId, sessionId }, now)
  return { kind: 'changed', counter: rotatable.state.counter, position }
}

function block(query: Query, revoke: Revoke, decision: Decision): BlockOutcome {
  const { accountId, now } = decision
  const [row] = query('SELECT blocked_at FROM accounts WHERE id = $1', [accountId])
  if (row === undefined) return { kind: 'unknown' }
  if (optionalInteger(row, 'blocked_at') !== undefined) {
    return { kind: 'blocked', position: currentPosition(query) }
  }
  if (isLastAdministrator(query, accountId)) return { kind: 'last-administrator' }
  query('UPDATE accounts SET blocked_at = $2 WHERE id = $1', [accountId, now])
  appendDecision(query, 'account-blocked', decision)
  return { kind: 'blocked', position: endEverything(query, revoke, accountId) }
}

function isLastAdministrator(query: Query, accountId: string): boolean {
  const role = `%${JSON.stringify(administratorRole)}%`
  const rows = query('SELECT id FROM accounts WHERE blocked_at IS NULL AND roles LIKE $1 LIMIT 2', [
    role,
  ])
  return rows.length === 1 && rows[0]?.['id'] === accountId
}

function unblock(query: Query, decision: Decision): boolean {
  const [row] = query('SELECT blocked_at FROM accounts WHERE id = $1', [decision.accountId])
  if (row === undefined) return false
  if (optionalInteger(row, 'blocked_at') === undefined) return true
  query('UPDATE accounts SET blocked_at = NULL WHERE id = $1', [decision.accountId])
  appendDecision(query, 'account-unblocked', decision)
  return true
}

function appendDecision(query: Query, kind: EventKind, { now, ...event }: Decision): void {
  appendEvent(query, { kind, ...event }, now)
}

function accountOf(row: Row): Account {
  return {
    id: text(row, 'id'),
    identifier: text(row, 'identifier'),
    passwordHash: text(row, 'password_hash'),
    roles: list(row, 'roles'),
    generation: integer(row, 'generation'),
    loginFloor: integer(row, 'login_floor'),
    isBlocked: optionalInteger(row, 'blocked_at') !== undefined,
  }
}
