import { createProblem } from '@portcullis/runtime'
import type { FastifyReply } from 'fastify'
import { callerOf } from '../domain/callers.ts'
import type { OtherSessionsParts } from '../domain/other-sessions.ts'
import { endOtherSessions } from '../domain/other-sessions.ts'
import type { KnownSession, SessionPage, SessionStore, TooOften } from '../domain/sessions.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { deviceNameOf } from './device-names.ts'
import { limitOf, nextMember, pageCursor, parseCursor, shortPageLimit } from './page-queries.ts'
import { sendProblem, sendThrottled } from './problems.ts'
import type { HttpServer } from './server.ts'
import { sessionTokenMembers } from './token-members.ts'

export interface SessionsParts extends OtherSessionsParts {
  readonly callers: Callers
  readonly sessions: SessionStore
}

const sessionPath = {
  type: 'object',
  required: ['sid'],
  properties: { sid: { type: 'string' } },
} as const

/** Whoever says something there wants what these routes do not do, and would be surprised by what they do. */
const noMembers = { type: ['object', 'null'], additionalProperties: false } as const

const pageQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    limit: shortPageLimit,
    after: pageCursor,
  },
} as const

/** The page of a list of sessions, which are in the order of their logins. */
export function sessionPageOf(query: {
  readonly limit?: string | undefined
  readonly after?: string | undefined
}): SessionPage {
  const after = parseCursor(query.after)
  return { limit: limitOf(query), after: after && { authenticatedAt: after.at, id: after.id } }
}

/** Where the owner is signed in, and the end of any of it. */
export function addSessions(app: HttpServer, parts: SessionsParts): void {
  const { issuer, callers, sessions } = parts

  const list = { schema: { querystring: pageQuery } }
  app.get(pathAtIssuer(issuer, '/sessions'), list, async (request) => {
    const caller = await callers.requirePerson(request)
    const { sessions: page, next } = await sessions.listOf(
      caller.accountId,
      sessionPageOf(request.query),
    )
    return {
      sessions: page.map((session) => membersOf(session, caller.id)),
      ...nextMember(next && { at: next.authenticatedAt, id: next.id }),
    }
  })

  const endOthers = { schema: { body: noMembers } }
  app.post(pathAtIssuer(issuer, '/sessions/end-others'), endOthers, async (request, reply) => {
    const { session: caller, keyThumbprint } = await callers.requireHolder(request)
    const outcome = await endOtherSessions(parts, caller, { network: request.ip, keyThumbprint })
    if (outcome.kind === 'superseded') return sendSuperseded(reply)
    if (outcome.kind === 'too-often') return sendTooOften(reply, outcome)
    request.log.info({ event: 'authn_token_revoked', sessionId: caller.id }, 'other sessions ended')
    const { fresh, position } = outcome
    const tokens = fresh === undefined ? {} : sessionTokenMembers(fresh)
    return reply.send({ ...tokens, revocation: position })
  })

  app.delete(
    pathAtIssuer(issuer, '/sessions/:sid'),
    { schema: { params: sessionPath, body: noMembers } },
    async (request, reply) => {
      const caller = await callers.requirePerson(request)
      const sessionId = request.params.sid
      const outcome = await sessions.endOwn(callerOf(caller, request.ip), sessionId)
      // Somebody else's session does not exist for the caller.
      if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
      if (outcome.kind === 'superseded') return sendSuperseded(reply)
      if (outcome.kind === 'too-often') return sendTooOften(reply, outcome)
      request.log.info({ event: 'authn_token_revoked', sessionId }, 'session ended by its owner')
      return reply.send({ revocation: outcome.position })
    },
  )
}

function sendSuperseded(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, createProblem('superseded', 'the session has ended meanwhile'))
}

function sendTooOften(reply: FastifyReply, { retryAfterSeconds }: TooOften): FastifyReply {
  return sendThrottled(reply, retryAfterSeconds, 'too many sessions were ended one by one')
}

function membersOf(session: KnownSession, currentId: string): object {
  return { id: session.id, current: session.id === currentId, ...useOf(session) }
}

/** What a session is known by, and from when to when it is used. */
export function useOf(session: KnownSession): object {
  return {
    bound: session.keyThumbprint !== undefined,
    client: session.client.name,
    device: session.device,
    ...(session.device !== undefined && deviceNameOf(session.device)),
    network: session.network,
    created_at: new Date(session.authenticatedAt).toISOString(),
    last_used_at: new Date(session.lastUsedAt).toISOString(),
    expires_at: new Date(Math.min(session.idleExpiresAt, session.expiresAt)).toISOString(),
  }
}
