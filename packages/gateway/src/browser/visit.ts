import type { Exchange } from '../exchange/exchange.ts'
import type { HeaderField } from '../headers/fields.ts'
import { correlationOf } from '../headers/trace-fields.ts'
import type { Judge, Verdict } from '../admission/judge.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse } from '../exchange/refusal.ts'
import type { Frame } from '../request/frame.ts'
import type { RequestOrigin } from '../request/origin.ts'
import type { Route, RouteAuth, WebSocketRoute } from '../settings/settings.ts'
import type { PersonAtBrowser } from './issuer-sessions.ts'
import { isFromOwnPage, isOwnOrigin } from './own-page.ts'
import type { PageAnswer } from './page-answer.ts'
import { amend } from './page-answer.ts'
import type { PresentedCookie } from './refresh-cookie.ts'
import { clearedRefreshCookie, readRefreshCookie, withoutRefreshCookie } from './refresh-cookie.ts'
import type { SessionJudgeParts } from './session-judge.ts'
import { judgeSession, sessionIsOver } from './session-judge.ts'

/** A request that may come from a browser, on its way to a service. */
export interface Visit {
  readonly kind: 'visit'
  /** Judges by the Authorization fields, or by the cookie. */
  readonly judge: Judge['judge']
  /** What goes on of the request: with the access token of the session, and never with its refresh token. */
  readonly fields: () => readonly HeaderField[]
}

export type OpenVisit = (
  exchange: Exchange,
  frame: Pick<Frame, 'handshake'>,
  origin: RequestOrigin,
) => Visit | Refusal

/**
 * A cookie counts where a token is judged, there as a bearer token does, and only alone: beside an Authorization field
 * it is refused, because services and logs would speak of one of two people. On routes of mode `none` it is nothing
 * but removed.
 */
export function createVisits(
  parts: SessionJudgeParts & { readonly routes: readonly Pick<Route, 'auth' | 'webSocket'>[] },
): OpenVisit {
  const { judge } = parts
  const webSockets = new Map(parts.routes.map(({ auth, webSocket }) => [auth, webSocket]))
  return (exchange, { handshake }, origin) => {
    const { fields, method } = exchange
    const answer: PageAnswer = {}
    exchange.amend = (headers) => amend(answer, headers)
    const presented = readRefreshCookie(fields)
    if (presented.kind === 'ambiguous') return ambiguousCookie
    let accessToken: string | undefined

    const judgeCookie = async (
      auth: Exclude<RouteAuth, { mode: 'none' }>,
      shown: Exclude<PresentedCookie, { readonly kind: 'none' | 'ambiguous' }>,
    ): Promise<Verdict> => {
      const isOwn =
        handshake === undefined
          ? isFromOwnPage({ method, fields, host: origin.host })
          : isWelcome(handshake.origin, fields, origin.host, webSockets.get(auth))
      if (!isOwn) return refused(refuse('cross-origin', crossOriginDetail))
      answer.isPrivate = true
      if (shown.kind === 'malformed') {
        answer.setCookie = clearedRefreshCookie
        return refused(sessionIsOver(auth.audience))
      }
      const person = personOf(exchange, origin)
      const judged = await judgeSession(parts, auth, { token: shown.token, person, answer })
      ;({ accessToken } = judged)
      return judged.verdict
    }

    return {
      kind: 'visit',
      judge: async (auth, authorizations) => {
        if (auth.mode === 'none') return judge.judge(auth, authorizations)
        answer.isVaried = true
        if (presented.kind === 'none') return judge.judge(auth, authorizations)
        if (authorizations.length > 0) return refused(twoTokens)
        return judgeCookie(auth, presented)
      },
      fields: () => {
        const kept = withoutRefreshCookie(fields)
        return accessToken === undefined ? kept : [...kept, bearerField(accessToken)]
      },
    }
  }
}

export const ambiguousCookie: Refusal = refuse(
  'invalid-request',
  'the refresh cookie can be read in more than one way',
)

export const twoTokens: Refusal = refuse(
  'invalid-request',
  'both a refresh cookie and an Authorization header',
)

export const crossOriginDetail =
  'the cookie counts only with an Origin of this very host, or Sec-Fetch-Site: same-origin'

/** Browsers have less than half of it; more would make a request that identity refuses by its size. */
const userAgentMax = 512

/** Whoever is at the browser, as identity knows people by where they come from. */
export function personOf(exchange: Exchange, origin: RequestOrigin): PersonAtBrowser {
  const userAgent = exchange.fields.find(({ name }) => name === 'user-agent')?.value
  return {
    address: origin.clientAddress,
    userAgent: userAgent?.slice(0, userAgentMax),
    correlation: correlationOf(exchange),
  }
}

/** A page of any origin may open a WebSocket, without being asked first (RFC 6455 section 10.2). */
function isWelcome(
  origin: string | undefined,
  fields: readonly HeaderField[],
  host: string,
  route: WebSocketRoute | undefined,
): boolean {
  if (origin === undefined) return false
  if (route?.allowedOrigins.includes(origin) === true) return true
  return isOwnOrigin(origin, host) && isFromOwnPage({ method: 'GET', fields, host })
}

function refused(refusal: Refusal): Verdict {
  return { kind: 'refused', refusal }
}

function bearerField(token: string): HeaderField {
  return { name: 'authorization', spelling: 'Authorization', value: `Bearer ${token}` }
}
