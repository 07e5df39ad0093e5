import type { RevocationPosition, RevocationRecord } from '@portcullis/protocol/revocations'
import { fingerprintOf, nextChain } from '@portcullis/protocol/revocations'
import type { LogHead, Revocation, RevocationLog } from '../domain/revocations.ts'
import { integer, text } from './columns.ts'
import type { Database, Query } from './database.ts'
import type { HighWater, HighWaterMark } from './high-water.ts'
import type { InsertedColumns } from './inserted-rows.ts'
import { insertRows } from './inserted-rows.ts'
import { takeInForce } from './records-in-force.ts'
import type { RecordAbout } from './revocation-causes.ts'
import { createCauses } from './revocation-causes.ts'
import type { StoredHead } from './revocation-rows.ts'
import {
  headOf,
  packedColumns,
  packedRecords,
  readHead,
  recordsOf,
  textOfFingerprint,
} from './revocation-rows.ts'
import { shareRecordsOf } from './security-events.ts'

/** Takes things back, in the transaction that makes it so. Answers where the log is then. */
export type Revoke = (
  ...revocations: readonly [Revocation, ...(readonly Revocation[])]
) => Promise<RevocationPosition>

/** Runs the steps as one atomic change that may revoke. When it resolves, all of it is durable. */
export type RevokingTransaction = <Result>(
  steps: (query: Query, revoke: Revoke) => Promise<Result>,
) => Promise<Result>

export interface StoredRevocationLog extends RevocationLog {
  readonly transaction: RevokingTransaction
  /** One at a time among all nodes: see `Connection.exclusive`. */
  readonly exclusive: RevokingTransaction
  /** Tells those who wait, here and on other nodes, that there is something new. */
  readonly wake: () => void
}

export interface RevocationLogOptions {
  readonly issuer: string
  readonly highWater: Pick<HighWater, 'raise'>
  /** Told how many new records are durable. */
  readonly onRecords?: (count: number) => void
}

/** The log of a store in which an epoch was opened (see `openEpoch`). */
export function createRevocationLog(
  database: Database,
  { issuer, highWater, onRecords }: RevocationLogOptions,
): StoredRevocationLog {
  const listeners = new Set<() => void>()
  const checkpoint = async (): Promise<LogHead> => {
    const head = await touch(database.ahead.write)
    await highWater.raise(head)
    return head
  }
  const wake = (): void => {
    for (const listener of listeners) listener()
    database.wakeOthers()
  }
  const revokingIn =
    (run: Database['transaction']): RevokingTransaction =>
    async (steps) => {
      const { result, head, records, isShared } = await run((query) =>
        revokeIn(query, issuer, steps),
      )
      if (head !== undefined) {
        onRecords?.(records)
        // Before the caller may acknowledge it: see HighWater. It is committed, whatever becomes of the mark: those who
        // follow must not go on without it.
        await highWater.raise(head).finally(wake)
      } else if (isShared) wake()
      return result
    }
  return {
    transaction: revokingIn(database.transaction),
    exclusive: revokingIn(database.exclusive),
    wake,
    onRevoked: (listener) => {
      listeners.add(listener)
      const stop = database.onWoken(listener)
      return () => {
        listeners.delete(listener)
        stop()
      }
    },
    checkpoint,
    head: () => readHead(database.ahead.read),
    since: async (seq) => {
      // One statement, so that both halves are from one moment.
      const [row] = await database.ahead.read(
        `SELECT * FROM revocation_head, (
           SELECT ${packedRecords} FROM (
             SELECT ${packedColumns} FROM revocations WHERE seq > $1 ORDER BY seq
           ) AS record
         ) AS behind`,
        [seq],
      )
      return { head: headOf(row), records: recordsOf(row ?? {}) }
    },
    inForce: (take, after) => takeInForce(database.read, checkpoint, take, after),
  }
}

interface RevokedIn<Result> {
  readonly result: Result
  /** Where the log has come to; undefined when nothing was revoked. */
  readonly head: HighWaterMark | undefined
  readonly records: number
  /** Something revokes nothing, and receivers of events are told of it all the same. */
  readonly isShared: boolean
}

async function revokeIn<Result>(
  query: Query,
  issuer: string,
  steps: (query: Query, revoke: Revoke) => Promise<Result>,
): Promise<RevokedIn<Result>> {
  let head: HighWaterMark | undefined
  let appended = 0
  const causes = createCauses()
  const shared = shareRecordsOf(query, causes.note)
  const result = await steps(shared.query, async (...revocations) => {
    const records = revocations.map(({ kind, key, floor }) => ({
      kind,
      fingerprint: fingerprintOf(issuer, kind, key),
      floor,
      about: causes.of(kind, key),
    }))
    const { hasStreams, ...mark } = await appendRecords(query, records)
    head = mark
    appended += records.length
    const { epoch, seq } = mark
    const first = seq - records.length + 1
    const revoked = revocations.map((one, index) => ({ ...one, seq: first + index }))
    await shared.write({ ...mark, hasStreams }, revoked)
    return { epoch, seq }
  })
  const isShared = shared.isThere()
  if (isShared) await shared.write(await lockHead(query), [])
  return { result, head, records: appended, isShared }
}

/**
 * Where the log is, for a caller that found nothing left to revoke, as the last step of a transaction. By a write,
 * because a server that was left behind finds nothing of what has begun since, and must not say that it is over.
 */
export async function currentPosition(query: Query): Promise<RevocationPosition> {
  const { epoch, seq } = await touch(query)
  return { epoch, seq }
}

/**
 * A token that was minted just before the commit lives for its whole lifetime, and verifiers let it
 * live a little longer for clocks that disagree.
 */
const untilMarginMs = 60_000

const revocationColumns: InsertedColumns = {
  table: 'revocations',
  columns: [
    ['seq', 'bigint'],
    ['kind', 'text'],
    ['fingerprint', 'text'],
    ['floor', 'bigint'],
    ['until', 'bigint'],
    ['at', 'bigint'],
    ['subject', 'text'],
    ['cause', 'text'],
    ['account_id', 'text'],
    ['actor', 'text'],
    ['reason', 'text'],
  ],
}

/** What a record says; its place and its time come from the head. */
export type NewRecord = Pick<RevocationRecord, 'kind' | 'fingerprint' | 'floor'> & {
  /** Undefined where only the fingerprint is known by now. */
  readonly about?: RecordAbout
}

/**
 * `seq` and chain are read and written while the head is locked, so they are in the order of the commits.
 * The head is what every revocation waits for, so this comes last in a transaction, and once.
 */
export async function appendRecords(
  query: Query,
  added: readonly NewRecord[],
): Promise<HighWaterMark & { readonly hasStreams: boolean }> {
  const { now, ...head } = await lockHead(query)
  // The clock may have been put back since the tokens were minted; the log's own time was not.
  const at = Math.max(head.at, now)
  const until = at + head.accessTokenSecondsMax * 1000 + untilMarginMs
  const records = added.map(
    ({ about, ...one }, index): RevocationRecord & Pick<NewRecord, 'about'> => ({
      ...one,
      ...(about && { about }),
      seq: head.seq + 1 + index,
      until: one.kind === 'key' ? undefined : until,
    }),
  )
  await insertRows(
    query,
    revocationColumns,
    records.map((record) => [
      record.seq,
      record.kind,
      textOfFingerprint(record.fingerprint),
      record.floor,
      record.until ?? null,
      at,
      record.about?.subject ?? null,
      record.about?.cause ?? null,
      record.about?.accountId ?? null,
      record.about?.actor ?? null,
      record.about?.reason ?? null,
    ]),
  )
  const seq = head.seq + records.length
  await query('UPDATE revocation_head SET seq = $1, chain = $2, at = $3', [
    seq,
    records.reduce(nextChain, head.chain),
    at,
  ])
  return { epoch: head.epoch, base: head.base, seq, at, hasStreams: head.hasStreams }
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

/** By how much the log's time is ahead of the clock, in milliseconds: never by much, unless the clock was once. */
export async function readAheadMs(read: Query): Promise<number> {
  const [row] = await read('SELECT at - statement_now() AS ahead FROM revocation_head')
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return integer(row, 'ahead')
}

/** Where the log stood so long ago. Its times never go back, so no older record is later. */
export async function readPositionBefore(read: Query, agoMs: number): Promise<RevocationPosition> {
  const [row] = await read(
    `SELECT epoch, coalesce((SELECT record.seq FROM revocations AS record
                             WHERE record.at <= statement_now() - $1 ORDER BY record.seq DESC LIMIT 1), 0) AS seq
     FROM revocation_head`,
    [agoMs],
  )
  if (row === undefined) throw new TypeError('no epoch was opened in this store')
  return { epoch: text(row, 'epoch'), seq: integer(row, 'seq') }
}

/** Vouches, by a write, that nothing before this moment is missing from the head that it answers. */
async function touch(query: Query): Promise<StoredHead> {
  const [row] = await query(
    'UPDATE revocation_head SET at = greatest(at, statement_now()) RETURNING *',
  )
  return headOf(row)
}
