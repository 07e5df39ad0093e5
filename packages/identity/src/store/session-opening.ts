import type { OpenedSession, Session } from '../domain/sessions.ts'
import { text } from './columns.ts'
import type { Database, Query, SqlValue } from './database.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'

/** Without a maximum it is one statement; with one, the logins of an account wait for each other. */
export async function openSession(
  database: Database,
  transaction: RevokingTransaction,
  session: Session,
  perAccountMax: number | undefined,
): Promise<OpenedSession> {
  const { accountId } = session
  const isOpened =
    perAccountMax === undefined
      ? await insert(database.write, session)
      : await transaction(async (query, revoke) => {
          await query('SELECT id FROM accounts WHERE id = $1 FOR UPDATE', [accountId])
          if (!(await insert(query, session))) return false
          await endOldest(query, revoke, session, perAccountMax)
          return true
        })
  if (isOpened) return { kind: 'opened' }
  const blocked = await database.read(
    'SELECT id FROM accounts WHERE id = $1 AND blocked_at IS NOT NULL AND deleted_at IS NULL',
    [accountId],
  )
  return { kind: blocked.length === 1 ? 'blocked' : 'superseded' }
}

/** An account that was blocked or has ended its logins meanwhile gets no row. */
async function insert(query: Query, session: Session): Promise<boolean> {
  const inserted = await query(
    `INSERT INTO sessions (id, account_id, client_id, audiences, scopes, generation, seed, counter,
                           authenticated_at, last_used_at, idle_expires_at, expires_at, device, network,
                           delivery, dpop_jkt)
     SELECT $1, accounts.id, $3, $4, $5, $6, $7, 0, $8, $8, $9, $10, $11, $12, $13, $14
     FROM accounts CROSS JOIN revocation_head
     WHERE accounts.id = $2 AND blocked_at IS NULL AND base + login_floor <= $6
     RETURNING id`,
    columnsOf(session),
  )
  return inserted.length === 1
}

function columnsOf(session: Session): readonly SqlValue[] {
  return [
    session.id,
    session.accountId,
    session.clientId,
    JSON.stringify(session.audiences),
    session.scopes === undefined ? null : JSON.stringify(session.scopes),
    session.generation,
    session.seed,
    session.authenticatedAt,
    session.idleExpiresAt,
    session.expiresAt,
    session.device ?? null,
    session.network ?? null,
    session.delivery,
    session.keyThumbprint ?? null,
  ]
}

/** To be called while the account is locked: then nobody counts the same sessions, or opens one more. */
async function endOldest(
  query: Query,
  revoke: Revoke,
  { id, accountId, network }: Session,
  perAccountMax: number,
): Promise<void> {
  const others = await query(
    `SELECT sessions.id AS id
     FROM sessions JOIN accounts ON accounts.id = account_id CROSS JOIN revocation_head
     WHERE account_id = $1 AND sessions.id <> $2 AND ended_at IS NULL
       AND statement_now() < idle_expires_at AND statement_now() < expires_at
       AND base + login_floor <= sessions.generation
     ORDER BY authenticated_at DESC, sessions.id DESC`,
    [accountId, id],
  )
  const ended: string[] = []
  for (const surplus of others.slice(perAccountMax - 1)) {
    const [row] = await query(
      `UPDATE sessions SET ended_at = statement_now() WHERE id = $1 AND ended_at IS NULL RETURNING id`,
      [text(surplus, 'id')],
    )
    if (row === undefined) continue
    const sessionId = text(row, 'id')
    await appendEvent(query, { kind: 'session-limit', accountId, sessionId, network })
    ended.push(sessionId)
  }
  // Last, because whoever revokes anything waits for the head of the log.
  for (const key of ended) await revoke({ kind: 'session', key, floor: 0 })
}
