import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import type { FeedServer } from './feed-server.ts'
import type { TokenAnswer } from './token-endpoint.ts'

/** `error` answers 503, `hang` accepts a request and never answers it, `drop` cuts the connection. */
export type Outage = 'error' | 'hang' | 'drop'

/** How often each document of the issuer was asked for. */
export interface RequestCounts {
  metadata: number
  jwks: number
  token: number
}

/** What the server asks of the issuer that it stands for. */
export interface IssuerState {
  readonly requests: RequestCounts
  readonly outage: () => Outage | undefined
  /** Milliseconds since 1970: the `Date` of every answer. */
  readonly now: () => number
  readonly metadata: () => object
  readonly keySetText: () => string
  readonly maxAgeSeconds: number
  /** Undefined for a plain issuer, which has none. */
  readonly feed: FeedServer | undefined
  readonly issueToken: (authorization: string | undefined, form: URLSearchParams) => TokenAnswer
}

/** Listens on loopback; port 0 takes any free one. */
export async function startIssuerServer(state: IssuerState, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('date', new Date(state.now()).toUTCString())
    answer(request, response, state).catch(() => response.destroy())
  })
  server.listen(port, 'localhost')
  await once(server, 'listening')
  return server
}

const resources: ReadonlyMap<string, keyof RequestCounts> = new Map([
  ['GET /.well-known/oauth-authorization-server', 'metadata'],
  ['GET /.well-known/jwks.json', 'jwks'],
  ['POST /token', 'token'],
])

const feedResources: ReadonlyMap<string, 'keys' | 'snapshot' | 'stream'> = new Map([
  ['GET /.well-known/revocation-keys.json', 'keys'],
  ['GET /revocations/snapshot', 'snapshot'],
  ['GET /revocations/stream', 'stream'],
])

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: IssuerState,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const target = `${request.method} ${url.pathname}`
  const resource = resources.get(target)
  const feedResource = state.feed === undefined ? undefined : feedResources.get(target)
  if (resource !== undefined) state.requests[resource] += 1
  else if (feedResource === undefined) return sendJson(response, 404, { error: 'not_found' })

  const outage = state.outage()
  if (outage === 'hang') return
  if (outage === 'drop') return void response.destroy()
  if (outage === 'error') return sendJson(response, 503, { error: 'temporarily_unavailable' })

  switch (resource ?? feedResource) {
    case 'metadata':
      return sendJson(response, 200, state.metadata())
    case 'jwks':
      return sendKeySet(request, response, state)
    case 'token': {
      const form = new URLSearchParams(await text(request))
      const { status, body } = state.issueToken(request.headers.authorization, form)
      return sendJson(response, status, body)
    }
    case 'keys':
      return state.feed?.sendKeys(response)
    case 'snapshot':
      return state.feed?.sendSnapshot(request, response)
    case 'stream':
      return state.feed?.openStream(request, response, url)
  }
}

function sendKeySet(request: IncomingMessage, response: ServerResponse, state: IssuerState): void {
  const body = state.keySetText()
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  const headers = { etag, 'cache-control': `public, max-age=${state.maxAgeSeconds}` }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
  } else {
    response.writeHead(200, { ...headers, 'content-type': 'application/jwk-set+json' }).end(body)
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}
