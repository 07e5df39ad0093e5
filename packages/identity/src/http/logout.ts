import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemOf, responseHeadersOf, VerifyError } from '@portcullis/verify'
import type { AccountStore } from '../domain/accounts.ts'
import { callerOf, holderOf } from '../domain/callers.ts'
import { recogniseAtLogout } from '../domain/logout.ts'
import type { RefreshPeppers } from '../domain/refresh-tokens.ts'
import type { Caller, KnownSession, SessionStore } from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { presentedRefreshToken } from './presented-refresh-token.ts'
import { clearedRefreshCookie } from './refresh-cookie.ts'
import type { HttpServer } from './server.ts'

export interface LogoutParts {
  readonly issuer: string
  readonly callers: Callers
  readonly accounts: AccountStore
  readonly sessions: SessionStore
  readonly peppers: RefreshPeppers
  /** Whose pages may log out by the cookie. */
  readonly ownOrigins: ReadonlySet<string>
}

const logoutBody = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: { refresh_token: { type: 'string', minLength: 1, maxLength: 512 } },
} as const

type LogoutBody = { readonly refresh_token?: string } | null | undefined

/**
 * Both routes take a live access token of the session, whatever its audience, or a refresh token of it, also
 * as the cookie, which they take away. `/logout` with the refresh token of a session that is over already
 * is fine: that is what was wanted.
 */
export function addLogout(app: HttpServer, parts: LogoutParts): void {
  const { issuer, accounts, sessions } = parts
  const schema = { body: logoutBody }

  app.post(pathAtIssuer(issuer, '/logout'), { schema }, async (request, reply) => {
    const presented = await sessionOf(parts, request, request.body)
    if (presented.kind === 'refused') return sendRefusal(reply, issuer, presented)
    const { session, fields } = presented
    const revocation = await sessions.end(session.id)
    request.log.info({ sessionId: session.id }, 'logout')
    return reply.headers(fields).send({ revocation })
  })

  app.post(pathAtIssuer(issuer, '/logout/everywhere'), { schema }, async (request, reply) => {
    const presented = await sessionOf(parts, request, request.body)
    if (presented.kind === 'refused') return sendRefusal(reply, issuer, presented)
    const { session, caller, isStolen, fields } = presented
    // Whoever holds a token that was taken back must not be able to throw its owner out.
    if (isStolen || !isLive(session)) {
      const why = 'the session of the token is over'
      return sendRefusal(reply, issuer, { why, fields })
    }
    const outcome = await accounts.endAllSessions(caller)
    if (outcome.kind === 'superseded') {
      return sendRefusal(reply, issuer, { why: 'the session of the token is over', fields })
    }
    request.log.info({ accountId: session.accountId }, 'logout everywhere')
    return reply.headers(fields).send({ revocation: outcome.position })
  })
}

/** Takes the cookie away, whatever is answered; not where nothing is known, so that it can be tried again. */
type Fields = Readonly<Record<string, string>>

type PresentedSession =
  | {
      readonly kind: 'session'
      readonly session: KnownSession
      readonly caller: Caller
      readonly isStolen: boolean
      readonly fields: Fields
    }
  | { readonly kind: 'refused'; readonly why: string; readonly fields: Fields }

async function sessionOf(
  parts: LogoutParts,
  request: FastifyRequest,
  body: LogoutBody,
): Promise<PresentedSession> {
  const { callers, issuer: realm, ownOrigins } = parts
  const presented = presentedRefreshToken(request, body?.refresh_token, ownOrigins)
  if (presented.kind === 'refused')
    throw new VerifyError(presented.why, presented.detail, { realm })
  if (presented.kind === 'none') {
    const session = await callers.requireSession(request)
    return { kind: 'session', session, caller: callerOf(session), isStolen: false, fields: {} }
  }
  if (request.headers.authorization !== undefined) {
    // They may be of two sessions, and the answer would vouch for the end of only one.
    throw new VerifyError('invalid-request', 'send one token: access or refresh', { realm })
  }
  const recognised = await recogniseAtLogout(parts, presented.refreshToken)
  const fields: Fields =
    presented.delivery === 'cookie' ? { 'set-cookie': clearedRefreshCookie } : {}
  if (recognised.kind === 'unknown') {
    return { kind: 'refused', why: 'the refresh token is not one of a session', fields }
  }
  const { kind, session } = recognised
  const isStolen = kind === 'stolen'
  if (isStolen) request.log.info({ outcome: 'refresh-reuse', sessionId: session.id }, 'logout')
  return { kind: 'session', session, caller: holderOf(session), isStolen, fields }
}

function sendRefusal(
  reply: FastifyReply,
  realm: string,
  { why, fields }: { readonly why: string; readonly fields: Fields },
): FastifyReply {
  const error = new VerifyError('invalid-token', why, { realm })
  return reply
    .code(error.status)
    .headers({ ...responseHeadersOf(error), ...fields })
    .send(problemOf(error))
}
