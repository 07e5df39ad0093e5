import type { FastifyReply, FastifyRequest } from 'fastify'
import { VerifyError } from '@portcullis/verify'
import type { AccountStore } from '../domain/accounts.ts'
import { callerOf, holderOf } from '../domain/callers.ts'
import { recogniseAtLogout } from '../domain/logout.ts'
import type { RefreshPeppers } from '../domain/refresh-tokens.ts'
import type { Caller, KnownSession, SessionStore } from '../domain/sessions.ts'
import { isLive } from '../domain/sessions.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { presentedRefreshToken } from './presented-refresh-token.ts'
import { sendVerifyError } from './problems.ts'
import { clearedRefreshCookie } from './refresh-cookie.ts'
import type { ProofParts } from './proofs.ts'
import { keyProved, proofError } from './proofs.ts'
import type { HttpServer } from './server.ts'

export interface LogoutParts extends ProofParts {
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
 *
 * Where the session is bound to a key, its refresh token alone is enough for `/logout`: to leave must be possible
 * when the key is gone, and all that a thief gets is that the owner signs in again. It is not for
 * `/logout/everywhere`, which ends sessions that the token says nothing of.
 */
export function addLogout(app: HttpServer, parts: LogoutParts): void {
  const { issuer, accounts, sessions } = parts
  const schema = { body: logoutBody }

  app.post(pathAtIssuer(issuer, '/logout'), { schema }, async (request, reply) => {
    const presented = await sessionOf(parts, request, request.body)
    if (presented.kind === 'refused') return sendRefusal(reply, issuer, presented)
    const { session, fields } = presented
    const revocation = await sessions.end(session.id, 'session-ended', request.ip)
    request.log.info({ event: 'authn_token_revoked', sessionId: session.id }, 'logout')
    return reply.headers(fields).send({ revocation })
  })

  app.post(pathAtIssuer(issuer, '/logout/everywhere'), { schema }, async (request, reply) => {
    const presented = await sessionOf(parts, request, request.body)
    if (presented.kind === 'refused') return sendRefusal(reply, issuer, presented)
    const { session, caller, isStolen, fields } = presented
    if (presented.isByRefreshToken) await requireKeyOf(parts, session, request)
    // Whoever holds a token that was taken back must not be able to throw its owner out.
    if (isStolen || !isLive(session)) {
      const why = 'the session of the token is over'
      return sendRefusal(reply, issuer, { why, fields })
    }
    const outcome = await accounts.endAllSessions(caller)
    if (outcome.kind === 'superseded') {
      return sendRefusal(reply, issuer, { why: 'the session of the token is over', fields })
    }
    request.log.info(
      { event: 'authn_token_revoked', accountId: session.accountId },
      'logout everywhere',
    )
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
      readonly isByRefreshToken: boolean
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
    const caller = callerOf(session, request.ip)
    return {
      kind: 'session',
      session,
      caller,
      isByRefreshToken: false,
      isStolen: false,
      fields: {},
    }
  }
  if (request.headers.authorization !== undefined) {
    // They may be of two sessions, and the answer would vouch for the end of only one.
    throw new VerifyError('invalid-request', 'send one token: access or refresh', { realm })
  }
  const recognised = await recogniseAtLogout(parts, presented.refreshToken, request.ip)
  const fields: Fields =
    presented.delivery === 'cookie' ? { 'set-cookie': clearedRefreshCookie } : {}
  if (recognised.kind === 'unknown') {
    return { kind: 'refused', why: 'the refresh token is not one of a session', fields }
  }
  const { kind, session } = recognised
  const isStolen = kind === 'stolen'
  if (isStolen)
    request.log.info(
      { event: 'authn_token_reuse', outcome: 'refresh-reuse', sessionId: session.id },
      'logout',
    )
  const caller = holderOf(session, request.ip)
  return { kind: 'session', session, caller, isByRefreshToken: true, isStolen, fields }
}

/** That whoever sends a refresh token of a bound session holds the key. An access token has shown it. */
async function requireKeyOf(
  parts: LogoutParts,
  { keyThumbprint }: KnownSession,
  request: FastifyRequest,
): Promise<void> {
  if (keyThumbprint === undefined || (await keyProved(parts, request)) === keyThumbprint) return
  throw proofError(
    parts,
    'proof-required',
    'the refresh token needs a proof of the key it is bound to',
  )
}

function sendRefusal(
  reply: FastifyReply,
  realm: string,
  { why, fields }: { readonly why: string; readonly fields: Fields },
): FastifyReply {
  const error = new VerifyError('invalid-token', why, { realm })
  return sendVerifyError(reply, error, fields)
}
