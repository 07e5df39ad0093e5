import { Buffer } from 'node:buffer'
import { randomBytes, randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Outage, RequestCounts, TokenAnswer } from './issuer-server.ts'
import { startIssuerServer } from './issuer-server.ts'
import type { TokenRecipe } from './recipe.ts'
import { forgeToken } from './recipe.ts'
import type { TestKey } from './test-key.ts'
import { generateTestKey } from './test-key.ts'

export interface TestIssuerOptions {
  /** Default RS256. */
  readonly algorithm?: AlgorithmName
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
  /** `max-age` of the key set. Default 300. */
  readonly maxAgeSeconds?: number
  /** Default 0: any free port. */
  readonly port?: number
  /** Client ids and their secrets for the token endpoint. Default: every client is let in. */
  readonly clients?: Readonly<Record<string, string>>
}

type Members = Readonly<Record<string, unknown>>

/** An issuer on loopback for tests: real sockets, real keys, and it does as it is told. */
export interface TestIssuer {
  /** `http://localhost:<port>` */
  readonly issuer: string
  /** How often each document was asked for so far. */
  readonly requests: Readonly<RequestCounts>
  /** The key that signs at the moment. */
  readonly kid: string
  readonly now: () => number
  /** A valid access token for the audience `orders`; members replace its own, undefined removes one. */
  readonly mint: (claims?: Members, header?: Members) => string
  /** A token that is wrong in the way the recipe says. */
  readonly forge: (recipe: TokenRecipe) => string
  /** A new key signs from now on; both keys are published at once. */
  readonly rotate: () => void
  /** Takes a key out of the published set. */
  readonly withdraw: (kid: string) => void
  /** Publishes this instead of the key set: a text as it is, anything else as JSON. */
  readonly publish: (document: unknown) => void
  /** Default `error`: every answer is 503. */
  readonly goDown: (outage?: Outage) => void
  readonly comeBack: () => void
  readonly close: () => Promise<void>
}

/**
 * Starts a local issuer: metadata (RFC 8414), key set with `ETag` and `Cache-Control`, and a token
 * endpoint for `client_credentials`. For tests only: it gives anyone any token.
 */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { algorithm = 'RS256', now = Date.now, maxAgeSeconds = 300, port = 0, clients } = options
  const requests: RequestCounts = { metadata: 0, jwks: 0, token: 0 }
  let signingKey = generateTestKey(algorithm)
  let published: readonly TestKey[] = [signingKey]
  let document: unknown
  let outage: Outage | undefined
  let issuer = ''

  const forge = (recipe: TokenRecipe): string =>
    forgeToken(recipe, {
      issuer,
      key: signingKey,
      header: { alg: signingKey.algorithm, typ: 'at+jwt', kid: signingKey.kid },
      claims: validClaims(issuer, now()),
      now,
    })
  const mint = (claims: Members = {}, header: Members = {}): string =>
    forge({ header: replacing(header), payload: replacing(claims) })

  const server = await startIssuerServer(
    {
      requests,
      maxAgeSeconds,
      outage: () => outage,
      metadata: () => metadataOf(issuer),
      keySetText: () => {
        if (document === undefined) return JSON.stringify({ keys: published.map((key) => key.jwk) })
        return typeof document === 'string' ? document : JSON.stringify(document)
      },
      issueToken: (authorization, form) => issueToken(authorization, form, clients, mint),
    },
    port,
  )
  issuer = `http://localhost:${portOf(server)}`

  return {
    issuer,
    requests,
    get kid() {
      return signingKey.kid
    },
    now,
    mint,
    forge,
    rotate: () => {
      signingKey = generateTestKey(algorithm)
      published = [...published, signingKey]
    },
    withdraw: (kid) => {
      published = published.filter((key) => key.kid !== kid)
    },
    publish: (replacement) => {
      document = replacement
    },
    goDown: (kind = 'error') => {
      outage = kind
    },
    comeBack: () => {
      outage = undefined
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function validClaims(issuer: string, nowMs: number): JsonObject {
  const iat = Math.floor(nowMs / 1000)
  return {
    iss: issuer,
    sub: 'b1946ac92492d234',
    aud: 'orders',
    iat,
    exp: iat + 900,
    jti: randomUUID(),
    client_id: 'c07c2b0f6a1e',
    auth_time: iat,
    scope: 'orders:read orders:write',
    roles: ['customer'],
    sid: randomBytes(16).toString('base64url'),
    gen: 0,
    cgen: 0,
  }
}

function metadataOf(issuer: string): object {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/token`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
    response_types_supported: [],
  }
}

function replacing(members: Members): {
  readonly set: Members
  readonly remove: readonly string[]
} {
  const entries = Object.entries(members)
  return {
    set: members,
    remove: entries.filter(([, value]) => value === undefined).map(([name]) => name),
  }
}

/** RFC 6749 section 4.4, with the client's credential as section 2.3.1 spells it. */
function issueToken(
  authorization: string | undefined,
  form: URLSearchParams,
  clients: Readonly<Record<string, string>> | undefined,
  mint: (claims: Members) => string,
): TokenAnswer {
  if (form.get('grant_type') !== 'client_credentials') {
    return { status: 400, body: { error: 'unsupported_grant_type' } }
  }
  const credential = Buffer.from(authorization?.replace(/^Basic /i, '') ?? '', 'base64').toString()
  const [id = '', secret = ''] = credential
    .split(':')
    .map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
  const isKnown = clients === undefined || (Object.hasOwn(clients, id) && clients[id] === secret)
  if (id === '' || !isKnown) return { status: 401, body: { error: 'invalid_client' } }

  const scope = form.get('scope') ?? ''
  const personal = { sid: undefined, gen: undefined, auth_time: undefined, roles: undefined }
  const accessToken = mint({ ...personal, sub: id, client_id: id, scope })
  const body = { access_token: accessToken, token_type: 'Bearer', expires_in: 900, scope }
  return { status: 200, body }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  return address.port
}
