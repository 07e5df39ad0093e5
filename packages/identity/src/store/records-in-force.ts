import { setImmediate } from 'node:timers/promises'
import type { RevocationPosition, RevocationRecord } from '@portcullis/protocol/revocations'
import type { LogHead } from '../domain/revocations.ts'
import { integer } from './columns.ts'
import type { Query } from './database.ts'
import { headOf, packedColumns, packedRecords, recordsOf } from './revocation-rows.ts'

/** Some milliseconds of this process, which everybody else waits for. */
const sliceRecords = 1000
/** What clocks may be apart. */
const clocksApartMs = 5000

/**
 * See `RevocationLog.inForce`. Records never change and go only when they are long past their life, so they are read
 * one slice after the other and in no transaction; those that come meanwhile are behind the others.
 *
 * A pool may still hold connections to a primary that was left behind, beside those to the new one. So each slice
 * comes with the head of whoever has answered it, and counts only from one that has the whole log up to there.
 */
export async function takeInForce(
  read: Query,
  checkpoint: () => Promise<LogHead>,
  take: (records: readonly RevocationRecord[]) => void,
  after?: RevocationPosition,
): Promise<LogHead | undefined> {
  const takeUpTo = async (from: number, to: LogHead, endedMs: number): Promise<boolean> => {
    let last = from
    while (last < to.seq) {
      const { head, records } = await readSlice(read, last, to.seq)
      if (!hasAllOf(to, head)) return false
      take(records.filter(({ until }) => until === undefined || until > endedMs))
      if (records.length < sliceRecords) return true
      last = records.at(-1)?.seq ?? to.seq
      await setImmediate()
    }
    return true
  }
  const { head: first, now } = await readMoment(read)
  if (after !== undefined && after.epoch !== first.epoch) return undefined
  // A clock that is ahead for just this moment must not end what lives: whoever keeps these reads them but once.
  const endedMs = Math.min(first.at, now) - clocksApartMs
  if (!(await takeUpTo(after?.seq ?? 0, first, endedMs))) return undefined
  // Only now: whoever waits for a great many records wants a checkpoint that is young when they have come.
  const head = await checkpoint()
  if (head.epoch !== first.epoch || head.seq < first.seq) return undefined
  if (!(await takeUpTo(first.seq, head, endedMs))) return undefined
  const { head: last } = await readMoment(read)
  return last.epoch === first.epoch ? head : undefined
}

/** What was read by who is at this head stands in a log that is at the other. */
function hasAllOf({ epoch, seq, chain }: LogHead, read: LogHead): boolean {
  if (read.epoch !== epoch || read.seq < seq) return false
  return read.seq > seq || read.chain === chain
}

async function readMoment(read: Query): Promise<{ readonly head: LogHead; readonly now: number }> {
  const [row] = await read('SELECT *, statement_now() AS now FROM revocation_head')
  return { head: headOf(row), now: integer(row ?? {}, 'now') }
}

/** By place alone, which has an index: how many are past their life does not matter for how long this takes. */
async function readSlice(
  read: Query,
  from: number,
  to: number,
): Promise<{ readonly head: LogHead; readonly records: readonly RevocationRecord[] }> {
  const [row] = await read(
    `SELECT * FROM revocation_head, (
       SELECT ${packedRecords} FROM (
         SELECT ${packedColumns} FROM revocations WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT ${sliceRecords}
       ) AS record
     ) AS slice`,
    [from, to],
  )
  return { head: headOf(row), records: recordsOf(row ?? {}) }
}
