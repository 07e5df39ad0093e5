import type { ImportDecision, ImportedRow, InsertAccounts } from '../domain/account-import.ts'
import { text } from './columns.ts'
import type { Database, Query } from './database.ts'
import { isStillActor, superseded } from './decisions.ts'
import { appendEvent, decidedBy } from './events.ts'
import { insertOverUnconfirmed } from './unconfirmed-accounts.ts'

export function createInsertAccounts(database: Database): InsertAccounts {
  return (accounts, decision) =>
    database.transaction((query) => insertAccounts(query, accounts, decision))
}

/**
 * Inserts accounts with their events, and leaves alone those whose identifier somebody has: an account that nobody
 * has confirmed is nobody's, and gives way. Who decides is locked first, and stays what he is. The others come in one
 * order, so that two imports of the same people wait for one another; all accounts before the first event, as everywhere.
 */
async function insertAccounts(
  query: Query,
  accounts: readonly ImportedRow[],
  { actor: decider, reason }: ImportDecision,
): ReturnType<InsertAccounts> {
  if (!(await isStillActor(query, decider))) return superseded
  const decided = decidedBy({ actor: decider, reason })
  const created = new Set<string>()
  const gaveWay: string[] = []
  const inOrder = accounts.toSorted((one, other) =>
    one.identifier < other.identifier ? -1 : Number(one.identifier > other.identifier),
  )
  for (const account of inOrder) {
    const { inserted, buried } = await insertOverUnconfirmed(query, account.identifier, () =>
      insert(query, account),
    )
    if (inserted !== undefined) created.add(inserted)
    if (buried !== undefined) gaveWay.push(buried)
  }
  for (const accountId of gaveWay) {
    await appendEvent(query, { kind: 'account-deleted', accountId, ...decided })
  }
  for (const { id: accountId, isBlocked } of accounts) {
    if (!created.has(accountId)) continue
    await appendEvent(query, { kind: 'account-created', accountId, ...decided })
    if (isBlocked) await appendEvent(query, { kind: 'account-blocked', accountId, ...decided })
  }
  return { kind: 'inserted', ids: created }
}

/** Answers its id; undefined when the identifier is taken. */
async function insert(query: Query, account: ImportedRow): Promise<string | undefined> {
  const [row] = await query(
    `INSERT INTO accounts (id, identifier, password_hash, email, email_verified_at, roles, attributes,
                           blocked_at, unconfirmed, generation, created_at)
     VALUES ($1, $2, $3, $4, CASE WHEN $5 = 1 THEN statement_now() END, $6, $7,
             CASE WHEN $8 = 1 THEN statement_now() END, 0, 0, statement_now())
     ON CONFLICT (identifier) DO NOTHING
     RETURNING id`,
    [
      account.id,
      account.identifier,
      account.passwordHash,
      account.email ?? null,
      account.isEmailVerified ? 1 : 0,
      JSON.stringify(account.roles),
      JSON.stringify(account.attributes),
      account.isBlocked ? 1 : 0,
    ],
  )
  return row && text(row, 'id')
}
