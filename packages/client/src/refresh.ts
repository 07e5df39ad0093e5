import { newAttempt } from './attempt.ts'
import { ClientError, signedOut } from './client-error.ts'
import type { CurrentSession } from './current-session.ts'
import type { HeldToken } from './held-token.ts'
import { holdToken, isAlive } from './held-token.ts'
import type { AskIssuer } from './issuer-request.ts'
import { errorOf, outageOf } from './refusals.ts'
import type { Pace } from './retries.ts'
import { askUntilAnswered, isWorthAnotherTry } from './retries.ts'
import type { StoredSession } from './session-store.ts'
import type { Grant } from './token-answer.ts'
import { parseGrant } from './token-answer.ts'

/** What a token is for: the services, or the issuer's own routes, which take no other. */
export type Target = 'services' | 'issuer'

export interface RefreshParts {
  readonly issuer: string
  readonly current: CurrentSession
  readonly ask: AskIssuer
  readonly pace: Pace
  readonly now: () => number
}

/**
 * Refreshes the session (RFC 6749 section 6), unless inside the lock there is a token already that
 * is enough. The successor is in the store when this resolves. An outage leaves the session as it
 * is, with the attempt under which the issuer will recognise the next call.
 */
export function refresh(
  parts: RefreshParts,
  target: Target,
  isEnough: (held: HeldToken) => boolean,
): Promise<string> {
  const { current, now, pace } = parts
  return current.exclusively(async (session) => {
    const held = heldFor(session, target)
    if (held !== undefined && isEnough(held)) return held.token

    const { refreshToken, accessToken, sessionId } = session
    if (refreshToken === undefined) {
      if (isAlive(accessToken, now())) throw cannotRefresh()
      await current.forget(sessionId)
      throw signedOut()
    }
    const attempt = session.attempt ?? newAttempt()
    // Before it is sent: whoever finds it in the store asks for the same successor.
    if (session.attempt === undefined) await current.update({ ...session, attempt })

    const outcome = await exchange(parts, target, {
      client_id: session.clientId,
      refresh_token: refreshToken,
      attempt,
    })
    if (outcome instanceof ClientError) {
      if (outcome.code === 'signed-out') await current.forget(sessionId)
      throw outcome
    }
    const fresh = holdToken(outcome, pace.random)
    await current.update({
      ...session,
      ...(target === 'services' ? { accessToken: fresh } : { issuerToken: fresh }),
      refreshToken: outcome.refreshToken ?? refreshToken,
      attempt: undefined,
    })
    return fresh.token
  })
}

export function heldFor(session: StoredSession, target: Target): HeldToken | undefined {
  return target === 'services' ? session.accessToken : session.issuerToken
}

interface Presented {
  readonly client_id: string
  readonly refresh_token: string
  readonly attempt: string
}

/** With the same token and the same attempt however often it is sent, so it may be sent again. */
async function exchange(
  { ask, pace, issuer }: RefreshParts,
  target: Target,
  presented: Presented,
): Promise<Grant | ClientError> {
  const form = {
    grant_type: 'refresh_token',
    ...presented,
    ...(target === 'services' ? {} : { audience: issuer }),
  }
  const answer = await askUntilAnswered(ask, { method: 'POST', path: '/token', form }, pace)
  const grant = parseGrant(answer)
  if (grant !== undefined) return grant
  return isWorthAnotherTry(answer) ? outageOf(answer) : errorOf(answer)
}

function cannotRefresh(): ClientError {
  return new ClientError('refused', 'this client gets no refresh token, so it cannot refresh')
}
