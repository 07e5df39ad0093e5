import { createProblem } from '@portcullis/runtime'
import type { AccountAdministration } from '../domain/account-administration.ts'
import type { ListedSession, SessionAdministration } from '../domain/session-administration.ts'
import { isLive } from '../domain/sessions.ts'
import { decisionBody, reasonText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { longPageLimit, nextMember, pageCursor } from './page-queries.ts'
import { sendOverruled, sendProblem, sendUnfit } from './problems.ts'
import type { HttpServer } from './server.ts'
import { sessionPageOf, useOf } from './sessions.ts'

export interface AdminSessionsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly administration: Pick<AccountAdministration, 'logOutEverybody'>
  readonly sessionAdministration: SessionAdministration
}

const listQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    account: { type: 'string', minLength: 1, maxLength: 64 },
    client: { type: 'string', minLength: 1, maxLength: 64 },
    state: { enum: ['live', 'all'] },
    limit: longPageLimit,
    after: pageCursor,
  },
} as const

const sessionPath = {
  type: 'object',
  required: ['sid'],
  properties: { sid: { type: 'string' } },
} as const

const endAllBody = {
  type: 'object',
  required: ['issuer', 'reason'],
  additionalProperties: false,
  properties: {
    issuer: { type: 'string', minLength: 1, maxLength: 2048 },
    reason: reasonText,
  },
} as const

/** Where people are signed in, and the end of any of it. Every change is kept with who made it and why. */
export function addAdminSessions(app: HttpServer, parts: AdminSessionsParts): void {
  const { issuer, callers, sessionAdministration } = parts

  const list = { schema: { querystring: listQuery } }
  app.get(pathAtIssuer(issuer, '/admin/sessions'), list, async (request) => {
    await callers.requireAdministrator(request)
    const { account: accountId, client, state } = request.query
    const { sessions, next } = await sessionAdministration.list(
      { accountId, client, withDead: state === 'all' },
      sessionPageOf(request.query),
    )
    return {
      sessions: sessions.map(membersOf),
      ...nextMember(next && { at: next.authenticatedAt, id: next.id }),
    }
  })

  const one = { schema: { params: sessionPath, body: decisionBody } }
  app.delete(pathAtIssuer(issuer, '/admin/sessions/:sid'), one, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const sessionId = request.params.sid
    const outcome = await sessionAdministration.end({ sessionId, actor, ...request.body })
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    const { accountId, position } = outcome
    request.log.info(
      { event: 'authz_admin', sessionId, accountId, actor: actor.accountId },
      'session ended',
    )
    return reply.send({ revocation: position })
  })

  addEndOfAll(app, parts)
}

/** The end of everybody's sessions (ASVS 7.4.5). It names the system, so that nobody empties the wrong one. */
function addEndOfAll(app: HttpServer, parts: AdminSessionsParts): void {
  const { issuer, callers, administration } = parts
  const schema = { body: endAllBody }
  app.post(pathAtIssuer(issuer, '/admin/sessions/end-all'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const { issuer: meant, reason } = request.body
    if (meant !== issuer) return sendUnfit(reply, 'issuer', 'is not the one that was asked')
    const outcome = await administration.logOutEverybody({ actor, reason })
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.warn({ event: 'authz_admin', actor: actor.accountId }, "everybody's sessions ended")
    return reply.send({ revocation: outcome.position })
  })
}

function membersOf(session: ListedSession): object {
  const { id, accountId, identifier, endedAt } = session
  return {
    id,
    account: { id: accountId, identifier },
    live: isLive(session),
    ...useOf(session),
    ended_at: endedAt === undefined ? undefined : new Date(endedAt).toISOString(),
  }
}
