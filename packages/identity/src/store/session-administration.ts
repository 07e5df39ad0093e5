import type {
  DecidedSessionEnd,
  ListedSession,
  ListedSessions,
  SessionAdministration,
  SessionDecision,
  SessionFilter,
} from '../domain/session-administration.ts'
import type { SessionCursor, SessionPage } from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import { integer, optionalInteger, text } from './columns.ts'
import type { Conditions } from './conditions.ts'
import { createConditions } from './conditions.ts'
import type { Database, Query, Row } from './database.ts'
import { lockDecided } from './decisions.ts'
import type { Revoke, RevokingTransaction } from './revocations.ts'
import { endSession, knownSessionOf, selectKnown } from './sessions.ts'

export function createSessionAdministration(
  { read }: Pick<Database, 'read'>,
  transaction: RevokingTransaction,
): SessionAdministration {
  return {
    list: (filter, page) => listSessions(read, filter, page),
    end: (decision) => transaction((query, revoke) => endDecided(query, revoke, decision)),
  }
}

const newestFirst = 'ORDER BY authenticated_at DESC, id DESC'

/** How many sessions that are over a page passes by. */
const passedByMax = 200
/** How many sessions are searched for those of one client: a few milliseconds. */
const searchedMax = 10_000

async function listSessions(
  read: Query,
  { accountId, client, withDead }: SessionFilter,
  { limit, after }: SessionPage,
): Promise<ListedSessions> {
  const conditions = createConditions()
  if (accountId !== undefined) conditions.add('account_id = ?', accountId)
  // The other index of an account's sessions is in order, and has none of those that ended.
  if (!withDead) conditions.add('ended_at IS NULL')
  conditions.add(
    '(authenticated_at, id) < (?, ?)',
    after?.authenticatedAt ?? Number.MAX_SAFE_INTEGER,
    after?.id ?? '',
  )
  const end = client === undefined ? undefined : await endOfPage(read, conditions)
  if (end !== undefined) {
    conditions.add('(authenticated_at, id) >= (?, ?)', end.authenticatedAt, end.id)
  }
  if (client !== undefined) {
    conditions.add('client_id IN (SELECT id FROM clients WHERE id = ? OR name = ?)', client, client)
  }
  const lookedAtMax = limit + (withDead ? 1 : passedByMax)
  const rows = await read(
    // Which ones, before anything is looked up for them.
    `SELECT known.*, identifier
     FROM (${selectKnown}
           WHERE sessions.id IN (SELECT id FROM sessions WHERE ${conditions.text()}
                                 ${newestFirst} LIMIT ${conditions.place(lookedAtMax)})) AS known
     JOIN accounts ON accounts.id = known.account_id
     ORDER BY known.authenticated_at DESC, known.id DESC`,
    conditions.values(),
  )
  const lookedAt = rows.map(listedSessionOf)
  const wanted = withDead ? lookedAt : lookedAt.filter(isLive)
  const sessions = wanted.slice(0, limit)
  if (wanted.length > limit) return { sessions, next: sessions.at(-1) }
  return { sessions, next: lookedAt.length === lookedAtMax ? lookedAt.at(-1) : end }
}

/** The last session that such a page looks at; undefined when it comes to the end. */
async function endOfPage(read: Query, conditions: Conditions): Promise<SessionCursor | undefined> {
  const [row] = await read(
    `SELECT authenticated_at, id FROM sessions WHERE ${conditions.text()}
     ${newestFirst} LIMIT 1 OFFSET ${searchedMax - 1}`,
    conditions.values(),
  )
  return row && { authenticatedAt: integer(row, 'authenticated_at'), id: text(row, 'id') }
}

function listedSessionOf(row: Row): ListedSession {
  return {
    ...knownSessionOf(row),
    identifier: text(row, 'identifier'),
    endedAt: optionalInteger(row, 'ended_at'),
  }
}

/** Whose a session is never changes, so it is read before anything is locked. */
async function endDecided(
  query: Query,
  revoke: Revoke,
  { sessionId, actor, reason }: SessionDecision,
): Promise<DecidedSessionEnd> {
  const [row] = await query('SELECT account_id FROM sessions WHERE id = $1', [sessionId])
  // An actor who may do nothing any more is told so of what is not there too.
  const accountId = row === undefined ? '' : text(row, 'account_id')
  const decided = await lockDecided(query, { accountId, actor, reason })
  if (decided.kind !== 'target') return decided
  const position = await endSession(query, revoke, {
    sessionId,
    why: 'session-ended',
    decided: { actor, reason },
  })
  return { kind: 'ended', accountId, position }
}
