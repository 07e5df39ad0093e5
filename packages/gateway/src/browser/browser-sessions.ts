import type { JsonObject } from '@portcullis/protocol'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { HeldToken } from './access-tokens.ts'
import { holdToken, isAlive, isFresh } from './access-tokens.ts'
import type {
  IssuerAnswer,
  PersonAtBrowser,
  RefreshOutcome,
  Unavailable,
} from './issuer-sessions.ts'
import { sessionTokensOf } from './issuer-sessions.ts'
import type { IssuedCookie } from './refresh-cookie.ts'
import type { RefreshParts } from './refreshes.ts'
import { createRefreshes, tooMuch } from './refreshes.ts'

export type TokenOutcome =
  | {
      readonly kind: 'token'
      readonly held: HeldToken
      /** It was fetched for this very request, or for another one at the same time. */
      readonly isNew: boolean
      /** What the browser is to keep from now on, where that is another cookie. */
      readonly cookie: IssuedCookie | undefined
      readonly sessionEndsAtMs: number | undefined
    }
  | Exclude<RefreshOutcome, { readonly kind: 'refreshed' }>

export interface TokenRequest {
  /** The refresh token that the browser has shown. */
  readonly token: string
  readonly audience: string
  readonly person: PersonAtBrowser
  /** An access token that was turned down, so that another one is wanted. */
  readonly turnedDown?: string | undefined
}

export interface BrowserSessions {
  /** An access token of the session, out of memory or from identity. */
  readonly tokenFor: (request: TokenRequest) => Promise<TokenOutcome>
  readonly login: (
    members: JsonObject,
    former: string | undefined,
    person: PersonAtBrowser,
  ) => Promise<IssuerAnswer | Unavailable>
  readonly logout: (
    path: '/logout' | '/logout/everywhere',
    token: string,
    person: PersonAtBrowser,
  ) => Promise<IssuerAnswer | Unavailable>
  /** The browser that had this token has signed in anew since, or signed out. */
  readonly hasLeft: (token: string) => boolean
  readonly size: () => number
  readonly close: () => void
}

const sweepMs = 30_000

/**
 * Exchanges the refresh tokens of browsers for access tokens: for one audience each, so that no service gets a token
 * that another one takes, and at most once at a time for each, however many requests wait for it.
 *
 * Which refresh token is good, and what a used one means, is decided by identity alone. Where identity
 * cannot be asked, a token that still lives is used to its end.
 */
export function createBrowserSessions(parts: RefreshParts): BrowserSessions {
  const { issuer, memory, now } = parts
  const refresh = createRefreshes(parts)
  const timer = setInterval(memory.sweep, sweepMs).unref()

  const found = ({ token, audience }: TokenRequest, isNew: boolean): TokenOutcome => {
    const current = memory.currentOf(token)
    const held = memory.tokenFor(current.hash, audience)
    // What was kept a moment ago is gone only where there is no room at all.
    if (held === undefined) return tooMuch
    const sessionEndsAtMs = memory.endOf(current.hash)
    return { kind: 'token', held, isNew, cookie: current.issued, sessionEndsAtMs }
  }

  return {
    tokenFor: async (request) => {
      const { token, audience, person, turnedDown } = request
      const current = memory.currentOf(token)
      const known = memory.tokenFor(current.hash, audience)
      const held = known?.token === turnedDown ? undefined : known
      if (held !== undefined && isFresh(held, now())) return found(request, false)
      const outcome = await refresh(current, audience, person)
      if (outcome.kind === 'refreshed') return found(request, true)
      const isUsable = held !== undefined && isAlive(held, now())
      return outcome.kind === 'unavailable' && isUsable ? found(request, false) : outcome
    },
    login: async (members, former, person) => {
      const sentAtMs = now()
      const answer = await issuer.login(members, former, person)
      if (answer.kind === 'unavailable' || answer.status !== 200) return answer
      const tokens = sessionTokensOf(answer)
      if (tokens === undefined) return answer
      if (former !== undefined) memory.forget(former)
      const { accessToken, expiresInSeconds, cookie } = tokens
      const audience = onlyAudienceOf(accessToken)
      const held = holdToken(accessToken, expiresInSeconds, sentAtMs)
      if (audience !== undefined) memory.keep({ cookie, audience, held })
      return answer
    },
    logout: async (path, token, person) => {
      const answer = await issuer.logout(path, memory.currentOf(token).token, person)
      if (answer.kind === 'answer' && answer.status === 200) memory.forget(token)
      return answer
    },
    hasLeft: memory.isForgotten,
    size: memory.size,
    close: () => clearInterval(timer),
  }
}

/** Of a login for several audiences each gets a token of its own later. Nothing is believed of it before it is judged. */
function onlyAudienceOf(accessToken: string): string | undefined {
  const parsed = parseCompactJws(accessToken)
  const { aud } = parsed.kind === 'jws' ? parsed.payload : {}
  if (typeof aud === 'string') return aud
  const [audience, ...others] = Array.isArray(aud) ? aud : []
  return typeof audience === 'string' && others.length === 0 ? audience : undefined
}
