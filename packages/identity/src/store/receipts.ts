import { setImmediate } from 'node:timers/promises'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { clockDifferenceMsMax, followerLiveMs, maxStalenessMsMax } from '../domain/followers.ts'
import type { Receipt, Receipts, ReceiptState, ReceiptStore } from '../domain/receipts.ts'
import { stateWithoutReport } from '../domain/receipts.ts'
import { integer, optionalInteger, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { Arrival } from './followers.ts'
import { arrivalsMax, arrivalsOf, followerOf } from './followers.ts'

/** A few milliseconds of this process, which everybody else waits for. */
const rowsInTurn = 500
/** Who reports for the first time so soon after a commit may have been there before: a report takes no longer. */
const firstReportMsMax = 3_000

export function createReceiptStore({ read }: Pick<Database, 'read'>): ReceiptStore {
  return { receiptsOf: (position) => receiptsOf(read, position) }
}

async function receiptsOf(read: Query, { epoch, seq }: RevocationPosition): Promise<Receipts> {
  const [found] = await read(
    `SELECT revocation_head.epoch, revocation_head.seq, statement_now() AS now, record.at
     FROM revocation_head LEFT JOIN revocations AS record ON record.seq = $1`,
    [seq],
  )
  if (found === undefined) throw new TypeError('no epoch was opened in this store')
  if (text(found, 'epoch') !== epoch) return { kind: 'gone' }
  if (seq > integer(found, 'seq')) return { kind: 'ahead' }
  const committedAt = optionalInteger(found, 'at')
  if (committedAt === undefined) return { kind: 'gone' }
  const now = integer(found, 'now')
  // One that was silent at the commit may have been cut off, and goes on without the feed for its own time.
  const rows = await read(
    `SELECT * FROM followers
     WHERE reported_at + greatest($2, coalesce(max_staleness_ms, $3) + $4) > $1
     ORDER BY client_id, follower`,
    [committedAt, followerLiveMs, maxStalenessMsMax, clockDifferenceMsMax],
  )
  const receiptOf = (row: Row): Receipt => {
    const arrivals = arrivalsOf(row)
    const { position, ...follower } = followerOf(row, arrivals)
    const { clientId, software, reportedAt } = follower
    const isHere = position.epoch === epoch && position.seq >= seq
    return {
      clientId,
      follower: follower.follower,
      software,
      reportedAt,
      state: isHere
        ? appliedState(arrivals, seq, committedAt)
        : stateWithoutReport(committedAt, follower, now),
    }
  }
  const receipts: Receipt[] = []
  for (const [at, row] of rows.entries()) {
    if (at % rowsInTurn === rowsInTurn - 1) await setImmediate()
    receipts.push(receiptOf(row))
  }
  return { kind: 'receipts', committedAt, receipts }
}

/** Of one that has come there. What is said of a time that is not known would be said of the follower. */
function appliedState(
  arrivals: readonly Arrival[],
  seq: number,
  committedAt: number,
): ReceiptState {
  const place = arrivals.findLastIndex((arrival) => arrival[0] >= seq)
  const [at, arrivedAt] = arrivals[place] ?? [seq, committedAt]
  const afterMs = Math.max(0, arrivedAt - committedAt)
  const isOldest = place === arrivals.length - 1
  if (!isOldest) return { kind: 'applied', afterMs }
  const isKnown =
    arrivals.length < arrivalsMax
      ? // Otherwise it has begun later, with all that was revoked until then.
        afterMs <= firstReportMsMax
      : // Otherwise it may have been there before, which is forgotten.
        at === seq
  return { kind: 'applied', afterMs: isKnown ? afterMs : undefined }
}
