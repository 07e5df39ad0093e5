import { Buffer } from 'node:buffer'
import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { issuerMetadataUrl } from '@portcullis/protocol'
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
  /** True when the service has opened the revocation feed. */
  readonly isFollowed: () => boolean
  readonly close: () => Promise<void>
}

export interface IssuerAddresses {
  readonly metadata: string
  readonly openIdConfiguration: string
  readonly jwks: string
  readonly publicKeyPem: string
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
  const test = await createTestIssuer({ network: false, issuer, algorithm })
  const addresses = addressesOf(issuer)
  server.on('request', (message: IncomingMessage, response: ServerResponse) => {
    respond(message, response, test, addresses).catch(() => response.destroy())
  })
  return {
    issuer,
    addresses,
    algorithm,
    forge: test.forge,
    revoke: test.revoke,
    isFollowed: () => test.feedRequests.stream > 0,
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

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  test: TestIssuer,
  addresses: IssuerAddresses,
): Promise<void> {
  const url = new URL(message.url ?? '/', new URL(test.issuer).origin).href
  const answer = await answerTo(url, message, test, addresses)
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  // A stream that is silent has begun all the same.
  response.flushHeaders()
  if (answer.body === null) response.end()
  else await answer.body.pipeTo(Writable.toWeb(response))
}

async function answerTo(
  url: string,
  message: IncomingMessage,
  test: TestIssuer,
  addresses: IssuerAddresses,
): Promise<Response> {
  if (url === addresses.openIdConfiguration) return openIdConfiguration(test, addresses)
  if (url === addresses.publicKeyPem) return new Response(await publicKeyPem(test, addresses))
  const { method = 'GET', headers } = message
  const forwarded = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    name === 'authorization' || name === 'if-none-match' || name === 'content-type'
      ? [[name, String(value)]]
      : [],
  )
  const body = method === 'POST' ? await bodyOf(message) : null
  if (body === undefined) return new Response(null, { status: 413 })
  return test
    .fetch(url, { method, headers: forwarded, body })
    .catch(() => new Response(null, { status: 404 }))
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
