import type { NewToken } from './held-token.ts'
import { isBearerToken } from './held-token.ts'
import type { IssuerAnswer, LostAnswer } from './issuer-request.ts'

/** What an issuer hands out: at login, at each refresh, after a password change. */
export interface Grant extends NewToken {
  readonly refreshToken: string | undefined
  readonly sessionId: string
  readonly scope: string
}

/** RFC 6749 section 5.1, and `session_id`. Undefined when the answer is not one of these. */
export function parseGrant(answer: IssuerAnswer | LostAnswer): Grant | undefined {
  if (answer.kind === 'lost' || answer.status !== 200 || answer.body === undefined) return undefined
  const { body, sentAtMs } = answer
  const { access_token: token, expires_in: expiresInSeconds, token_type: type } = body
  const { refresh_token: refreshToken, session_id: sessionId, scope = '' } = body
  if (!isBearerToken(token)) return undefined
  // RFC 6749 section 5.1: the type is not case-sensitive.
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return undefined
  if (typeof expiresInSeconds !== 'number' || expiresInSeconds <= 0) return undefined
  if (typeof sessionId !== 'string' || sessionId === '' || typeof scope !== 'string') {
    return undefined
  }
  if (refreshToken !== undefined && typeof refreshToken !== 'string') return undefined
  return { token, expiresInSeconds, refreshToken, sessionId, scope, sentAtMs }
}
