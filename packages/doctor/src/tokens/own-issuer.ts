import { Buffer } from 'node:buffer'
import { createPublicKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { issuerMetadataUrl, revocationsScope } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'

/** An issuer of the doctor's own, with keys that are new each time: every forgery is possible with it. */
export interface OwnIssuer {
  /** What the service must trust: the value of iss. */
  readonly issuer: string
  readonly addresses: IssuerAddresses
  readonly algorithm: AlgorithmName
  readonly forge: TestIssuer['forge']
  readonly revoke: TestIssuer['revoke']
  /** The only one that it knows. It gets tokens for the revocation feed, and none that a service would take. */
  readonly client: IssuerClient
  /** True when the service has been served a stream of the revocation feed. */
  readonly isFollowed: () => boolean
  readonly close: () => Promise<void>
}

export interface IssuerAddresses {
  readonly metadata: string
  readonly openIdConfiguration: string
  readonly jwks: string
  readonly publicKeyPem: string
}

export interface IssuerClient {
  readonly id: string
  readonly secret: string
}

export interface OwnIssuerOptions {
  readonly algorithm: AlgorithmName
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** As the service reaches it; default: `http://localhost:PORT`. */
  readonly issuerUrl?: string | undefined
}

/** Listens, and serves metadata, keys, a token endpoint and the revocation feed. */
export async function startOwnIssuer(options: OwnIssuerOptions): Promise<OwnIssuer> {
  const { algorithm, host, port, issuerUrl } = options
  const server = createServer()
  server.listen(port, host)
  await once(server, 'listening')
  const { port: chosen } = server.address() as AddressInfo
  const issuer = issuerUrl ?? `http://localhost:${chosen}`
  const client = { id: 'doctor', secret: randomBytes(24).toString('base64url') }
  const clients = { [client.id]: client.secret }
  const feed = { wantsToken: true }
  const test = await createTestIssuer({ network: false, issuer, algorithm, clients, feed })
  const nearToken = issuer.startsWith('http:') ? await feedToken(test, client) : undefined
  const addresses = addressesOf(issuer)
  const parts = { test, addresses, nearToken }
  let isFollowed = false
  const served = (answer: Response): void => {
    isFollowed ||= answer.headers.get('content-type') === 'text/event-stream'
  }
  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    respond(message, response, parts, served).catch(() => response.destroy())
  })
  return {
    issuer,
    addresses,
    algorithm,
    forge: test.forge,
    revoke: test.revoke,
    client,
    isFollowed: () => isFollowed,
    close: async () => {
      await test.close()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function addressesOf(issuer: string): IssuerAddresses {
  return {
    metadata: issuerMetadataUrl(issuer),
    openIdConfiguration: `${issuer}/.well-known/openid-configuration`,
    jwks: `${issuer}/.well-known/jwks.json`,
    publicKeyPem: `${issuer}/public-key.pem`,
  }
}

async function feedToken(test: TestIssuer, { id, secret }: IssuerClient): Promise<string> {
  const credential = Buffer.from(`${id}:${secret}`).toString('base64')
  const grant = { grant_type: 'client_credentials', scope: revocationsScope, audience: test.issuer }
  const answer = await test.fetch(`${test.issuer}/token`, {
    method: 'POST',
    headers: [['authorization', `Basic ${credential}`]],
    body: new URLSearchParams(grant).toString(),
  })
  const { access_token: token } = (await answer.json()) as { readonly access_token: string }
  return token
}

interface IssuerParts {
  readonly test: TestIssuer
  readonly addresses: IssuerAddresses
  /** Services on loopback follow an issuer there without a client, as in development. */
  readonly nearToken: string | undefined
}

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  parts: IssuerParts,
  served: (answer: Response) => void,
): Promise<void> {
  const url = new URL(message.url ?? '/', new URL(parts.test.issuer).origin).href
  const answer = await answerTo(url, message, parts)
  served(answer)
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  // A stream that is silent has begun all the same.
  response.flushHeaders()
  if (answer.body === null) response.end()
  else await answer.body.pipeTo(Writable.toWeb(response))
}

async function answerTo(
  url: string,
  message: IncomingMessage,
  { test, addresses, nearToken }: IssuerParts,
): Promise<Response> {
  if (url === addresses.openIdConfiguration) return openIdConfiguration(test, addresses)
  if (url === addresses.publicKeyPem) return new Response(await publicKeyPem(test, addresses))
  const { method = 'GET', headers } = message
  const forwarded = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    name === 'authorization' || name === 'if-none-match' || name === 'content-type'
      ? [[name, String(value)]]
      : [],
  )
  if (headers.authorization === undefined && nearToken !== undefined && isNear(message)) {
    forwarded.push(['authorization', `Bearer ${nearToken}`])
  }
  const body = method === 'POST' ? await bodyOf(message) : null
  if (body === undefined) return new Response(null, { status: 413 })
  // Nothing but a token is asked for by POST.
  if (body !== null && !isForFeed(new URLSearchParams(body), test)) {
    return Response.json({ error: 'invalid_scope' }, { status: 400 })
  }
  return test
    .fetch(url, { method, headers: forwarded, body })
    .catch(() => new Response(null, { status: 404 }))
}

function isNear({ socket }: IncomingMessage): boolean {
  return /^(?:(?:::ffff:)?127\.|::1$)/.test(socket.remoteAddress ?? '')
}

/** Whoever reaches the listener may ask, and the service that is examined trusts what is signed here. */
function isForFeed(form: URLSearchParams, { issuer }: TestIssuer): boolean {
  return form.get('audience') === issuer && form.get('scope') === revocationsScope
}

/** A form for a token; the listener may be open to more than the service. */
const bodyCharactersMax = 16_384

/** Undefined for one that is longer than anybody needs. */
async function bodyOf(message: IncomingMessage): Promise<string | undefined> {
  let body = ''
  for await (const piece of message.setEncoding('utf8')) {
    body += String(piece)
    if (body.length > bodyCharactersMax) return undefined
  }
  return body
}

/** Metadata with what OpenID Connect Discovery 1.0 section 3 requires beside. */
async function openIdConfiguration(
  test: TestIssuer,
  { metadata }: IssuerAddresses,
): Promise<Response> {
  const members = (await (await test.fetch(metadata)).json()) as Readonly<Record<string, unknown>>
  return Response.json({
    ...members,
    authorization_endpoint: `${test.issuer}/authorize`,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [headerOf(test)['alg']],
  })
}

async function publicKeyPem(test: TestIssuer, { jwks }: IssuerAddresses): Promise<string> {
  const { keys } = (await (await test.fetch(jwks)).json()) as {
    readonly keys: readonly Record<string, string>[]
  }
  const key = createPublicKey({ key: keys[0] ?? {}, format: 'jwk' })
  return key.export({ type: 'spki', format: 'pem' })
}

function headerOf(test: TestIssuer): Readonly<Record<string, unknown>> {
  const [header = ''] = test.mint().split('.')
  return JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>
}
