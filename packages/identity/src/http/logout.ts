import type { FastifyReply, FastifyRequest } from 'fastify'
import { VerifyError } from '@portcullis/verify'
import type { AccountStore } from '../domain/accounts.ts'
import { recogniseAtLogout } from '../domain/logout.ts'
import type { RefreshPeppers } from '../domain/refresh-tokens.ts'
import type { KnownSession, SessionStore } from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import type { HttpServer } from './server.ts'

export interface LogoutParts {
  readonly issuer: string
  readonly callers: Callers
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly peppers: RefreshPeppers
}

const logoutBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { refresh_token: { type: 'string', minLength: 1, maxLength: 512 } },
} as const

type LogoutBody = { readonly refresh_token?: string } | null | undefined

/**
 * Both routes take a live access token of the session, whatever its audience, or a refresh token of it.
 * `/logout` with the refresh token of a session that is over already is fine: that is what was wanted.
 */
export function addLogout(app: HttpServer, parts: LogoutParts): void {
  const { issuer, accounts, sessions } = parts
  const schema = { body: logoutBody }

  app.post(pathAtIssuer(issuer, '/logout'), { schema }, async (request, reply) => {
    const { session } = await sessionOf(parts, request, request.body)
    const revocation = await sessions.end(session.id)
    request.log.info({ sessionId: session.id }, 'logout')
    return answer(reply, revocation)
  })

  app.post(pathAtIssuer(issuer, '/logout/everywhere'), { schema }, async (request, reply) => {
    const { session, isStolen } = await sessionOf(parts, request, request.body)
    // Whoever holds a token that was taken back must not be able to throw its owner out.
    if (isStolen || !isLive(session)) {
      throw refused(issuer, 'the session of the token is over')
    }
    const revocation = await accounts.endAllSessions(session.accountId)
    request.log.info({ accountId: session.accountId }, 'logout everywhere')
    return answer(reply, revocation)
  })
}

interface PresentedSession {
  readonly session: KnownSession
  readonly isStolen: boolean
}

async function sessionOf(
  parts: LogoutParts,
  request: FastifyRequest,
  body: LogoutBody,
): Promise<PresentedSession> {
  const refreshToken = body?.refresh_token
  if (refreshToken === undefined) {
    return { session: await parts.callers.requireSession(request), isStolen: false }
  }
  if (request.headers.authorization !== undefined) {
    // They may be of two sessions, and the answer would vouch for the end of only one.
    const realm = parts.issuer
    throw new VerifyError('invalid-request', 'send one token: access or refresh', { realm })
  }
  const recognised = await recogniseAtLogout(parts, refreshToken)
  if (recognised.kind === 'unknown') {
    throw refused(parts.issuer, 'the refresh token is not one of a session')
  }
  const { kind, session } = recognised
  const isStolen = kind === 'stolen'
  if (isStolen) request.log.info({ outcome: 'refresh-reuse', sessionId: session.id }, 'logout')
  return { session, isStolen }
}

function refused(realm: string, description: string): VerifyError {
  return new VerifyError('invalid-token', description, { realm })
}

function answer(reply: FastifyReply, revocation: object): FastifyReply {
  return reply.send({ revocation })
}
