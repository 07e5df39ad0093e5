import type { AccessToken } from '../domain/access-tokens.ts'
import type { IssuedRefreshToken } from '../domain/refresh-tokens.ts'

/** RFC 6749 section 5.1. */
export function accessTokenMembers({ accessToken, expiresInSeconds, scopes }: AccessToken): object {
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    scope: scopes.join(' '),
  }
}

/** What a login, a refresh and a change of the password answer alike. */
export function sessionTokenMembers({
  token,
  refresh,
  session,
}: {
  readonly token: AccessToken
  readonly refresh?: IssuedRefreshToken
  readonly session: { readonly id: string }
}): object {
  return {
    ...accessTokenMembers(token),
    ...(refresh === undefined
      ? {}
      : { refresh_token: refresh.token, refresh_expires_in: refresh.expiresInSeconds }),
    session_id: session.id,
  }
}
