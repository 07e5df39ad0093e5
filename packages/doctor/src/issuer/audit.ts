import type { JsonObject } from '@portcullis/protocol'
import { issuerMetadataUrl } from '@portcullis/protocol'
import { DoctorError } from '../doctor-error.ts'
import type { Severity } from '../report/severity.ts'
import { severities } from '../report/severity.ts'
import { faultsOfCaching } from './cache-faults.ts'
import type { Document } from './document.ts'
import { fetchDocument } from './document.ts'
import type { FaultId, Seen } from './faults.ts'
import { faults } from './faults.ts'
import type { PublishedKey } from './key-faults.ts'
import { faultsOfKeys } from './key-faults.ts'
import { differencesOf, faultsOfMetadata, isPlainHttp } from './metadata-faults.ts'
import type { TokenFacts } from './token-faults.ts'
import { faultsOfToken } from './token-faults.ts'

export interface AuditOptions {
  /** As it stands in tokens as iss. */
  readonly issuer: string
  /** Where the key set is, when it is at another host than the issuer; nothing else is asked there. */
  readonly jwksUrl?: string
  /** A token of the issuer, to look at its size and lifetime. */
  readonly token?: string
  /** How old a key may be. Default 180. */
  readonly keyAgeDaysMax?: number
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

export interface IssuerFinding {
  readonly fault: FaultId
  readonly severity: Severity
  readonly title: string
  readonly remedy: string
  readonly references: readonly string[]
  readonly where: readonly string[]
}

/** Its shape is documented in docs/doctor.md, and a member keeps its meaning while `version` is the same. */
export interface IssuerReport {
  readonly version: 1
  readonly issuer: string
  /** RFC 3339. */
  readonly auditedAt: string
  readonly keys: readonly PublishedKey[]
  readonly token: TokenFacts | undefined
  readonly findings: readonly IssuerFinding[]
  readonly notes: readonly IssuerFinding[]
}

/**
 * Reads what an issuer publishes: metadata and key set, three requests at most, and says what is weak or wrong in it.
 * Does NOT sign in, ask for tokens or verify any. Throws a `DoctorError` when nothing can be read.
 */
export async function auditIssuer(options: AuditOptions): Promise<IssuerReport> {
  const { issuer, token, keyAgeDaysMax = 180, now = Date.now } = options
  requireUrl(issuer)
  const { metadata, seen } = await readMetadata(issuer)
  const keySet = await auditKeySet(options, metadata)
  const entries = keySet.entries ?? []
  const keys = faultsOfKeys(entries, { nowMs: now(), ageDaysMax: keyAgeDaysMax })
  const kids = keys.keys.map(({ kid }) => kid)
  const looked = token === undefined ? undefined : faultsOfToken(token, issuer, kids)
  const plain: readonly Seen[] = isPlainHttp(issuer)
    ? [{ fault: 'plain-http', where: 'issuer' }]
    : []
  const found = findingsOf([
    ...plain,
    ...seen,
    ...keySet.seen,
    ...keys.seen,
    ...(looked?.seen ?? []),
  ])
  return {
    version: 1,
    issuer,
    auditedAt: new Date(now()).toISOString(),
    keys: keys.keys,
    token: looked?.facts,
    findings: found.filter(({ severity }) => severity !== 'info'),
    notes: found.filter(({ severity }) => severity === 'info'),
  }
}

function requireUrl(issuer: string): void {
  const url = URL.parse(issuer)
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (isWeb && url?.username === '' && url.password === '' && !/[?#]/.test(issuer)) return
  const remedy = 'Name it as tokens have it in iss, such as https://id.example.com.'
  throw new DoctorError('usage', 'the issuer is no URL of one', remedy)
}

interface ReadMetadata {
  readonly metadata: JsonObject | undefined
  readonly seen: readonly Seen[]
}

/** OAuth and OpenID Connect put the same in two places. */
async function readMetadata(issuer: string): Promise<ReadMetadata> {
  const oauth = await fetchDocument(issuerMetadataUrl(issuer))
  const openId = await fetchDocument(
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  )
  const documents = [oauth, openId]
  if (documents.every(({ kind }) => kind === 'unreachable')) {
    throw new DoctorError('unreachable', 'the issuer cannot be reached', 'Check its address.')
  }
  const redirects = documents.filter(({ kind }) => kind === 'redirect')
  const seen = redirects.map((): Seen => ({ fault: 'redirect', where: 'metadata' }))
  const [first, second] = documents.flatMap((one) => (one.kind === 'document' ? [one.members] : []))
  if (first === undefined) {
    return { metadata: undefined, seen: [...seen, { fault: 'no-metadata', where: 'metadata' }] }
  }
  const faultsOfBoth = [first, second].flatMap((one) =>
    one === undefined ? [] : faultsOfMetadata(one, issuer),
  )
  const differences = second === undefined ? [] : differencesOf(first, second)
  return { metadata: first, seen: [...seen, ...faultsOfBoth, ...differences] }
}

interface AuditedKeySet {
  readonly entries?: readonly unknown[]
  readonly seen: readonly Seen[]
}

async function auditKeySet(
  { issuer, jwksUrl }: AuditOptions,
  metadata: JsonObject | undefined,
): Promise<AuditedKeySet> {
  const named = metadata?.['jwks_uri']
  const published = typeof named === 'string' ? URL.parse(named) : null
  const missing: readonly Seen[] =
    metadata !== undefined && published === null
      ? [{ fault: 'no-jwks-uri', where: 'jwks_uri' }]
      : []
  const isElsewhere = published !== null && published.host !== new URL(issuer).host
  const elsewhere: readonly Seen[] = isElsewhere
    ? [{ fault: 'jwks-elsewhere', where: published.host }]
    : []
  const before = [...missing, ...elsewhere]
  // Nobody has named that host.
  const url = jwksUrl ?? (isElsewhere ? undefined : published?.href)
  if (url === undefined) return { seen: before }
  const document = await fetchDocument(url)
  return { ...keySetIn(document), seen: [...before, ...keySetIn(document).seen] }
}

function keySetIn(document: Document): AuditedKeySet {
  const where = 'key set'
  if (document.kind === 'redirect') return { seen: [{ fault: 'redirect', where }] }
  const entries = document.kind === 'document' ? document.members['keys'] : undefined
  if (document.kind !== 'document' || !Array.isArray(entries) || entries.length === 0) {
    return { seen: [{ fault: 'no-key-set', where }] }
  }
  return { entries, seen: faultsOfCaching(document.headers, where) }
}

function findingsOf(seen: readonly Seen[]): readonly IssuerFinding[] {
  const groups = Map.groupBy(seen, ({ fault }) => fault)
  const found = [...groups].map(([fault, group]): IssuerFinding => {
    const where = [...new Set(group.map((one) => one.where))]
    return { fault, ...faults[fault], where }
  })
  return found.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity))
}
