import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Decision } from '../domain/accounts.ts'
import { isStillCaller } from '../domain/callers.ts'
import type { RotationState } from '../domain/rotation.ts'
import { decideRotation } from '../domain/rotation.ts'
import type {
  Caller,
  Delivery,
  KnownSession,
  OwnSessionEnd,
  Reauthentication,
  ReauthenticationOutcome,
  RotationOutcome,
  RotationRequest,
  Session,
  SessionList,
  SessionPage,
  SessionStore,
  TooOften,
} from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import type { TokenMarks } from '../domain/token-marks.ts'
import {
  attributes,
  integer,
  list,
  optionalInteger,
  optionalList,
  optionalText,
  text,
} from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { countEnding } from './ending-pace.ts'
import type { EventKind } from './events.ts'
import { appendEvent, decidedBy } from './events.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { currentPosition } from './revocations.ts'
import { columnsOfMarks, isNotTakenBack, isTakenBack } from './revoked-tokens.ts'
import { openSession } from './session-opening.ts'

export function createSessionStore(
  database: Database,
  transaction: RevokingTransaction,
): SessionStore {
  return {
    open: (session, perAccountMax) => openSession(database, transaction, session, perAccountMax),
    find: (sessionId, foundBy) => find(database.read, sessionId, foundBy),
    listOf: (accountId, page) => listLive(database.read, accountId, page),
    rotateRefresh: async (request) =>
      (await rotateAtOnce(database, request)) ??
      transaction((query, revoke) => rotate(query, revoke, request)),
    reauthenticate: (proof) => database.transaction((query) => reauthenticate(query, proof)),
    end: (sessionId, why = 'session-ended', network) =>
      transaction((query, revoke) => endSession(query, revoke, { sessionId, why, network })),
    endOwn: (caller, sessionId) =>
      transaction((query, revoke) => endOwn(query, revoke, caller, sessionId)),
  }
}

/** Generations as they are minted: what is stored, on top of the epoch's base. */
function selectKnownAt(clock: 'transaction_now()' | 'statement_now()'): string {
  return `
    SELECT ${clock} AS read_at, least(${clock}, revocation_head.at) AS vouched_at, sessions.*, roles, attributes, blocked_at,
           base + accounts.generation AS account_generation, base + login_floor AS login_floor,
           clients.name AS client_name, enabled, public, grants, clients.audiences AS client_audiences,
           base + clients.generation AS client_generation
    FROM sessions
    JOIN accounts ON accounts.id = account_id
    JOIN clients ON clients.id = client_id
    CROSS JOIN revocation_head`
}

/** Where the first page begins: behind a login later than any. */
const beforeAll = { authenticatedAt: Number.MAX_SAFE_INTEGER, id: '' }

/** A session with its account and its client; not with what is said about its owner. */
export const selectKnown: string = selectKnownAt('transaction_now()')

/** One statement: whether the token was taken back is seen at the same moment as the session. */
async function find(
  query: Query,
  sessionId: string,
  foundBy: TokenMarks | undefined,
): Promise<KnownSession | undefined> {
  const where = `${selectKnown} WHERE sessions.id = $1`
  const [row] =
    foundBy === undefined
      ? await query(where, [sessionId])
      : await query(`${where} AND ${isNotTakenBack}`, [sessionId, ...columnsOfMarks(foundBy)])
  if (row === undefined) return undefined
  const session = knownSessionOf(row)
  return foundBy === undefined ? session : { ...session, foundBy }
}

/** How many sessions that are over a page passes by. */
const passedByMax = 200

async function listLive(
  query: Query,
  accountId: string,
  { limit, after = beforeAll }: SessionPage,
): Promise<SessionList> {
  const lookedAtMax = limit + passedByMax
  const rows = await query(
    `${selectKnown}
     WHERE account_id = $1 AND ended_at IS NULL AND (authenticated_at, sessions.id) < ($2, $3)
     ORDER BY authenticated_at DESC, sessions.id DESC LIMIT $4`,
    [accountId, after.authenticatedAt, after.id, lookedAtMax],
  )
  const lookedAt = rows.map(knownSessionOf)
  const live = lookedAt.filter(isLive)
  const sessions = live.slice(0, limit)
  if (live.length > limit) return { sessions, next: sessions.at(-1) }
  return { sessions, next: lookedAt.length === lookedAtMax ? lookedAt.at(-1) : undefined }
}

interface SessionEnd {
  readonly sessionId: string
  readonly why: EventKind
  readonly network?: string | undefined
  /** By whom, where it was somebody else. */
  readonly decided?: Pick<Decision, 'actor' | 'reason'>
}

export async function endSession(
  query: Query,
  revoke: Revoke,
  { sessionId, why, network, decided }: SessionEnd,
): Promise<RevocationPosition> {
  const [row] = await query(
    `UPDATE sessions SET ended_at = statement_now() WHERE id = $1 AND ended_at IS NULL
     RETURNING account_id, client_id`,
    [sessionId],
  )
  if (row === undefined) return currentPosition(query)
  await appendEvent(query, {
    kind: why,
    accountId: text(row, 'account_id'),
    sessionId,
    clientId: text(row, 'client_id'),
    network,
    ...(decided && decidedBy(decided)),
  })
  return revoke({ kind: 'session', key: sessionId, floor: 0 })
}

async function endOwn(
  query: Query,
  revoke: Revoke,
  caller: Caller,
  sessionId: string,
): Promise<OwnSessionEnd | TooOften> {
  if ((await lockCaller(query, caller)) === undefined) return { kind: 'superseded' }
  const { accountId } = caller
  const [own] = await query('SELECT ended_at FROM sessions WHERE id = $1 AND account_id = $2', [
    sessionId,
    accountId,
  ])
  if (own === undefined) return { kind: 'unknown' }
  const isLogout = sessionId === caller.sessionId
  const isEnded = optionalInteger(own, 'ended_at') !== undefined
  const tooOften = isLogout || isEnded ? undefined : await countEnding(query, accountId)
  if (tooOften !== undefined) return tooOften
  const ending = { sessionId, why: 'session-ended', network: caller.network } as const
  return { kind: 'ended', position: await endSession(query, revoke, ending) }
}

async function reauthenticate(
  query: Query,
  { sessionId, accountId, generation }: Reauthentication,
): Promise<ReauthenticationOutcome> {
  // Nobody changes the password, or blocks the account, from here on.
  await query('SELECT id FROM accounts WHERE id = $1 FOR UPDATE', [accountId])
  const session = (await lockRotatable(query, sessionId))?.session
  const isCurrent =
    session !== undefined &&
    session.accountId === accountId &&
    generation >= session.account.loginFloor &&
    isLive(session)
  if (!isCurrent) return { kind: 'superseded' }
  await query('UPDATE sessions SET reauthenticated_at = statement_now() WHERE id = $1', [sessionId])
  return { kind: 'reauthenticated' }
}

/**
 * The rotation that nearly all are, in one statement: the current token, outside the window, of a session
 * that may go on. Undefined when it is none of these; then nothing was written, and `rotate` finds out.
 */
async function rotateAtOnce(
  database: Database,
  { sessionId, counter, attemptHash, graceMs, idleMs }: RotationRequest,
): Promise<RotationOutcome | undefined> {
  const rotated = await database.write(
    `UPDATE sessions SET counter = counter + 1, rotated_at = statement_now(), attempt_hash = $3,
                         last_used_at = statement_now(),
                         idle_expires_at = least(statement_now() + $5, expires_at)
     WHERE id = $1 AND counter = $2 AND ended_at IS NULL
       AND statement_now() < idle_expires_at AND statement_now() < expires_at
       AND (rotated_at IS NULL OR abs(statement_now() - rotated_at) >= $4)
       AND EXISTS (SELECT 1 FROM accounts CROSS JOIN revocation_head
                   WHERE accounts.id = account_id AND blocked_at IS NULL
                     AND base + login_floor <= sessions.generation)
       AND EXISTS (SELECT 1 FROM clients
                   WHERE clients.id = client_id AND enabled = 1 AND grants LIKE '%"refresh_token"%')
     RETURNING counter`,
    [sessionId, counter, attemptHash ?? null, graceMs, idleMs],
  )
  return rotated.length === 1 ? { kind: 'rotated', counter: counter + 1 } : undefined
}

/** Reads again what the caller has read before it signed: the world may have changed meanwhile. */
async function rotate(
  query: Query,
  revoke: Revoke,
  request: RotationRequest,
): Promise<RotationOutcome> {
  const { sessionId, graceMs } = request
  const rotatable = await lockRotatable(query, sessionId)
  if (rotatable === undefined) return { kind: 'gone' }
  const { session, state } = rotatable
  if (!isLive(session) || !session.client.mayRefresh) return { kind: 'gone' }
  const decision = decideRotation(state, request, { now: session.readAt, graceMs })
  const { accountId, clientId } = session
  const { network } = request
  switch (decision.kind) {
    case 'repeated':
      return decision
    case 'reused':
      await query('UPDATE sessions SET ended_at = statement_now() WHERE id = $1', [sessionId])
      await appendEvent(query, { kind: 'refresh-reuse', accountId, sessionId, clientId, network })
      await revoke({ kind: 'session', key: sessionId, floor: 0 })
      return decision
    case 'ahead':
      await appendEvent(query, { kind: 'history-lost', accountId, sessionId, clientId, network })
      break
    case 'rotated':
  }
  await writeRotation(query, decision.counter, request)
  return decision
}

/** A session and where its refresh tokens are, which nobody else can change before the transaction is over. */
interface Rotatable {
  readonly session: KnownSession
  readonly state: RotationState
}

/**
 * The account and the session of somebody who changes something of his own; undefined when his session ended or
 * his token was taken back since it was judged, so that nothing may be changed.
 */
export async function lockCaller(query: Query, caller: Caller): Promise<Rotatable | undefined> {
  await query('SELECT id FROM accounts WHERE id = $1 FOR UPDATE', [caller.accountId])
  const rotatable = await lockRotatable(query, caller.sessionId)
  if (rotatable === undefined || !isStillCaller(caller, rotatable.session)) return undefined
  // Whoever revokes the token waits for the session, which is locked by now (`revoked-tokens`).
  const { foundBy } = caller
  return foundBy !== undefined && (await isTakenBack(query, foundBy)) ? undefined : rotatable
}

async function lockRotatable(query: Query, sessionId: string): Promise<Rotatable | undefined> {
  const [row] = await query(
    `${selectKnownAt('statement_now()')} WHERE sessions.id = $1 FOR UPDATE OF sessions`,
    [sessionId],
  )
  if (row === undefined) return undefined
  const state = {
    counter: integer(row, 'counter'),
    rotatedAt: optionalInteger(row, 'rotated_at'),
    attemptHash: optionalText(row, 'attempt_hash'),
  }
  return { session: knownSessionOf(row), state }
}

/** Moves a session to its next refresh token. */
async function writeRotation(
  query: Query,
  counter: number,
  { sessionId, attemptHash, idleMs }: RotationRequest,
): Promise<void> {
  await query(
    `UPDATE sessions SET counter = $2, rotated_at = statement_now(), attempt_hash = $3,
                         last_used_at = statement_now(),
                         idle_expires_at = least(statement_now() + $4, expires_at)
     WHERE id = $1`,
    [sessionId, counter, attemptHash ?? null, idleMs],
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
    delivery: deliveryOf(row),
    keyThumbprint: optionalText(row, 'dpop_jkt'),
  }
}

function deliveryOf(row: Row): Delivery {
  return text(row, 'delivery') === 'cookie' ? 'cookie' : 'body'
}

export function knownSessionOf(row: Row): KnownSession {
  return {
    ...sessionOf(row),
    readAt: integer(row, 'read_at'),
    vouchedAt: integer(row, 'vouched_at'),
    counter: integer(row, 'counter'),
    lastUsedAt: integer(row, 'last_used_at'),
    reauthenticatedAt: optionalInteger(row, 'reauthenticated_at'),
    isEnded: optionalInteger(row, 'ended_at') !== undefined,
    account: {
      generation: integer(row, 'account_generation'),
      loginFloor: integer(row, 'login_floor'),
      isBlocked: optionalInteger(row, 'blocked_at') !== undefined,
      roles: list(row, 'roles'),
      attributes: attributes(row),
    },
    client: {
      name: text(row, 'client_name'),
      isEnabled: integer(row, 'enabled') === 1,
      isPublic: integer(row, 'public') === 1,
      audiences: list(row, 'client_audiences'),
      mayRefresh: list(row, 'grants').includes('refresh_token'),
      generation: integer(row, 'client_generation'),
    },
  }
}
