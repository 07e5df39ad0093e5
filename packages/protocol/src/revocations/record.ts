import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

/** What a record takes back, and the octet that stands for it (docs/feed-format.md). */
const kindOctets = { session: 1, account: 2, client: 3, token: 4, key: 5, all: 6 } as const

export type RevocationKind = keyof typeof kindOctets

const kindOfOctet: ReadonlyMap<number, RevocationKind> = new Map(
  (Object.keys(kindOctets) as RevocationKind[]).map((kind) => [kindOctets[kind], kind]),
)

export function isRevocationKind(text: string): text is RevocationKind {
  return Object.hasOwn(kindOctets, text)
}

/** One entry of the revocation log. Applying it twice, late or out of order does no harm. */
export interface RevocationRecord {
  /** Dense, from 1, in the order of the commits. */
  readonly seq: number
  readonly kind: RevocationKind
  readonly fingerprint: Fingerprint
  /** The lowest generation that is still good; 0 for the kinds that have none. */
  readonly floor: number
  /** Milliseconds since 1970: when every token it is about is dead by itself. Undefined for never. */
  readonly until: number | undefined
}

/** The 64 bits by which a revoked thing is known to those who hold the thing. */
export type Fingerprint = bigint

export const recordBytes = 33
const wordValues = 2 ** 32
const neverWord = wordValues - 1

/** The two halves of a fingerprint as signed 32-bit integers, which an engine holds without a box. */
export interface FingerprintWords {
  readonly high: number
  readonly low: number
}

/**
 * The first 64 bits of SHA-256(issuer ‖ 0 ‖ kind ‖ 0 ‖ key). The key is the `sid`, `sub`, `client_id`,
 * `jti` or `kid`, and empty for `all`. All of them are random and chosen by the issuer, so nobody can
 * aim at somebody else's fingerprint.
 */
export function fingerprintOf(issuer: string, kind: RevocationKind, key: string): Fingerprint {
  return fingerprintOfWords(fingerprintWords(issuer, kind, key))
}

/** The same in two halves. As text, because a digest in a buffer of its own costs twice the hash. */
export function fingerprintWords(
  issuer: string,
  kind: RevocationKind,
  key: string,
): FingerprintWords {
  const digest = hash('sha256', `${issuer}\0${kind}\0${key}`, 'latin1')
  return { high: wordAt(digest, 0), low: wordAt(digest, 4) }
}

export function fingerprintOfWords({ high, low }: FingerprintWords): Fingerprint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

function wordAt(octets: string, at: number): number {
  const high = (octets.charCodeAt(at) << 8) | octets.charCodeAt(at + 1)
  return (high << 16) | (octets.charCodeAt(at + 2) << 8) | octets.charCodeAt(at + 3)
}

/** `u64 seq ‖ u8 kind ‖ u64 fingerprint ‖ u64 floor ‖ u64 until`, big-endian. */
export function encodeRecord(record: RevocationRecord): Buffer {
  return encodeRecords([record])
}

/** One behind the other. */
export function encodeRecords(records: readonly RevocationRecord[]): Buffer {
  const bytes = Buffer.alloc(records.length * recordBytes)
  const view = viewOf(bytes)
  let at = 0
  for (const { seq, kind, fingerprint, floor, until } of records) {
    writeInteger(view, seq, at)
    view.setUint8(at + 8, kindOctets[kind])
    view.setBigUint64(at + 9, fingerprint)
    writeInteger(view, floor, at + 17)
    if (until === undefined) bytes.fill(0xff, at + 25, at + recordBytes)
    else writeInteger(view, until, at + 25)
    at += recordBytes
  }
  return bytes
}

/** Three times as quick as the methods of the buffer. */
function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length)
}

function writeInteger(view: DataView, value: number, at: number): void {
  view.setUint32(at, Math.floor(value / wordValues))
  view.setUint32(at + 4, value % wordValues)
}

/**
 * Reads records that stand one behind the other. Undefined when the length does not fit, a number is
 * beyond 2⁵³ or a kind is not known: a reader that cannot apply a record must not go on without it.
 */
export function decodeRecords(bytes: Buffer): readonly RevocationRecord[] | undefined {
  const records: RevocationRecord[] = []
  const areRead = visitRecords(bytes, (kind, words, floor, until, seq) => {
    records.push({ seq, kind, fingerprint: fingerprintOfWords(words), floor, until })
  })
  return areRead ? records : undefined
}

export type RecordVisitor = (
  kind: RevocationKind,
  fingerprint: FingerprintWords,
  floor: number,
  until: number | undefined,
  seq: number,
) => void

/**
 * The same for a great many, without building them. False as soon as one cannot be read; those before it
 * were visited then.
 */
export function visitRecords(bytes: Buffer, visit: RecordVisitor): boolean {
  if (bytes.length % recordBytes !== 0) return false
  const view = viewOf(bytes)
  for (let at = 0; at < bytes.length; at += recordBytes) {
    const kind = kindOfOctet.get(view.getUint8(at + 8))
    const seq = readSafeInteger(view, at)
    const floor = readSafeInteger(view, at + 17)
    const until = isNever(view, at + 25) ? undefined : readSafeInteger(view, at + 25)
    if (kind === undefined || Number.isNaN(seq + floor + (until ?? 0))) return false
    visit(kind, { high: view.getInt32(at + 9), low: view.getInt32(at + 13) }, floor, until, seq)
  }
  return true
}

/** Adds to `counts` how many records of each kind there are, without those of a kind that is not known. */
export function countKinds(
  bytes: Buffer,
  counts: Map<RevocationKind, number> = new Map<RevocationKind, number>(),
): ReadonlyMap<RevocationKind, number> {
  const octets = new Uint32Array(256)
  for (let at = 8; at < bytes.length; at += recordBytes) {
    const octet = bytes[at] ?? 0
    octets[octet] = (octets[octet] ?? 0) + 1
  }
  for (const [octet, kind] of kindOfOctet) {
    counts.set(kind, (counts.get(kind) ?? 0) + (octets[octet] ?? 0))
  }
  return counts
}

/** NaN for a number beyond 2⁵³. */
function readSafeInteger(view: DataView, at: number): number {
  const number = view.getUint32(at) * wordValues + view.getUint32(at + 4)
  return Number.isSafeInteger(number) ? number : Number.NaN
}

function isNever(view: DataView, at: number): boolean {
  return view.getUint32(at) === neverWord && view.getUint32(at + 4) === neverWord
}
