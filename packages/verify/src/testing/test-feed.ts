import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type {
  RevocationKind,
  RevocationPosition,
  RevocationRecord,
} from '@portcullis/protocol/revocations'
import {
  checkpointType,
  encodeRecord,
  fingerprintOf,
  firstChain,
  formatFrame,
  formatPosition,
  frameEvent,
  nextChain,
  snapshotType,
} from '@portcullis/protocol/revocations'
import { signCompactJws } from './signed-jws.ts'
import type { TestKey } from './test-key.ts'
import { generateTestKey } from './test-key.ts'

/** What a test takes back. */
export type Revoked =
  | { readonly sid: string }
  | { readonly sub: string; readonly floor: number }
  | { readonly clientId: string; readonly floor: number }
  | { readonly jti: string }
  | { readonly kid: string }
  | { readonly all: number }

/** The revocation log of the testing issuer, and what it signs about it (docs/feed-format.md). */
export interface TestFeed {
  readonly position: () => RevocationPosition
  readonly append: (what: Revoked) => RevocationPosition
  /** A new epoch without any record; followers keep what they hold. */
  readonly startEpoch: () => void
  readonly keySetText: () => string
  /** The body of the snapshot. */
  readonly snapshot: () => Buffer
  /** An event of the stream with every record behind this one. */
  readonly eventAfter: (seq: number) => string
  /** A checkpoint with some members changed, signed by the feed's key or another one. */
  readonly sign: (changes?: JsonObject, key?: TestKey, typ?: string) => string
}

export interface TestFeedOptions {
  readonly issuer: string
  readonly now: () => number
  /** The signing keys that live. */
  readonly kids: () => readonly string[]
}

/** A day: longer than any token lives here. */
const entryMs = 86_400_000

export function createTestFeed({ issuer, now, kids }: TestFeedOptions): TestFeed {
  const feedKey = generateTestKey('ES256')
  let epoch = randomEpoch()
  let chain = firstChain(epoch)
  let records: readonly RevocationRecord[] = []
  let at = 0

  const claims = (): JsonObject => {
    at = Math.max(at, now())
    return { iss: issuer, epoch, seq: records.length, chain, at, kids: kids() }
  }
  const sign: TestFeed['sign'] = (changes = {}, key = feedKey, typ = checkpointType) =>
    signCompactJws({ ...claims(), ...changes }, typ, key)

  return {
    position: () => ({ epoch, seq: records.length }),
    append: (what) => {
      const record = recordOf(what, issuer, records.length + 1, now())
      records = [...records, record]
      chain = nextChain(chain, record)
      return { epoch, seq: record.seq }
    },
    startEpoch: () => {
      epoch = randomEpoch()
      chain = firstChain(epoch)
      records = []
    },
    keySetText: () => JSON.stringify({ keys: [feedKey.jwk] }),
    snapshot: () => {
      const body = encodeAll(records)
      const sha256 = createHash('sha256').update(body).digest('base64url')
      const manifest = sign({ sha256 }, feedKey, snapshotType)
      return Buffer.concat([Buffer.from(`${manifest}\n`), body])
    },
    eventAfter: (seq) => {
      const frame = { records: encodeAll(records.slice(seq)), checkpoint: sign() }
      const id = formatPosition({ epoch, seq: records.length })
      return `event: ${frameEvent}\nid: ${id}\ndata: ${formatFrame(frame)}\n\n`
    },
    sign,
  }
}

function encodeAll(records: readonly RevocationRecord[]): Buffer {
  return Buffer.concat(records.map((record) => encodeRecord(record)))
}

function recordOf(what: Revoked, issuer: string, seq: number, nowMs: number): RevocationRecord {
  const { kind, key, floor } = keyOf(what)
  // Tests may be in JavaScript.
  if (typeof key !== 'string' || !Number.isSafeInteger(floor)) throw new TypeError(revokeUsage)
  const until = kind === 'key' ? undefined : nowMs + entryMs
  return { seq, kind, fingerprint: fingerprintOf(issuer, kind, key), floor, until }
}

const revokeUsage =
  'revoke wants {sid}, {sub, floor}, {clientId, floor}, {jti}, {kid} or {all: floor}'

function keyOf(what: Revoked): { kind: RevocationKind; key: string; floor: number } {
  if ('sid' in what) return { kind: 'session', key: what.sid, floor: 0 }
  if ('sub' in what) return { kind: 'account', key: what.sub, floor: what.floor }
  if ('clientId' in what) return { kind: 'client', key: what.clientId, floor: what.floor }
  if ('jti' in what) return { kind: 'token', key: what.jti, floor: 0 }
  if ('kid' in what) return { kind: 'key', key: what.kid, floor: 0 }
  if ('all' in what) return { kind: 'all', key: '', floor: what.all }
  throw new TypeError(revokeUsage)
}

function randomEpoch(): string {
  return randomBytes(16).toString('base64url')
}
