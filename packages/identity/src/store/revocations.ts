import type {
  Fingerprint,
  RevocationPosition,
  RevocationRecord,
} from '@portcullis/protocol/revocations'
import { fingerprintOf, isRevocationKind, nextChain } from '@portcullis/protocol/revocations'
import type { LogHead, Revocation, RevocationLog } from '../domain/revocations.ts'
import { integer, list, optionalInteger, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { HighWaterFile } from './high-water.ts'

/** Takes something back, in the transaction that makes it so. Answers where the log is then. */
export type Revoke = (revocation: Revocation) => RevocationPosition

/** Runs the steps as one atomic change that may revoke. When it resolves, all of it is durable. */
export type RevokingTransaction = <Result>(
  steps: (query: Query, revoke: Revoke) => Result,
) => Promise<Result>

export interface StoredRevocationLog extends RevocationLog {
  readonly transaction: RevokingTransaction
}

export interface RevocationLogOptions {
  readonly issuer: string
  readonly highWater: HighWaterFile
  readonly now: () => number
}

/** The log of a store in which an epoch was opened (see `openEpoch`). */
export function createRevocationLog(
  database: Database,
  { issuer, highWater, now }: RevocationLogOptions,
): StoredRevocationLog {
  const listeners = new Set<() => void>()
  const touch = (query: Query): StoredHead =>
    headOf(query('UPDATE revocation_head SET at = max(at, $1) RETURNING *', [now()])[0])
  return {
    transaction: async (steps) => {
      const { result, head } = await database.transaction((query) => {
        let hasRevoked = false
        const answer = steps(query, (revocation) => {
          hasRevoked = true
          const { kind, key, floor } = revocation
          const fingerprint = fingerprintOf(issuer, kind, key)
          return appendRecord(query, { kind, fingerprint, floor }, now())
        })
        return { result: answer, head: hasRevoked ? readHead(query) : undefined }
      })
      if (head !== undefined) {
        // Before the caller may acknowledge it: see HighWaterFile.
        highWater.write(head)
        for (const listener of listeners) listener()
      }
      return result
    },
    onRevoked: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    checkpoint: async () => {
      const head = await database.transaction(touch)
      highWater.write(head)
      return head
    },
    head: () => database.transaction(readHead),
    since: (seq) =>
      database.transaction((query) => ({
        head: readHead(query),
        records: query('SELECT * FROM revocations WHERE seq > $1 ORDER BY seq', [seq]).map(
          recordOf,
        ),
      })),
    inForce: () =>
      database.transaction((query) => ({
        head: touch(query),
        records: query('SELECT * FROM revocations WHERE until IS NULL OR until > $1 ORDER BY seq', [
          now(),
        ]).map(recordOf),
      })),
  }
}

/** Where the log is, for a caller that found nothing left to revoke. */
export function currentPosition(query: Query): RevocationPosition {
  const { epoch, seq } = readHead(query)
  return { epoch, seq }
}

/**
 * A token that was minted just before the commit lives for its whole lifetime, and verifiers let it
 * live a little longer for clocks that disagree.
 */
const untilMarginMs = 60_000

/** `seq` and chain are read and written under the store's write lock, so they are in commit order. */
export function appendRecord(
  query: Query,
  { kind, fingerprint, floor }: Pick<RevocationRecord, 'kind' | 'fingerprint' | 'floor'>,
  now: number,
): RevocationPosition {
  const head = readHead(query)
  // The clock may have been put back since the tokens were minted; the log's own time was not.
  const at = Math.max(head.at, now)
  const record: RevocationRecord = {
    seq: head.seq + 1,
    kind,
    fingerprint,
    floor,
    until: kind === 'key' ? undefined : at + head.accessTokenSecondsMax * 1000 + untilMarginMs,
  }
  query(
    `INSERT INTO revocations (seq, kind, fingerprint, floor, until, at)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      record.seq,
      record.kind,
      textOfFingerprint(record.fingerprint),
      record.floor,
      record.until ?? null,
      at,
    ],
  )
  query('UPDATE revocation_head SET seq = $1, chain = $2, at = $3', [
    record.seq,
    nextChain(head.chain, record),
    at,
  ])
  return { epoch: head.epoch, seq: record.seq }
}

/** The head as it is stored, with what only the store needs of it. */
interface StoredHead extends LogHead {
  readonly base: number
  readonly accessTokenSecondsMax: number
}

function readHead(query: Query): StoredHead {
  return headOf(query('SELECT * FROM revocation_head')[0])
}

function headOf(row: Row | undefined): StoredHead {
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return {
    epoch: text(row, 'epoch'),
    base: integer(row, 'base'),
    accessTokenSecondsMax: integer(row, 'access_token_seconds_max'),
    seq: integer(row, 'seq'),
    chain: text(row, 'chain'),
    at: integer(row, 'at'),
    kids: list(row, 'kids'),
  }
}

function recordOf(row: Row): RevocationRecord {
  const kind = text(row, 'kind')
  if (!isRevocationKind(kind)) throw new TypeError(`a revocation has the unknown kind ${kind}`)
  return {
    seq: integer(row, 'seq'),
    kind,
    fingerprint: fingerprintOfText(text(row, 'fingerprint')),
    floor: integer(row, 'floor'),
    until: optionalInteger(row, 'until'),
  }
}

/** Hexadecimal: the integers of SQL have a sign, and 63 bits beside it. */
function textOfFingerprint(fingerprint: Fingerprint): string {
  return fingerprint.toString(16).padStart(16, '0')
}

export function fingerprintOfText(stored: string): Fingerprint {
  return BigInt(`0x${stored}`)
}
