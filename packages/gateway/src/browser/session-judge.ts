import { VerifyError } from '@portcullis/verify'
import type { Judge, Verdict } from '../admission/judge.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse, tokenRefusal } from '../exchange/refusal.ts'
import type { RouteAuth } from '../settings/settings.ts'
import type { HeldToken } from './access-tokens.ts'
import type { BrowserSessions, TokenOutcome } from './browser-sessions.ts'
import type { PersonAtBrowser } from './issuer-sessions.ts'
import type { PageAnswer } from './page-answer.ts'
import { clearedRefreshCookie, refreshCookie } from './refresh-cookie.ts'

export interface SessionJudgement {
  readonly verdict: Verdict
  /** The access token that was judged. */
  readonly accessToken?: string
  readonly sessionEndsAtMs?: number | undefined
}

export interface SessionJudgeParts {
  readonly sessions: BrowserSessions
  readonly judge: Judge
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface SessionShown {
  /** The refresh token in the cookie. */
  readonly token: string
  readonly person: PersonAtBrowser
  /** Gets the cookie that the browser is to keep, or lose. */
  readonly answer: PageAnswer
}

/** Whoever signs in again elsewhere waits so long at most until it counts here; and identity is not asked at each request. */
const recentAuthMs = 3000

/**
 * Judges the session of a browser by an access token for the audience of the route, as any bearer token is judged. As a
 * good client does, it asks for another one when a token that it held is turned down: one that was taken back
 * because roles have changed, or that nobody vouches for any more, is mended by that.
 */
export async function judgeSession(
  { sessions, judge, now }: SessionJudgeParts,
  auth: Exclude<RouteAuth, { mode: 'none' }>,
  { token, person, answer }: SessionShown,
): Promise<SessionJudgement> {
  const { audience } = auth
  // Who still shows a session that was left is told that it is over.
  if (!sessions.hasLeft(token)) answer.isOutdated = () => sessions.hasLeft(token)
  let turnedDown: string | undefined
  for (;;) {
    const found = await sessions.tokenFor({ token, audience, person, turnedDown })
    if (found.kind !== 'token') {
      if (found.kind === 'ended') answer.setCookie = clearedRefreshCookie
      return { verdict: { kind: 'refused', refusal: refusalOf(found, audience) } }
    }
    const { held, cookie, isNew, sessionEndsAtMs } = found
    if (cookie !== undefined) answer.setCookie = refreshCookie(cookie)
    const verdict = await judge.judge(auth, [`Bearer ${held.token}`])
    const isLast = isNew || turnedDown !== undefined || !isMendable(verdict, held, now())
    if (isLast) return { verdict, accessToken: held.token, sessionEndsAtMs }
    turnedDown = held.token
  }
}

function isMendable(verdict: Verdict, held: HeldToken, nowMs: number): boolean {
  if (verdict.kind === 'passed' || verdict.refusal.problem.status !== 401) return false
  if (verdict.refusal.problem.code !== 'insufficient-user-authentication') return true
  return nowMs - held.obtainedAtMs >= recentAuthMs
}

/** The session is over, or never was one. */
export function sessionIsOver(realm: string): Refusal {
  const error = new VerifyError('invalid-token', 'the session is over', { realm })
  return { ...tokenRefusal(error), reason: 'session-over' }
}

export function identityUnavailable(retryAfterSeconds: number | undefined): Refusal {
  const headers = { 'retry-after': String(retryAfterSeconds ?? 1) }
  return refuse('identity-unavailable', undefined, headers)
}

function refusalOf(
  outcome: Exclude<TokenOutcome, { readonly kind: 'token' }>,
  audience: string,
): Refusal {
  switch (outcome.kind) {
    case 'ended':
      return sessionIsOver(audience)
    case 'refused': {
      const refusal = refuse('insufficient-scope', 'the session has no access to this service')
      return { ...refusal, reason: 'session-audience' }
    }
    case 'unavailable':
      return identityUnavailable(outcome.retryAfterSeconds)
  }
}
