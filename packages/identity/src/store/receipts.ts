import { setImmediate } from 'node:timers/promises'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import { clockDifferenceMsMax, followerLiveMs, maxStalenessMsMax } from '../domain/followers.ts'
import type { Receipt, Receipts, ReceiptStore } from '../domain/receipts.ts'
import { stateWithoutReport } from '../domain/receipts.ts'
import { integer, optionalInteger, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import type { Arrival } from './followers.ts'
import { arrivalsOf, followerOf } from './followers.ts'

/** A few milliseconds of this process, which everybody else waits for. */
const rowsInTurn = 500

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
    const { clientId, follower, position, maxStalenessMs, software } = followerOf(row, arrivals)
    const arrival = position.epoch === epoch ? firstArrivalAt(arrivals, seq) : undefined
    return {
      clientId,
      follower,
      software,
      state:
        arrival === undefined
          ? stateWithoutReport(committedAt, { maxStalenessMs }, now)
          : { kind: 'applied', afterMs: Math.max(0, arrival[1] - committedAt) },
    }
  }
  const receipts: Receipt[] = []
  for (const [at, row] of rows.entries()) {
    if (at % rowsInTurn === rowsInTurn - 1) await setImmediate()
    receipts.push(receiptOf(row))
  }
  return { kind: 'receipts', committedAt, receipts }
}

function firstArrivalAt(arrivals: readonly Arrival[], seq: number): Arrival | undefined {
  return arrivals.findLast((arrival) => arrival[0] >= seq)
}
