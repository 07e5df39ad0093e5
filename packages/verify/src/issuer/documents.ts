import type { JsonObject } from '@portcullis/protocol'
import { issuerMetadataUrl } from '@portcullis/protocol'
import type { VerificationKey } from '@portcullis/protocol/jws'
import type { Fetch } from './http-json.ts'
import { requestJson } from './http-json.ts'
import { parseKeySet } from './key-set.ts'

/** What is used of the issuer's metadata (RFC 8414 section 2). */
export interface IssuerMetadata {
  readonly kind: 'metadata'
  readonly jwksUri: string
  /** Undefined when there is none at the issuer's own origin. */
  readonly tokenEndpoint: string | undefined
}

export interface FetchedKeySet {
  readonly kind: 'key-set'
  readonly keys: ReadonlyMap<string, VerificationKey>
  readonly maxAgeSeconds: number
}

export interface DocumentFailure {
  readonly kind: 'failed'
  readonly why: string
}

/** The two documents an issuer publishes. Failures are values; nothing here throws. */
export interface IssuerDocuments {
  /** Kept once it was read, until a key set cannot be had: then the address may be old. */
  readonly metadata: () => Promise<IssuerMetadata | DocumentFailure>
  readonly keySet: () => Promise<FetchedKeySet | DocumentFailure>
}

const maxAgeSecondsDefault = 300
const maxAgeSecondsMin = 1
/** Leaves five minutes for retries before a key set counts as too old to use. */
const maxAgeSecondsMax = 600

export function createIssuerDocuments(issuer: string, fetch: Fetch): IssuerDocuments {
  let known: IssuerMetadata | undefined

  const metadata: IssuerDocuments['metadata'] = async () => {
    if (known !== undefined) return known
    const url = issuerMetadataUrl(issuer)
    const answer = await requestJson(fetch, url)
    if (answer.kind === 'failed') return answer
    if (answer.status !== 200) return failed(`${url} answered ${answer.status}`)
    const fetched = parseMetadata(answer.body ?? {}, issuer)
    if (fetched.kind === 'metadata') known = fetched
    return fetched
  }

  const keySet: IssuerDocuments['keySet'] = async () => {
    const found = await metadata()
    if (found.kind === 'failed') return found
    const fetched = await fetchKeySet(found.jwksUri, fetch)
    if (fetched.kind === 'failed') known = undefined
    return fetched
  }

  return { metadata, keySet }
}

function parseMetadata(document: JsonObject, issuer: string): IssuerMetadata | DocumentFailure {
  // RFC 8414 section 3.3: identical, or the document is somebody else's.
  if (document['issuer'] !== issuer) return failed('the metadata is not that of the issuer')
  const jwksUri = document['jwks_uri']
  const tokenEndpoint = document['token_endpoint']
  if (!isAtIssuer(jwksUri, issuer)) return failed('the jwks_uri is not at the origin of the issuer')
  return {
    kind: 'metadata',
    jwksUri,
    tokenEndpoint: isAtIssuer(tokenEndpoint, issuer) ? tokenEndpoint : undefined,
  }
}

/** The origin of the issuer is https, or loopback; so this address is too. */
function isAtIssuer(address: unknown, issuer: string): address is string {
  return typeof address === 'string' && URL.parse(address)?.origin === new URL(issuer).origin
}

async function fetchKeySet(url: string, fetch: Fetch): Promise<FetchedKeySet | DocumentFailure> {
  const answer = await requestJson(fetch, url)
  if (answer.kind === 'failed') return answer
  if (answer.status !== 200) return failed(`${url} answered ${answer.status}`)
  const keys = parseKeySet(answer.body ?? {})
  return keys === undefined
    ? failed(`${url} answered no usable key set`)
    : { kind: 'key-set', keys, maxAgeSeconds: maxAgeSecondsOf(answer.headers) }
}

/** RFC 9111 section 5.2.2.1, clamped to between one second and ten minutes. */
function maxAgeSecondsOf(headers: Headers): number {
  const directive = /(?:^|[\s,])max-age=(\d{1,10})/i.exec(headers.get('cache-control') ?? '')
  const seconds = directive === null ? maxAgeSecondsDefault : Number(directive[1])
  return Math.min(Math.max(seconds, maxAgeSecondsMin), maxAgeSecondsMax)
}

function failed(why: string): DocumentFailure {
  return { kind: 'failed', why }
}
