import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { JsonObject } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { FeedRequestCounts, FeedServer } from './feed-server.ts'
import { createFeedServer } from './feed-server.ts'
import type { Outage, RequestCounts } from './issuer-server.ts'
import { startIssuerServer } from './issuer-server.ts'
import type { TokenRecipe } from './recipe.ts'
import { forgeToken } from './recipe.ts'
import type { Revoked, TestFeed } from './test-feed.ts'
import { createTestFeed } from './test-feed.ts'
import type { TestKeyRing } from './test-key.ts'
import { createTestKeyRing } from './test-key.ts'
import { createTokenEndpoint } from './token-endpoint.ts'

/** What a testing issuer is made of; everything has a default. */
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
  /** The revocation feed; false for a plain JWT issuer, which has none. */
  readonly feed?: false | TestFeedSettings
}

/** How the feed of the testing issuer behaves. */
export interface TestFeedSettings {
  /** How often a stream gets a checkpoint, at most a second. Default 250. */
  readonly checkpointMs?: number
  /** Only clients with a token of this issuer read it. Default false, as on any loopback. */
  readonly wantsToken?: boolean
}

type Members = Readonly<Record<string, unknown>>

/** An issuer on loopback for tests: real sockets, real keys, and it does as it is told. */
export interface TestIssuer {
  /** `http://localhost:<port>` */
  readonly issuer: string
  /** How often each document was asked for so far. */
  readonly requests: Readonly<RequestCounts>
  readonly feedRequests: Readonly<FeedRequestCounts>
  /** The key that signs at the moment. */
  readonly kid: string
  readonly now: () => number
  /**
   * A valid access token for the audience `orders`, with the scopes `orders:read orders:write` and the
   * role `customer`; members replace its own, undefined removes one. Not every member is checked.
   */
  readonly mint: (claims?: Members, header?: Members) => string
  /** A token that is wrong in the way the recipe says. */
  readonly forge: (recipe: TokenRecipe) => string
  /** A new key signs from now on; both keys are published at once. */
  readonly rotate: () => void
  /** Takes a key out of the published set, and off the list that checkpoints carry. */
  readonly withdraw: (kid: string) => void
  /**
   * Writes a record of the revocation log and sends it at once. `floor`: tokens of a lower generation
   * are refused (`gen` for accounts, `cgen` for clients, both for `all`). Followers apply it some
   * milliseconds later: see `untilApplied`.
   */
  readonly revoke: (what: Revoked) => RevocationPosition
  /** Begins a new epoch of the log, as after a restore, and cuts the streams. */
  readonly startEpoch: () => void
  /** The streams stay open and nothing comes out of them, until it comes back. */
  readonly silenceStreams: () => void
  /** Publishes this instead of the key set: a text as it is, anything else as JSON. */
  readonly publish: (document: unknown) => void
  /** Default `error`: every answer is 503. Streams are cut, or silent when it hangs. */
  readonly goDown: (outage?: Outage) => void
  readonly comeBack: () => void
  readonly close: () => Promise<void>
}

/**
 * Starts a local issuer: metadata (RFC 8414), key set with `ETag` and `Cache-Control`, a token endpoint
 * for `client_credentials`, and a revocation feed. For tests only: it gives anyone any token.
 */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { algorithm = 'RS256', now = Date.now, maxAgeSeconds = 300, port = 0, clients } = options
  const feedSettings = options.feed ?? {}
  const requests: RequestCounts = { metadata: 0, jwks: 0, token: 0 }
  const keys = createTestKeyRing(algorithm)
  let outage: Outage | undefined
  let issuer = ''

  const forge = (recipe: TokenRecipe): string =>
    forgeToken(recipe, {
      issuer,
      key: keys.current(),
      header: { alg: algorithm, typ: accessTokenType, kid: keys.current().kid },
      claims: validClaims(issuer, now()),
      now,
    })
  const mint = (claims: Members = {}, header: Members = {}): string =>
    forge({ header: replacing(header), payload: replacing(claims) })

  const tokens = createTokenEndpoint({ issuer: () => issuer, clients, mint })
  const log = createTestFeed({ issuer: () => issuer, now, kids: keys.kids })
  const { wantsToken = false, checkpointMs = 250 } = feedSettings === false ? {} : feedSettings
  const feed = createFeedServer({
    feed: log,
    checkpointMs,
    mayRead: (authorization) => !wantsToken || tokens.mayReadFeed(authorization),
  })

  const server = await startIssuerServer(
    {
      requests,
      maxAgeSeconds,
      feed: feedSettings === false ? undefined : feed,
      outage: () => outage,
      now,
      metadata: () => metadataOf(issuer, feedSettings !== false),
      keySetText: keys.keySetText,
      issueToken: tokens.issue,
    },
    port,
  )
  issuer = `http://localhost:${portOf(server)}`

  return {
    issuer,
    requests,
    feedRequests: feed.requests,
    get kid() {
      return keys.current().kid
    },
    now,
    mint,
    forge,
    ...controlsOf(keys, log, feed),
    goDown: (kind = 'error') => {
      outage = kind
      if (kind === 'hang') feed.silence()
      else feed.cut()
    },
    comeBack: () => {
      outage = undefined
      feed.resume()
    },
    close: () => closeServer(server),
  }
}

/** What changes the keys or the log is sent to the followers at once. */
function controlsOf(
  keys: TestKeyRing,
  log: TestFeed,
  feed: FeedServer,
): Pick<
  TestIssuer,
  'publish' | 'rotate' | 'withdraw' | 'revoke' | 'startEpoch' | 'silenceStreams'
> {
  return {
    publish: keys.publish,
    rotate: () => {
      keys.rotate()
      feed.push()
    },
    withdraw: (kid) => {
      keys.withdraw(kid)
      feed.push()
    },
    revoke: (what) => {
      const position = log.append(what)
      feed.push()
      return position
    },
    startEpoch: () => {
      log.startEpoch()
      feed.cut()
    },
    silenceStreams: feed.silence,
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

function metadataOf(issuer: string, hasFeed: boolean): object {
  return {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    token_endpoint: `${issuer}/token`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic'],
    response_types_supported: [],
    ...(hasFeed ? { revocation_feed: feedAddresses(issuer) } : {}),
  }
}

function feedAddresses(issuer: string): object {
  return {
    snapshot: `${issuer}/revocations/snapshot`,
    stream: `${issuer}/revocations/stream`,
    keys: `${issuer}/.well-known/revocation-keys.json`,
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

async function closeServer(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  return address.port
}
