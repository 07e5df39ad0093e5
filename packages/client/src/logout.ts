import type { RevocationPosition } from '@portcullis/protocol'
import type { ClientError } from './client-error.ts'
import { signedOut } from './client-error.ts'
import type { CurrentSession } from './current-session.ts'
import { isAlive } from './held-token.ts'
import type { AskIssuer, IssuerAnswer, LostAnswer } from './issuer-request.ts'
import { errorOf, outageOf } from './refusals.ts'
import type { Pace } from './retries.ts'
import { askUntilAnswered, isWorthAnotherTry } from './retries.ts'
import { parseRevocationPosition } from './revocation-position.ts'
import type { StoredSession } from './session-store.ts'

export interface LogoutParts {
  readonly current: CurrentSession
  readonly ask: AskIssuer
  readonly pace: Pace
  readonly now: () => number
}

/**
 * Forgets the session first, so that it is gone from here whatever becomes of the request, and once
 * more at the end, in case another tab was refreshing it and wrote its successor.
 */
export async function logout(
  parts: LogoutParts,
  path: '/logout' | '/logout/everywhere',
): Promise<RevocationPosition> {
  const session = await parts.current.demand()
  await parts.current.forget(session.sessionId)
  try {
    const answer = await askToEnd(parts, path, session)
    const position = answer.kind === 'answer' ? parseRevocationPosition(answer) : undefined
    if (position === undefined) throw logoutError(answer)
    return position
  } finally {
    await parts.current.forgetFinally(session.sessionId)
  }
}

/** With the access token as long as it is good, and otherwise with the refresh token. */
async function askToEnd(
  { ask, pace, now }: LogoutParts,
  path: string,
  { accessToken, refreshToken }: StoredSession,
): Promise<IssuerAnswer | LostAnswer> {
  const withRefreshToken = { method: 'POST', path, json: { refresh_token: refreshToken } } as const
  const isGood = isAlive(accessToken, now())
  if (refreshToken !== undefined && !isGood) return askUntilAnswered(ask, withRefreshToken, pace)

  const bearer = accessToken.token
  const answer = await askUntilAnswered(ask, { method: 'POST', path, bearer }, pace)
  const isTurnedDown = answer.kind === 'answer' && answer.status === 401
  return isTurnedDown && refreshToken !== undefined
    ? askUntilAnswered(ask, withRefreshToken, pace)
    : answer
}

function logoutError(answer: IssuerAnswer | LostAnswer): ClientError {
  if (isWorthAnotherTry(answer)) return outageOf(answer)
  // Neither token is good any more: somebody else has ended the session.
  if (answer.kind === 'answer' && answer.status === 401) return signedOut(answer)
  return errorOf(answer)
}
