import { createProblem } from '@portcullis/protocol'
import type { KnownSession, SessionStore } from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface SessionsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly sessions: SessionStore
}

const sessionPath = {
  type: 'object',
  required: ['sid'],
  properties: { sid: { type: 'string' } },
} as const

/** Where the owner is signed in, and the end of any of it. */
export function addSessions(app: HttpServer, parts: SessionsParts): void {
  const { issuer, callers, sessions } = parts

  app.get(pathAtIssuer(issuer, '/sessions'), async (request) => {
    const caller = await callers.requirePerson(request)
    const all = await sessions.listOf(caller.accountId)
    const live = all.filter(isLive)
    return { sessions: live.map((session) => membersOf(session, caller.id)) }
  })

  app.delete(
    pathAtIssuer(issuer, '/sessions/:sid'),
    { schema: { params: sessionPath } },
    async (request, reply) => {
      const caller = await callers.requirePerson(request)
      const session = await sessions.find(request.params.sid)
      // Somebody else's session does not exist for the caller.
      if (session === undefined || session.accountId !== caller.accountId) {
        return sendProblem(reply, createProblem('not-found'))
      }
      const revocation = await sessions.end(session.id)
      request.log.info({ sessionId: session.id }, 'session ended by its owner')
      return reply.send({ revocation })
    },
  )
}

function membersOf(session: KnownSession, currentId: string): object {
  return {
    id: session.id,
    current: session.id === currentId,
    client: session.client.name,
    device: session.device,
    network: session.network,
    created_at: new Date(session.authenticatedAt).toISOString(),
    last_used_at: new Date(session.lastUsedAt).toISOString(),
    expires_at: new Date(Math.min(session.idleExpiresAt, session.expiresAt)).toISOString(),
  }
}
