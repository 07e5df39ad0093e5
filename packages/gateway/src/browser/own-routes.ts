import type { Log } from '@portcullis/runtime'
import { createProblem } from '@portcullis/runtime'
import { VerifyError } from '@portcullis/verify'
import type { Exchange } from '../exchange/exchange.ts'
import type { RateLimits } from '../admission/rate-limits.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { refuse, sendRefusal, tokenRefusal } from '../exchange/refusal.ts'
import type { Frame } from '../request/frame.ts'
import { readFrame } from '../request/frame.ts'
import type { ReadOrigin } from '../request/origin.ts'
import type { RouteAuth } from '../settings/settings.ts'
import { refusalIn } from './issuer-refusals.ts'
import type { PersonAtBrowser, Unavailable } from './issuer-sessions.ts'
import { sessionTokensOf } from './issuer-sessions.ts'
import { readJson } from './json-body.ts'
import { isFromOwnPage } from './own-page.ts'
import type { PageAnswer } from './page-answer.ts'
import { amend, sendMembers } from './page-answer.ts'
import type { PresentedCookie } from './refresh-cookie.ts'
import { clearedRefreshCookie, readRefreshCookie, refreshCookie } from './refresh-cookie.ts'
import type { SessionJudgeParts } from './session-judge.ts'
import { identityUnavailable, judgeSession, sessionIsOver } from './session-judge.ts'
import { ambiguousCookie, crossOriginDetail, personOf, twoTokens } from './visit.ts'

export interface OwnRoutesParts extends SessionJudgeParts {
  readonly issuer: string
  /** By which of them the session is asked who it is; the judge knows them all. */
  readonly auths: readonly SessionAuth[]
  readonly originOf: ReadOrigin
  readonly rateLimits: RateLimits
  readonly log: Log
}

/** What a page asks the gateway itself. */
export interface OwnRoutes {
  readonly isAsked: (target: string) => boolean
  readonly answer: (exchange: Exchange) => Promise<void>
}

/** One request of a page, read and found to be one of ours. */
interface Call {
  readonly exchange: Exchange
  readonly frame: Frame
  readonly cookie: Exclude<PresentedCookie, { readonly kind: 'ambiguous' }>
  readonly person: PersonAtBrowser
  readonly answer: PageAnswer
}

type Handler = (parts: OwnRoutesParts, call: Call) => Promise<Said | Refusal>

interface Said {
  readonly kind: 'said'
  readonly members: object
  readonly headers?: readonly string[]
}

const handlers: ReadonlyMap<string, readonly [method: string, handler: Handler]> = new Map([
  ['login', ['POST', login]],
  ['logout', ['POST', (parts, call) => logout(parts, call, '/logout')]],
  ['logout/everywhere', ['POST', (parts, call) => logout(parts, call, '/logout/everywhere')]],
  ['session', ['GET', tellSession]],
])

/**
 * Login, logout and the question who is signed in, below `prefix`. All of them want a page of this very origin, the
 * login too: a foreign page could otherwise sign people in as somebody else, who then reads what they do.
 */
export function createOwnRoutes(prefix: string, parts: OwnRoutesParts): OwnRoutes {
  const pathOf = (target: string): string => target.split('?', 1)[0]?.slice(prefix.length + 1) ?? ''
  return {
    isAsked: (target) => target.startsWith(`${prefix}/`) && handlers.has(pathOf(target)),
    answer: async (exchange) => {
      const path = pathOf(exchange.request.url ?? '')
      const [method, handler] = handlers.get(path) ?? []
      if (method === undefined || handler === undefined) throw new TypeError('not a path of ours')
      exchange.route = `${prefix}/${path}`
      const answer: PageAnswer = {}
      exchange.amend = (headers) => amend(answer, headers)
      const call = readCall(parts, exchange, method, answer)
      const said = call.kind === 'refused' ? call : await handler(parts, call)
      if (exchange.response.destroyed) return
      if (said.kind === 'refused') sendRefusal(exchange, said)
      else sendMembers(exchange, said.members, said.headers)
    },
  }
}

function readCall(
  { originOf, rateLimits }: OwnRoutesParts,
  exchange: Exchange,
  wanted: string,
  answer: PageAnswer,
): (Call & { readonly kind: 'call' }) | Refusal {
  const { fields, method } = exchange
  const frame = readFrame(exchange)
  if (frame.kind === 'refused') return frame
  const origin = originOf(exchange, frame.host)
  const tooMany = rateLimits.takeFromNetwork(origin.clientAddress)
  if (tooMany !== undefined) return tooMany
  if (method !== wanted) return refuse('method-not-allowed', undefined, { allow: wanted })
  if (!isFromOwnPage({ method, fields, host: origin.host })) {
    return refuse('cross-origin', crossOriginDetail)
  }
  const cookie = readRefreshCookie(fields)
  if (cookie.kind === 'ambiguous') return ambiguousCookie
  if (frame.authorizations.length > 0) return twoTokens
  return { kind: 'call', exchange, frame, cookie, person: personOf(exchange, origin), answer }
}

/** What a page may say; the rest is the gateway's to say. */
const loginMembers: ReadonlySet<string> = new Set(['identifier', 'password', 'scope'])

async function login(parts: OwnRoutesParts, call: Call): Promise<Said | Refusal> {
  const body = await readJson(call.exchange, call.frame)
  if (body.kind === 'refused') return body
  const unknown = Object.keys(body.value).filter((name) => !loginMembers.has(name))
  if (unknown.length > 0) {
    const errors = unknown.slice(0, 20).map((name) => ({
      field: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      message: 'is not known here',
    }))
    const problem = createProblem('malformed', 'the body does not fit', errors)
    return { kind: 'refused', problem, headers: {} }
  }
  const { cookie, person, answer } = call
  const former = cookie.kind === 'token' ? cookie.token : undefined
  const answered = await parts.sessions.login(body.value, former, person)
  if (answered.kind === 'unavailable') return noIdentity(parts.log, answered)
  if (answered.status !== 200) return refusalIn(answered, parts.log)
  const tokens = sessionTokensOf(answered)
  if (tokens === undefined) {
    parts.log.error('identity gives the client of `browser` no refresh token as a cookie')
    return identityUnavailable(undefined)
  }
  answer.setCookie = refreshCookie(tokens.cookie)
  const expiresAt = new Date(parts.now() + tokens.cookie.maxAgeSeconds * 1000).toISOString()
  const members = { session_id: tokens.sessionId, expires_at: expiresAt }
  return { kind: 'said', members: { signed_in: true, ...members } }
}

async function logout(
  { sessions, issuer, log }: OwnRoutesParts,
  { cookie, person, answer }: Call,
  path: '/logout' | '/logout/everywhere',
): Promise<Said | Refusal> {
  if (cookie.kind === 'none') {
    const detail = 'the request carries no refresh cookie'
    return tokenRefusal(new VerifyError('missing-token', detail, { realm: issuer }))
  }
  const answered =
    cookie.kind === 'token' ? await sessions.logout(path, cookie.token, person) : undefined
  // Not where nothing is known, so that it can be tried again.
  if (answered?.kind === 'unavailable') return noIdentity(log, answered)
  if (answered === undefined || answered.status === 401) {
    answer.setCookie = clearedRefreshCookie
    return sessionIsOver(issuer)
  }
  if (answered.status !== 200) return refusalIn(answered, log)
  answer.setCookie = clearedRefreshCookie
  const { revocation } = answered.body
  // What this person was shown is not for the next one at this browser.
  return { kind: 'said', members: { revocation }, headers: ['Clear-Site-Data', '"cache"'] }
}

function noIdentity(log: Log, { why, retryAfterSeconds }: Unavailable): Refusal {
  log.warn({ detail: why }, 'identity does not answer for browsers')
  return identityUnavailable(retryAfterSeconds)
}

const nobody: Said = { kind: 'said', members: { signed_in: false } }

async function tellSession(
  parts: OwnRoutesParts,
  { exchange, cookie, person, answer }: Call,
): Promise<Said | Refusal> {
  answer.isVaried = true
  if (cookie.kind === 'malformed') answer.setCookie = clearedRefreshCookie
  if (cookie.kind !== 'token') return nobody
  const { token } = cookie
  let refusal: Refusal | undefined
  for (const auth of parts.auths) {
    const judged = await judgeSession(parts, auth, { token, person, answer })
    const { verdict, sessionEndsAtMs } = judged
    if (verdict.kind === 'passed' && verdict.claims !== undefined) {
      const { sub, sid, auth_time: authTime } = verdict.claims
      exchange.subject = sub
      const members = {
        signed_in: true,
        subject: sub,
        session_id: sid,
        authenticated_at: textOf(authTime === undefined ? undefined : authTime * 1000),
        expires_at: textOf(sessionEndsAtMs),
      }
      return { kind: 'said', members }
    }
    if (verdict.kind === 'passed') break
    ;({ refusal } = verdict)
    if (refusal.problem.status === 401) return nobody
    // Another service of this gateway may be one that the session is for.
    if (refusal.problem.status !== 403) break
  }
  return refusal ?? nobody
}

function textOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

type SessionAuth = Exclude<RouteAuth, { mode: 'none' }>

/** Any live token tells who somebody is, whatever it allows. One for each audience, which the judge was made with. */
export function sessionAuthsOf(audiences: readonly string[]): readonly SessionAuth[] {
  return audiences.map((audience) => ({ mode: 'required', audience, scope: [], roles: [] }))
}
