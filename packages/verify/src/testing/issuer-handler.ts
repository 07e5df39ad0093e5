import { createHash } from 'node:crypto'
import { issuerMetadataUrl } from '@portcullis/protocol'
import type { FeedEndpoints } from './feed-endpoints.ts'
import { lostConnection } from './lost-connection.ts'
import type { TokenAnswer } from './token-endpoint.ts'

/** `error` answers 503, `hang` accepts a request and never answers it, `drop` cuts the connection. */
export type Outage = 'error' | 'hang' | 'drop'

/** How often each document of the issuer was asked for. */
export interface RequestCounts {
  metadata: number
  jwks: number
  token: number
}

/** What the handler asks of the issuer that it stands for. */
export interface IssuerHandlerOptions {
  readonly issuer: string
  /** Milliseconds since 1970: the `Date` of every answer. */
  readonly now: () => number
  readonly keySetText: () => string
  readonly maxAgeSeconds: number
  /** Undefined for a plain issuer, which has none. */
  readonly feed: FeedEndpoints | undefined
  readonly issueToken: (authorization: string, form: URLSearchParams) => TokenAnswer
}

/** The issuer as requests see it, wherever they come from. */
export interface IssuerHandler {
  /** Rejects when the connection is cut; settles only with `close` when the issuer hangs. */
  readonly answer: (request: Request) => Promise<Response>
  readonly serves: (request: Request) => boolean
  readonly requests: RequestCounts
  readonly goDown: (outage: Outage | undefined) => void
  /** Cuts the requests that hang, and all that come later. */
  readonly close: () => void
}

export function createIssuerHandler(options: IssuerHandlerOptions): IssuerHandler {
  const requests: RequestCounts = { metadata: 0, jwks: 0, token: 0 }
  const resources = resourcesOf(options)
  const closing = Promise.withResolvers<void>()
  let outage: Outage | undefined

  async function answer(request: Request): Promise<Response> {
    const resource = resources.get(targetOf(request))
    if (resource === undefined) return json({ error: 'not_found' }, 404)
    if (resource.counted !== undefined) requests[resource.counted] += 1

    if (outage === undefined) return resource.answer(request)
    if (outage === 'error') return json({ error: 'temporarily_unavailable' }, 503)
    if (outage === 'hang') await closing.promise
    throw lostConnection()
  }

  return {
    answer: async (request) => {
      const response = await answer(request)
      response.headers.set('date', new Date(options.now()).toUTCString())
      return response
    },
    serves: (request) => resources.has(targetOf(request)),
    requests,
    goDown: (kind) => {
      outage = kind
    },
    close: () => {
      outage = 'drop'
      closing.resolve()
    },
  }
}

/** What a resource is found by, and all of a request that may stand in a message. */
export function targetOf({ method, url }: Request): string {
  const { origin, pathname } = new URL(url)
  return `${method} ${origin}${pathname}`
}

interface Resource {
  readonly counted?: keyof RequestCounts
  readonly answer: (request: Request) => Response | Promise<Response>
}

function resourcesOf(options: IssuerHandlerOptions): ReadonlyMap<string, Resource> {
  const { issuer, feed, issueToken } = options
  const jwks = `${issuer}/.well-known/jwks.json`
  const token = `${issuer}/token`
  const feedAt = {
    snapshot: `${issuer}/revocations/snapshot`,
    stream: `${issuer}/revocations/stream`,
    keys: `${issuer}/.well-known/revocation-keys.json`,
  }
  const metadata = {
    issuer,
    jwks_uri: jwks,
    token_endpoint: token,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
    response_types_supported: [],
    ...(feed && { revocation_feed: feedAt }),
  }
  const issue: Resource['answer'] = async (request) => {
    const form = new URLSearchParams(await request.text())
    const { status, body } = issueToken(request.headers.get('authorization') ?? '', form)
    return json(body, status)
  }
  const resources = new Map<string, Resource>([
    [`GET ${issuerMetadataUrl(issuer)}`, { counted: 'metadata', answer: () => json(metadata) }],
    [`GET ${jwks}`, { counted: 'jwks', answer: (request) => keySet(request, options) }],
    [`POST ${token}`, { counted: 'token', answer: issue }],
  ])
  if (feed === undefined) return resources
  return resources
    .set(`GET ${feedAt.keys}`, { answer: feed.keys })
    .set(`GET ${feedAt.snapshot}`, { answer: feed.snapshot })
    .set(`GET ${feedAt.stream}`, { answer: feed.stream })
}

function keySet(request: Request, { keySetText, maxAgeSeconds }: IssuerHandlerOptions): Response {
  const body = keySetText()
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const isKnown = request.headers.get('if-none-match') === etag
  return new Response(isKnown ? null : body, {
    status: isKnown ? 304 : 200,
    headers: {
      etag,
      'cache-control': `public, max-age=${maxAgeSeconds}`,
      'content-type': 'application/jwk-set+json',
    },
  })
}

function json(body: object, status = 200): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store' } })
}
