import { randomBytes, randomUUID } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { rejectUnknown, requireExactUrl } from '../option-checks.ts'
import type { FeedEndpoints, FeedRequestCounts } from './feed-endpoints.ts'
import { createFeedEndpoints } from './feed-endpoints.ts'
import type { IssuerFetch } from './issuer-fetch.ts'
import { createIssuerFetch } from './issuer-fetch.ts'
import type { Outage, RequestCounts } from './issuer-handler.ts'
import { createIssuerHandler } from './issuer-handler.ts'
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
  /** False opens no socket: only the `fetch` of the issuer reaches it. Default true: it is on loopback. */
  readonly network?: boolean
  /** Only with a network. Default 0: any free port. */
  readonly port?: number
  /** Only without: the name that your service has in its settings. Default `https://issuer.test`. */
  readonly issuer?: string
  /** Client ids and their secrets for the token endpoint. Default: every client is let in. */
  readonly clients?: Readonly<Record<string, string>>
  /** The revocation feed; false for a plain JWT issuer, which has none. */
  readonly feed?: false | TestFeedSettings
}

/** How the feed of the testing issuer behaves. */
export interface TestFeedSettings {
  /** How often a stream gets a checkpoint, at most a second. Default 250. */
  readonly checkpointMs?: number
  /** Only clients with a token of this issuer read it. Default false. */
  readonly wantsToken?: boolean
}

type Members = Readonly<Record<string, unknown>>

/** An issuer for tests: real keys, real documents, and it does as it is told. */
export interface TestIssuer {
  /** `http://localhost:<port>`; without network what `issuer` says. */
  readonly issuer: string
  /**
   * For the verifier's option `fetch`: over the network where there is one, or else in the process.
   * Rejects with a TypeError for an address that is not the issuer's, so that no request goes astray
   * unnoticed. In the process, requests that hang keep it alive, and open streams do not.
   */
  readonly fetch: IssuerFetch
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

/** No name that anybody could register: RFC 6761 section 6.2. */
const nameWithoutNetwork = 'https://issuer.test'

/**
 * Starts an issuer: metadata (RFC 8414), key set with `ETag` and `Cache-Control`, a token endpoint for
 * `client_credentials`, and a revocation feed. With `network: false` it is reached by its `fetch` alone
 * and opens no socket. For tests only: it gives anyone any token. Throws a TypeError for an option that
 * is unknown or wrong.
 */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { algorithm = 'RS256', now = Date.now, maxAgeSeconds = 300, clients, ...others } = options
  const { feed: feedSettings = {}, network = true, port, issuer: name, ...unknown } = others
  rejectUnknown(unknown)
  if ((network ? name : port) !== undefined) {
    throw new TypeError('option "port" is for a network, "issuer" for none')
  }

  const server = network ? await startIssuerServer(port ?? 0) : undefined
  const issuer = server?.origin ?? requireExactUrl(name ?? nameWithoutNetwork, 'issuer')
  const keys = createTestKeyRing(algorithm)
  const { mint, forge } = createMint(issuer, keys, algorithm, now)
  const tokens = createTokenEndpoint({ issuer, clients, mint })
  const log = createTestFeed({ issuer, now, kids: keys.kids })
  const { wantsToken = false, checkpointMs = 250 } = feedSettings === false ? {} : feedSettings
  const feed = createFeedEndpoints({
    feed: log,
    checkpointMs,
    mayRead: (authorization) => !wantsToken || tokens.mayReadFeed(authorization),
  })
  const handler = createIssuerHandler({
    issuer,
    now,
    keySetText: keys.keySetText,
    maxAgeSeconds,
    feed: feedSettings === false ? undefined : feed,
    issueToken: tokens.issue,
  })
  server?.serve(handler.answer)

  return {
    issuer,
    fetch: createIssuerFetch(handler, network),
    requests: handler.requests,
    feedRequests: feed.requests,
    get kid() {
      return keys.current().kid
    },
    now,
    mint,
    forge,
    ...controlsOf(keys, log, feed),
    goDown: (outage = 'error') => {
      handler.goDown(outage)
      if (outage === 'hang') feed.silence()
      else feed.cut()
    },
    comeBack: () => {
      handler.goDown(undefined)
      feed.resume()
    },
    close: async () => {
      handler.close()
      feed.cut()
      await server?.close()
    },
  }
}

function createMint(
  issuer: string,
  keys: TestKeyRing,
  alg: AlgorithmName,
  now: () => number,
): Pick<TestIssuer, 'mint' | 'forge'> {
  const forge = (recipe: TokenRecipe): string => {
    const key = keys.current()
    const header = { alg, typ: accessTokenType, kid: key.kid }
    return forgeToken(recipe, { issuer, key, header, claims: validClaims(issuer, now()), now })
  }
  return {
    forge,
    mint: (claims = {}, header = {}) =>
      forge({ header: replacing(header), payload: replacing(claims) }),
  }
}

/** What changes the keys or the log is sent to the followers at once. */
function controlsOf(
  keys: TestKeyRing,
  log: TestFeed,
  feed: FeedEndpoints,
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
