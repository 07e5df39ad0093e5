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
const never = 2n ** 64n - 1n

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
  const bytes = Buffer.alloc(recordBytes)
  bytes.writeBigUInt64BE(BigInt(record.seq), 0)
  bytes.writeUInt8(kindOctets[record.kind], 8)
  bytes.writeBigUInt64BE(record.fingerprint, 9)
  bytes.writeBigUInt64BE(BigInt(record.floor), 17)
  bytes.writeBigUInt64BE(record.until === undefined ? never : BigInt(record.until), 25)
  return bytes
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
  for (let at = 0; at < bytes.length; at += recordBytes) {
    const kind = kindOfOctet.get(bytes.readUInt8(at + 8))
    const seq = readSafeInteger(bytes, at)
    const floor = readSafeInteger(bytes, at + 17)
    const until = isNever(bytes, at + 25) ? undefined : readSafeInteger(bytes, at + 25)
    if (kind === undefined || Number.isNaN(seq + floor + (until ?? 0))) return false
    const words = { high: bytes.readInt32BE(at + 9), low: bytes.readInt32BE(at + 13) }
    visit(kind, words, floor, until, seq)
  }
  return true
}

/** NaN for a number beyond 2⁵³. */
function readSafeInteger(bytes: Buffer, at: number): number {
  const number = bytes.readUInt32BE(at) * wordValues + bytes.readUInt32BE(at + 4)
  return Number.isSafeInteger(number) ? number : Number.NaN
}

function isNever(bytes: Buffer, at: number): boolean {
  return bytes.readUInt32BE(at) === neverWord && bytes.readUInt32BE(at + 4) === neverWord
}
