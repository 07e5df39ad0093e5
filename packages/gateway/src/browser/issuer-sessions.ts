import type { JsonObject } from '@portcullis/protocol'
import { parseJsonObject } from '@portcullis/protocol'
import type { ClientCredential } from '@portcullis/verify'
import type { IssuedCookie } from './refresh-cookie.ts'
import { cookieField, issuedCookieIn } from './refresh-cookie.ts'

/** What identity is told of whoever sits behind the gateway. */
export interface PersonAtBrowser {
  readonly address: string
  readonly userAgent: string | undefined
  /** Header fields that tell which request of the browser it is for, and of which trace. */
  readonly correlation: Readonly<Record<string, string>>
}

/** The client of identity that the gateway is to it: one that is public by its name, or one with a secret. */
export type BrowserClient = { readonly name: string } | ClientCredential

export interface SessionTokens {
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly cookie: IssuedCookie
  readonly sessionId: string | undefined
}

export type RefreshOutcome =
  | { readonly kind: 'refreshed'; readonly tokens: SessionTokens }
  /** The refresh token is good for nothing any more. */
  | { readonly kind: 'ended' }
  /** The session is good, and not for this. */
  | { readonly kind: 'refused'; readonly why: string }
  | Unavailable

export interface Unavailable {
  readonly kind: 'unavailable'
  /** For the operator; no part of a secret. */
  readonly why: string
  readonly retryAfterSeconds: number | undefined
}

export interface IssuerAnswer {
  readonly kind: 'answer'
  readonly status: number
  readonly body: JsonObject
  readonly headers: Headers
}

export interface RefreshRequest {
  readonly token: string
  readonly audience: string
  /** Random; the same for each try of one refresh, so that a lost answer is given again (docs of identity, Refresh). */
  readonly attempt: string
  readonly person: PersonAtBrowser
}

/** What the gateway asks identity for in the name of a browser. Nothing here throws. */
export interface IssuerSessions {
  readonly login: (
    members: JsonObject,
    former: string | undefined,
    person: PersonAtBrowser,
  ) => Promise<IssuerAnswer | Unavailable>
  readonly refresh: (request: RefreshRequest) => Promise<RefreshOutcome>
  /** Shows the client where nothing comes of it: a client that is known has taken back what is no token. */
  readonly tryClient: () => Promise<IssuerAnswer | Unavailable>
  readonly logout: (
    path: '/logout' | '/logout/everywhere',
    token: string,
    person: PersonAtBrowser,
  ) => Promise<IssuerAnswer | Unavailable>
}

export interface IssuerSessionsOptions {
  readonly issuer: string
  readonly client: BrowserClient
  readonly audiences: readonly string[] | undefined
  readonly fetch: typeof fetch
}

/** Well inside the grace window of identity, so that a second try still gets the same successor. */
const refreshMsMax = 8000
/** To hash a password may take its turn in a queue. */
const loginMsMax = 15_000

/**
 * Speaks to identity as one of its own pages does: by the cookie, with a proof of origin, which the gateway may give
 * because it has asked the browser for one. The browser's address goes along in `X-Forwarded-For`, which identity
 * believes where the gateway is one of its `trustedProxies`.
 */
export function createIssuerSessions(options: IssuerSessionsOptions): IssuerSessions {
  const { issuer, client, audiences } = options
  const post = createPost(options)
  const shown: Readonly<Record<string, string>> =
    'secret' in client
      ? { client_id: client.id, client_secret: client.secret }
      : { client_id: client.name }
  return {
    login: (members, former, person) => {
      const asked = audiences === undefined ? {} : { audience: audiences }
      const body = { ...members, ...asked, ...shown, delivery: 'cookie' }
      return post('/login', { json: body, token: former, person, msMax: loginMsMax })
    },
    refresh: async ({ token, audience, attempt, person }) => {
      const form = { grant_type: 'refresh_token', audience, attempt, ...shown }
      const answer = await post('/token', { form, token, person, msMax: refreshMsMax })
      return answer.kind === 'unavailable' ? answer : refreshOutcomeOf(answer)
    },
    tryClient: () => {
      const form = { token: 'of-nobody', ...shown }
      return post('/revoke', { form, token: undefined, person: undefined, msMax: refreshMsMax })
    },
    logout: (path, token, person) => post(path, { token, person, msMax: refreshMsMax }),
  }

  function refreshOutcomeOf(answer: IssuerAnswer): RefreshOutcome {
    if (answer.status === 200) {
      const tokens = sessionTokensOf(answer)
      const why = `${issuer}/token has answered no tokens with a cookie`
      return tokens === undefined ? unavailable(why) : { kind: 'refreshed', tokens }
    }
    const { error } = answer.body
    if (error === 'invalid_grant') return { kind: 'ended' }
    const why = typeof error === 'string' ? error : `status ${answer.status}`
    // What is wrong with one session or one audience must not keep the gateway from asking for others.
    return faultsOfGateway.has(why)
      ? unavailable(`${issuer}/token has answered ${why}`)
      : { kind: 'refused', why }
  }
}

/** RFC 6749 section 5.2. */
const faultsOfGateway: ReadonlySet<string> = new Set(['invalid_client', 'unauthorized_client'])

/** What a login and a refresh answer where they succeed. */
export function sessionTokensOf({ body, headers }: IssuerAnswer): SessionTokens | undefined {
  const { access_token: accessToken, expires_in: expiresInSeconds, session_id: id } = body
  const cookie = issuedCookieIn(headers.getSetCookie())
  if (typeof accessToken !== 'string' || typeof expiresInSeconds !== 'number') return undefined
  if (cookie === undefined) return undefined
  return {
    accessToken,
    expiresInSeconds,
    cookie,
    sessionId: typeof id === 'string' ? id : undefined,
  }
}

interface PostRequest {
  readonly json?: JsonObject
  readonly form?: Readonly<Record<string, string>>
  readonly token: string | undefined
  /** Undefined: it is the gateway itself that asks. */
  readonly person: PersonAtBrowser | undefined
  readonly msMax: number
}

type Post = (path: string, request: PostRequest) => Promise<IssuerAnswer | Unavailable>

/** Far more than tokens and problems have. */
const answerBytesMax = 64 * 1024

function createPost({ issuer, fetch }: IssuerSessionsOptions): Post {
  const { origin } = new URL(issuer)
  return async (path, { json, form, token, person, msMax }) => {
    try {
      const response = await fetch(`${issuer}${path}`, {
        method: 'POST',
        headers: {
          ...person?.correlation,
          accept: 'application/json, application/problem+json',
          origin,
          'sec-fetch-site': 'same-origin',
          ...(person === undefined ? {} : { 'x-forwarded-for': person.address }),
          ...(person?.userAgent === undefined ? {} : { 'user-agent': person.userAgent }),
          ...(token === undefined ? {} : { cookie: cookieField(token) }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
        // No credential follows one.
        redirect: 'error',
        signal: AbortSignal.timeout(msMax),
      })
      const { status, headers } = response
      const body = await readObject(response)
      const retryAfterSeconds = secondsOf(headers.get('retry-after'))
      if (status >= 500 || body === undefined) {
        return unavailable(`${issuer}${path} has answered ${status}`, retryAfterSeconds)
      }
      if (status === 429 && path === '/token') {
        return unavailable(`${issuer}${path} has answered 429`, retryAfterSeconds)
      }
      return { kind: 'answer', status, body, headers }
    } catch (error) {
      return unavailable(`${issuer}${path} cannot be reached: ${reasonOf(error)}`)
    }
  }
}

async function readObject(response: Response): Promise<JsonObject | undefined> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.length
    if (bytes > answerBytesMax) return undefined
    pieces.push(piece)
  }
  const parsed = parseJsonObject(Buffer.concat(pieces).toString(), { depthMax: 16 })
  return parsed.kind === 'object' ? parsed.value : undefined
}

function unavailable(why: string, retryAfterSeconds?: number): Unavailable {
  return { kind: 'unavailable', why, retryAfterSeconds }
}

/** RFC 9110 section 10.2.3. */
function secondsOf(value: string | null): number | undefined {
  return value !== null && /^\d{1,5}$/.test(value) ? Number(value) : undefined
}

/** A system's code at most: what else `fetch` says may repeat parts of the request. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'error'
  const code: unknown = error.cause instanceof Error ? Reflect.get(error.cause, 'code') : undefined
  return typeof code === 'string' ? code : error.name
}
