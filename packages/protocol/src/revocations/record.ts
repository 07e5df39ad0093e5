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
const never = 2n ** 64n - 1n

/**
 * The first 64 bits of SHA-256(issuer ‖ 0 ‖ kind ‖ 0 ‖ key). The key is the `sid`, `sub`, `client_id`,
 * `jti` or `kid`, and empty for `all`. All of them are random and chosen by the issuer, so nobody can
 * aim at somebody else's fingerprint.
 */
export function fingerprintOf(issuer: string, kind: RevocationKind, key: string): Fingerprint {
  return hash('sha256', `${issuer}\0${kind}\0${key}`, 'buffer').readBigUInt64BE()
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
  if (bytes.length % recordBytes !== 0) return undefined
  const records: RevocationRecord[] = []
  for (let at = 0; at < bytes.length; at += recordBytes) {
    const record = decodeRecord(bytes, at)
    if (record === undefined) return undefined
    records.push(record)
  }
  return records
}

function decodeRecord(bytes: Buffer, at: number): RevocationRecord | undefined {
  const seq = Number(bytes.readBigUInt64BE(at))
  const kind = kindOfOctet.get(bytes.readUInt8(at + 8))
  const floor = Number(bytes.readBigUInt64BE(at + 17))
  const rawUntil = bytes.readBigUInt64BE(at + 25)
  const until = rawUntil === never ? undefined : Number(rawUntil)
  if (kind === undefined) return undefined
  if (![seq, floor, until ?? 0].every((number) => Number.isSafeInteger(number))) return undefined
  return { seq, kind, fingerprint: bytes.readBigUInt64BE(at + 9), floor, until }
}
