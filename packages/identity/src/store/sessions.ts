import { decideRotation } from '../domain/rotation.ts'
import type {
  RefreshableSession,
  RotationOutcome,
  RotationRequest,
  Session,
  SessionStore,
} from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import { integer, list, optionalInteger, optionalList, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { appendEvent } from './events.ts'

export function createSessionStore(database: Database): SessionStore {
  return {
    insert: async (session) => {
      await database.query(
        `INSERT INTO sessions (id, account_id, client_id, audiences, scopes, generation, seed, counter,
                               authenticated_at, last_used_at, idle_expires_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9, $10)`,
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
        ],
      )
    },
    readForRefresh: async (sessionId) => {
      const [row] = await database.query(selectRefreshable, [sessionId])
      return row === undefined ? undefined : refreshableOf(row)
    },
    rotateRefresh: (request) => database.transaction((query) => rotate(query, request)),
  }
}

const selectRefreshable = `
  SELECT sessions.*, roles, accounts.generation AS account_generation,
         clients.name AS client_name, enabled, grants, clients.generation AS client_generation
  FROM sessions
  JOIN accounts ON accounts.id = account_id
  JOIN clients ON clients.id = client_id
  WHERE sessions.id = $1`

/** Reads again what the caller has read before it signed: the world may have changed meanwhile. */
function rotate(query: Query, request: RotationRequest): RotationOutcome {
  const { sessionId, now } = request
  const [row] = query(selectRefreshable, [sessionId])
  if (row === undefined || !isLive(refreshableOf(row), now)) return { kind: 'gone' }
  const state = {
    counter: integer(row, 'counter'),
    rotatedAt: optionalInteger(row, 'rotated_at'),
    attemptHash: optionalText(row, 'attempt_hash'),
  }
  const decision = decideRotation(state, request, request)
  const accountId = text(row, 'account_id')
  switch (decision.kind) {
    case 'repeated':
      return decision
    case 'reused':
      query('UPDATE sessions SET ended_at = $2 WHERE id = $1', [sessionId, now])
      appendEvent(query, { kind: 'refresh-reuse', accountId, sessionId }, now)
      return decision
    case 'ahead':
      appendEvent(query, { kind: 'history-lost', accountId, sessionId }, now)
      break
    case 'rotated':
  }
  query(
    `UPDATE sessions SET counter = $2, rotated_at = $3, attempt_hash = $4, last_used_at = $3,
                         idle_expires_at = $5
     WHERE id = $1`,
    [
      sessionId,
      decision.counter,
      now,
      request.attemptHash ?? null,
      Math.min(now + request.idleMs, integer(row, 'expires_at')),
    ],
  )
  return decision
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
  }
}

function refreshableOf(row: Row): RefreshableSession {
  return {
    ...sessionOf(row),
    isEnded: optionalInteger(row, 'ended_at') !== undefined,
    account: { generation: integer(row, 'account_generation'), roles: list(row, 'roles') },
    client: {
      name: text(row, 'client_name'),
      mayRefresh: integer(row, 'enabled') === 1 && list(row, 'grants').includes('refresh_token'),
      generation: integer(row, 'client_generation'),
    },
  }
}
