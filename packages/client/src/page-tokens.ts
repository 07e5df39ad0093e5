import type { AccessTokens } from './access-tokens.ts'
import { newAttempt } from './attempt.ts'
import { signedOut } from './client-error.ts'
import type { HeldToken } from './held-token.ts'
import { holdToken, isAlive, isFresh } from './held-token.ts'
import type { AskIssuer } from './issuer-request.ts'
import { errorOf, outageOf } from './refusals.ts'
import type { Pace } from './retries.ts'
import { askUntilAnswered, isWorthAnotherTry } from './retries.ts'
import type { Lock } from './session-lock.ts'
import { parseGrant } from './token-answer.ts'

export interface PageTokensParts {
  readonly issuer: string
  readonly ask: AskIssuer
  readonly lock: Lock
  readonly pace: Pace
  readonly now: () => number
}

interface PageSession {
  readonly id: string
  readonly held: HeldToken
}

/**
 * Tokens for the issuer alone, refreshed by its cookie (RFC 6749 section 6), which no script can read. They are of the
 * session that the cookie was of when the first was asked for: whoever signs in as somebody else in another tab must
 * not go on here in their name.
 */
export function createPageTokens(parts: PageTokensParts): AccessTokens {
  const { issuer, ask, lock, pace, now } = parts
  let session: PageSession | undefined
  // Of a refresh whose answer is lost: with it the issuer answers once more what it has answered.
  let attempt: string | undefined

  /** Tabs of one browser have one cookie, and take turns. */
  const refresh = (isEnough: (held: HeldToken) => boolean): Promise<string> =>
    lock(`portcullis ${issuer} cookie`, async () => {
      if (session !== undefined && isEnough(session.held)) return session.held.token
      attempt ??= newAttempt()
      const form = { grant_type: 'refresh_token', audience: issuer, attempt }
      const request = { method: 'POST', path: '/token', form, isByCookie: true } as const
      const answer = await askUntilAnswered(ask, request, pace)
      const grant = parseGrant(answer)
      if (grant === undefined && isWorthAnotherTry(answer)) throw outageOf(answer)
      attempt = undefined
      // Without a cookie the issuer misses a token (RFC 6749 section 5.2).
      const isNobody = answer.kind === 'answer' && answer.reason === 'invalid_request'
      if (grant === undefined) throw isNobody ? signedOut(answer) : errorOf(answer)
      if (session !== undefined && session.id !== grant.sessionId) throw signedOut()
      session = { id: grant.sessionId, held: holdToken(grant, pace.random) }
      return session.held.token
    })

  return {
    current: async () => {
      if (session !== undefined && isFresh(session.held, now())) return session.held.token
      return refresh((held) => isFresh(held, now()))
    },
    otherThan: (rejected) => refresh((held) => held.token !== rejected && isAlive(held, now())),
    renew: async () => {
      await refresh(() => false)
    },
  }
}
