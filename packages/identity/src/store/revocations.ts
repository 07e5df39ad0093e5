import type {
  Fingerprint,
  RevocationPosition,
  RevocationRecord,
} from '@portcullis/protocol/revocations'
import { fingerprintOf, isRevocationKind, nextChain } from '@portcullis/protocol/revocations'
import type { LogHead, Revocation, RevocationLog } from '../domain/revocations.ts'
import { integer, list, optionalInteger, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { HighWater } from './high-water.ts'

/** Takes something back, in the transaction that makes it so. Answers where the log is then. */
export type Revoke = (revocation: Revocation) => Promise<RevocationPosition>

/** Runs the steps as one atomic change that may revoke. When it resolves, all of it is durable. */
export type RevokingTransaction = <Result>(
  steps: (query: Query, revoke: Revoke) => Promise<Result>,
) => Promise<Result>

export interface StoredRevocationLog extends RevocationLog {
  readonly transaction: RevokingTransaction
}

export interface RevocationLogOptions {
  readonly issuer: string
  readonly highWater: Pick<HighWater, 'raise'>
}

/** The log of a store in which an epoch was opened (see `openEpoch`). */
export function createRevocationLog(
  database: Database,
  { issuer, highWater }: RevocationLogOptions,
): StoredRevocationLog {
  const listeners = new Set<() => void>()
  return {
    transaction: async (steps) => {
      const { result, head } = await database.transaction(async (query) => {
        let hasRevoked = false
        const answer = await steps(query, ({ kind, key, floor }) => {
          hasRevoked = true
          return appendRecord(query, { kind, fingerprint: fingerprintOf(issuer, kind, key), floor })
        })
        return { result: answer, head: hasRevoked ? await readHead(query) : undefined }
      })
      if (head !== undefined) {
        try {
          // Before the caller may acknowledge it: see HighWater.
          await highWater.raise(head)
        } finally {
          // It is committed, whatever becomes of the mark: those who follow must not go on without it.
          for (const listener of listeners) listener()
        }
      }
      return result
    },
    onRevoked: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    checkpoint: async () => {
      const head = await touch(database.write)
      await highWater.raise(head)
      return head
    },
    head: () => readHead(database.read),
    since: async (seq) => {
      // One statement, so that both halves are from one moment.
      const rows = await database.read(
        `SELECT revocation_head.*, ${recordColumns}
         FROM revocation_head LEFT JOIN revocations AS record ON record.seq > $1
         ORDER BY record.seq`,
        [seq],
      )
      const records = rows.filter((row) => row['record_seq'] !== null).map(recordOf)
      return { head: headOf(rows[0]), records }
    },
    inForce: () =>
      database.transaction(async (query) => ({
        head: await touch(query),
        records: await recordsInForce(query),
      })),
  }
}

const recordColumns = 'record.seq AS record_seq, kind, fingerprint, floor, until'

/** Where the log is, for a caller that found nothing left to revoke. */
export async function currentPosition(query: Query): Promise<RevocationPosition> {
  const { epoch, seq } = await readHead(query)
  return { epoch, seq }
}

/**
 * A token that was minted just before the commit lives for its whole lifetime, and verifiers let it
 * live a little longer for clocks that disagree.
 */
const untilMarginMs = 60_000

/**
 * `seq` and chain are read and written while the head is locked, so they are in the order of the commits.
 * The head is what every revocation waits for, so this comes last in a transaction.
 */
export async function appendRecord(
  query: Query,
  { kind, fingerprint, floor }: Pick<RevocationRecord, 'kind' | 'fingerprint' | 'floor'>,
): Promise<RevocationPosition> {
  const { now, ...head } = await lockHead(query)
  // The clock may have been put back since the tokens were minted; the log's own time was not.
  const at = Math.max(head.at, now)
  const record: RevocationRecord = {
    seq: head.seq + 1,
    kind,
    fingerprint,
    floor,
    until: kind === 'key' ? undefined : at + head.accessTokenSecondsMax * 1000 + untilMarginMs,
  }
  await query(
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
  await query('UPDATE revocation_head SET seq = $1, chain = $2, at = $3', [
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

async function readHead(query: Query): Promise<StoredHead> {
  const [row] = await query('SELECT * FROM revocation_head')
  return headOf(row)
}

/** The head as nobody can change it before this transaction is over, and the time. */
async function lockHead(query: Query): Promise<StoredHead & { readonly now: number }> {
  const [row] = await query('SELECT * FROM revocation_head FOR UPDATE')
  const head = headOf(row)
  // Asked when the lock is held: waiting for it may have taken a while.
  return { ...head, now: await readClock(query) }
}

/** The store's time at this statement, in milliseconds since 1970. */
export async function readClock(query: Query): Promise<number> {
  const [row] = await query('SELECT statement_now() AS now')
  if (row === undefined) throw new TypeError('the store has no clock')
  return integer(row, 'now')
}

/** Vouches, by a write, that nothing before this moment is missing from the head that it answers. */
async function touch(query: Query): Promise<StoredHead> {
  const [row] = await query(
    'UPDATE revocation_head SET at = greatest(at, statement_now()) RETURNING *',
  )
  return headOf(row)
}

async function recordsInForce(query: Query): Promise<readonly RevocationRecord[]> {
  const rows = await query(
    `SELECT ${recordColumns} FROM revocations AS record
     WHERE until IS NULL OR until > statement_now() ORDER BY record.seq`,
  )
  return rows.map(recordOf)
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
    seq: integer(row, 'record_seq'),
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
