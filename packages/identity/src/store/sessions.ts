import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { RotationState } from '../domain/rotation.ts'
import { decideRotation } from '../domain/rotation.ts'
import type {
  KnownSession,
  OpenedSession,
  RotationOutcome,
  RotationRequest,
  Session,
  SessionStore,
} from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import { integer, list, optionalInteger, optionalList, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { EventKind } from './events.ts'
import { appendEvent } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'

export function createSessionStore(
  database: Database,
  transaction: RevokingTransaction,
): SessionStore {
  return {
    open: (session) => database.transaction((query) => open(query, session)),
    find: async (sessionId) => {
      const [row] = await database.query(`${selectKnown} WHERE sessions.id = $1`, [sessionId])
      return row === undefined ? undefined : knownSessionOf(row)
    },
    listOf: async (accountId) => {
      const rows = await database.query(
        `${selectKnown} WHERE account_id = $1 AND ended_at IS NULL ORDER BY last_used_at DESC`,
        [accountId],
      )
      return rows.map(knownSessionOf)
    },
    rotateRefresh: (request) => transaction((query, revoke) => rotate(query, revoke, request)),
    end: (sessionId, now, why = 'session-ended') =>
      transaction((query, revoke) => end(query, revoke, { sessionId, now, why })),
  }
}

/** Generations as they are minted: what is stored, on top of the epoch's base. */
const selectKnown = `
  SELECT sessions.*, roles, blocked_at,
         base + accounts.generation AS account_generation, base + login_floor AS login_floor,
         clients.name AS client_name, enabled, grants, base + clients.generation AS client_generation
  FROM sessions
  JOIN accounts ON accounts.id = account_id
  JOIN clients ON clients.id = client_id
  JOIN revocation_head`

function open(query: Query, session: Session): OpenedSession {
  const [account] = query(
    'SELECT blocked_at, base + login_floor AS login_floor FROM accounts JOIN revocation_head WHERE accounts.id = $1',
    [session.accountId],
  )
  if (account === undefined) return { kind: 'superseded' }
  if (optionalInteger(account, 'blocked_at') !== undefined) return { kind: 'blocked' }
  if (session.generation < integer(account, 'login_floor')) return { kind: 'superseded' }
  query(
    `INSERT INTO sessions (id, account_id, client_id, audiences, scopes, generation, seed, counter,
                           authenticated_at, last_used_at, idle_expires_at, expires_at, device, network)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9, $10, $11, $12)`,
    [
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
    ],
  )
  return { kind: 'opened' }
}

function end(
  query: Query,
  revoke: Revoke,
  {
    sessionId,
    now,
    why,
  }: { readonly sessionId: string; readonly now: number; readonly why: EventKind },
): RevocationPosition {
  const [row] = query(
    'UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING account_id',
    [sessionId, now],
  )
  if (row === undefined) return currentPosition(query)
  appendEvent(query, { kind: why, accountId: text(row, 'account_id'), sessionId }, now)
  return revoke({ kind: 'session', key: sessionId, floor: 0 })
}

/** Reads again what the caller has read before it signed: the world may have changed meanwhile. */
function rotate(query: Query, revoke: Revoke, request: RotationRequest): RotationOutcome {
  const { sessionId, now } = request
  const rotatable = readRotatable(query, sessionId)
  if (rotatable === undefined) return { kind: 'gone' }
  const { session, state } = rotatable
  if (!isLive(session, now) || !session.client.mayRefresh) return { kind: 'gone' }
  const decision = decideRotation(state, request, request)
  const { accountId } = session
  switch (decision.kind) {
    case 'repeated':
      return decision
    case 'reused':
      query('UPDATE sessions SET ended_at = $2 WHERE id = $1', [sessionId, now])
      appendEvent(query, { kind: 'refresh-reuse', accountId, sessionId }, now)
      revoke({ kind: 'session', key: sessionId, floor: 0 })
      return decision
    case 'ahead':
      appendEvent(query, { kind: 'history-lost', accountId, sessionId }, now)
      break
    case 'rotated':
  }
  writeRotation(query, session, decision.counter, request)
  return decision
}

/** A session and where its refresh tokens are, read in the step that will change them. */
export function readRotatable(
  query: Query,
  sessionId: string,
): { readonly session: KnownSession; readonly state: RotationState } | undefined {
  const [row] = query(`${selectKnown} WHERE sessions.id = $1`, [sessionId])
  if (row === undefined) return undefined
  const state = {
    counter: integer(row, 'counter'),
    rotatedAt: optionalInteger(row, 'rotated_at'),
    attemptHash: optionalText(row, 'attempt_hash'),
  }
  return { session: knownSessionOf(row), state }
}

/** Moves a session to its next refresh token. */
function writeRotation(
  query: Query,
  session: Pick<Session, 'id' | 'expiresAt'>,
  counter: number,
  { attemptHash, now, idleMs }: Pick<RotationRequest, 'attemptHash' | 'now' | 'idleMs'>,
): void {
  query(
    `UPDATE sessions SET counter = $2, rotated_at = $3, attempt_hash = $4, last_used_at = $3,
                         idle_expires_at = $5
     WHERE id = $1`,
    [session.id, counter, now, attemptHash ?? null, Math.min(now + idleMs, session.expiresAt)],
  )
}

function sessionOf(row: Row): Session {
  return {
    id: text(row, 'id'),
    accountId: text(row, 'account_id'),
    clientId: text(row, 'client_id'),
    audiences: list(row, 'audiences'),
    scopes: optionalList(row, 'scopes'),
    generation: integer(row, 'generation'),
    seed: text(row, 'seed'),
    authenticatedAt: integer(row, 'authenticated_at'),
    idleExpiresAt: integer(row, 'idle_expires_at'),
    expiresAt: integer(row, 'expires_at'),
    device: optionalText(row, 'device'),
    network: optionalText(row, 'network'),
  }
}

function knownSessionOf(row: Row): KnownSession {
  return {
    ...sessionOf(row),
    counter: integer(row, 'counter'),
    lastUsedAt: integer(row, 'last_used_at'),
    isEnded: optionalInteger(row, 'ended_at') !== undefined,
    account: {
      generation: integer(row, 'account_generation'),
      loginFloor: integer(row, 'login_floor'),
      isBlocked: optionalInteger(row, 'blocked_at') !== undefined,
      roles: list(row, 'roles'),
    },
    client: {
      name: text(row, 'client_name'),
      isEnabled: integer(row, 'enabled') === 1,
      mayRefresh: list(row, 'grants').includes('refresh_token'),
      generation: integer(row, 'client_generation'),
    },
  }
}
