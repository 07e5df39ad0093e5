import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject, issuerMetadataUrl } from '@portcullis/protocol'
import type { VerificationKey } from '@portcullis/protocol/jws'
import type { DocumentFailure, Fetch, JsonAnswer } from './http-json.ts'
import { failed, requestJson } from './http-json.ts'
import { copyAgeMs, madeAtMsOf } from './answer-age.ts'
import type { KeySetParser } from './key-set.ts'
import { createKeySetParser } from './key-set.ts'
import { isExpired, maxAgeSecondsOf } from './max-age.ts'

/** What is used of the issuer's metadata (RFC 8414 section 2). */
export interface IssuerMetadata {
  readonly kind: 'metadata'
  readonly jwksUri: string
  /** Undefined when there is none at the issuer's own origin. */
  readonly tokenEndpoint: string | undefined
  /** Undefined when there is none, or not all of it is at the issuer's own origin. */
  readonly feed: FeedAddresses | undefined
}

/** The member `revocation_feed` (docs/feed-format.md). */
export interface FeedAddresses {
  readonly snapshot: string
  readonly stream: string
  readonly keys: string
  /** Undefined where the issuer does not ask how far its followers are, or not at its own origin. */
  readonly positions: string | undefined
}

export interface FetchedKeySet {
  readonly kind: 'key-set'
  readonly keys: ReadonlyMap<string, VerificationKey>
  readonly maxAgeSeconds: number
  /** By the issuer's clock, in milliseconds since 1970, and earlier for a copy; undefined where nobody says. */
  readonly madeAtMs?: number | undefined
  /** How old it was when it was asked for; none where it is the issuer's own answer. */
  readonly ageMs?: number
  /** Older than the issuer allows a cache to answer. */
  readonly isExpired?: boolean
}

/** The documents an issuer publishes. Failures are values; nothing here throws. */
export interface IssuerDocuments {
  /** Kept once it was read, until something that it names cannot be had: then the address may be old. */
  readonly metadata: () => Promise<IssuerMetadata | DocumentFailure>
  readonly forgetMetadata: () => void
  readonly keySet: () => Promise<FetchedKeySet | DocumentFailure>
  /** The keys of the revocation feed; never those for tokens, and the other way round. */
  readonly feedKeySet: () => Promise<FetchedKeySet | DocumentFailure>
}

export const noFeed = 'the metadata names no revocation_feed at the origin of the issuer'

/** `wall`: milliseconds since 1970. */
export function createIssuerDocuments(
  issuer: string,
  fetch: Fetch,
  wall: () => number,
): IssuerDocuments {
  let known: IssuerMetadata | undefined
  let flight: Promise<IssuerMetadata | DocumentFailure> | undefined

  async function fetchMetadata(): Promise<IssuerMetadata | DocumentFailure> {
    const answer = await requestDocument(fetch, issuerMetadataUrl(issuer))
    if (answer.kind === 'failed') return answer
    const fetched = parseMetadata(answer.body ?? {}, issuer)
    if (fetched.kind === 'metadata') known = fetched
    return fetched
  }

  const metadata: IssuerDocuments['metadata'] = async () => {
    if (known !== undefined) return known
    flight ??= fetchMetadata().finally(() => {
      flight = undefined
    })
    return flight
  }

  async function keySetAt(
    parse: KeySetParser,
    addressIn: (metadata: IssuerMetadata) => string | undefined,
  ): Promise<FetchedKeySet | DocumentFailure> {
    const found = await metadata()
    if (found.kind === 'failed') return found
    const url = addressIn(found)
    const fetched = url === undefined ? failed(noFeed) : await fetchKeySet(url, fetch, parse, wall)
    if (fetched.kind === 'failed') known = undefined
    return fetched
  }

  const parseKeySet = createKeySetParser()
  const parseFeedKeySet = createKeySetParser()

  return {
    metadata,
    forgetMetadata: () => {
      known = undefined
    },
    keySet: () => keySetAt(parseKeySet, ({ jwksUri }) => jwksUri),
    feedKeySet: () => keySetAt(parseFeedKeySet, ({ feed }) => feed?.keys),
  }
}

function parseMetadata(document: JsonObject, issuer: string): IssuerMetadata | DocumentFailure {
  // RFC 8414 section 3.3: identical, or the document is somebody else's.
  const named = document['issuer']
  if (named !== issuer) {
    const other = JSON.stringify(named ?? null).slice(0, 100)
    return failed(`the metadata is not that of the issuer: it names ${other}`)
  }
  const jwksUri = document['jwks_uri']
  const tokenEndpoint = document['token_endpoint']
  if (!isAtIssuer(jwksUri, issuer)) return failed('the jwks_uri is not at the origin of the issuer')
  return {
    kind: 'metadata',
    jwksUri,
    tokenEndpoint: isAtIssuer(tokenEndpoint, issuer) ? tokenEndpoint : undefined,
    feed: parseFeed(document['revocation_feed'], issuer),
  }
}

function parseFeed(feed: unknown, issuer: string): FeedAddresses | undefined {
  if (!isJsonObject(feed)) return undefined
  const { snapshot, stream, keys, positions } = feed
  const areThere =
    isAtIssuer(snapshot, issuer) && isAtIssuer(stream, issuer) && isAtIssuer(keys, issuer)
  if (!areThere) return undefined
  return {
    snapshot,
    stream,
    keys,
    positions: isAtIssuer(positions, issuer) ? positions : undefined,
  }
}

/** The origin of the issuer is https, or loopback; so this address is too. */
function isAtIssuer(address: unknown, issuer: string): address is string {
  return typeof address === 'string' && URL.parse(address)?.origin === new URL(issuer).origin
}

async function fetchKeySet(
  url: string,
  fetch: Fetch,
  parse: KeySetParser,
  wall: () => number,
): Promise<FetchedKeySet | DocumentFailure> {
  const askedAtMs = wall()
  const answer = await requestDocument(fetch, url)
  if (answer.kind === 'failed') return answer
  const keys = parse(answer.body ?? {})
  if (keys === undefined) return failed(`${url} answered no usable key set`)
  const { headers } = answer
  return {
    kind: 'key-set',
    keys,
    maxAgeSeconds: maxAgeSecondsOf(headers),
    madeAtMs: madeAtMsOf(headers, askedAtMs),
    ageMs: copyAgeMs(headers, askedAtMs),
    isExpired: isExpired(headers),
  }
}

async function requestDocument(fetch: Fetch, url: string): Promise<JsonAnswer> {
  const answer = await requestJson(fetch, url)
  const isThere = answer.kind === 'failed' || answer.status === 200
  return isThere ? answer : failed(`${url} answered ${answer.status}`)
}
