import type { AccessToken } from '../domain/access-tokens.ts'
import type { IssuedRefreshToken } from '../domain/refresh-tokens.ts'
import type { Delivery, Session } from '../domain/sessions.ts'
import { refreshCookie } from './refresh-cookie.ts'

/** RFC 6749 section 5.1. */
export function accessTokenMembers({
  accessToken,
  type,
  expiresInSeconds,
  scopes,
}: AccessToken): object {
  return {
    access_token: accessToken,
    token_type: type,
    expires_in: expiresInSeconds,
    scope: scopes.join(' '),
  }
}

interface SessionTokens {
  readonly token: AccessToken
  readonly refresh?: IssuedRefreshToken
  readonly session: Pick<Session, 'id' | 'delivery'>
}

/** What everything answers that hands out tokens of a session. A refresh token goes the way of its session. */
export function sessionTokenMembers({ token, refresh, session }: SessionTokens): object {
  return {
    ...accessTokenMembers(token),
    ...(refresh === undefined ? {} : refreshTokenMembers(refresh, session.delivery)),
    session_id: session.id,
  }
}

function refreshTokenMembers(refresh: IssuedRefreshToken, delivery: Delivery): object {
  const expiry = { refresh_expires_in: refresh.expiresInSeconds }
  return delivery === 'body' ? { refresh_token: refresh.token, ...expiry } : expiry
}

/** The header fields that go with these members. */
export function sessionTokenFields({ refresh, session }: SessionTokens): Record<string, string> {
  return refresh !== undefined && session.delivery === 'cookie'
    ? { 'set-cookie': refreshCookie(refresh) }
    : {}
}
