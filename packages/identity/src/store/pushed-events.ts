import type { LeasedStream, PushedEvents } from '../domain/event-pushes.ts'
import { integer, text } from './columns.ts'
import type { Database, Row, SqlValue } from './database.ts'
import { streamOf } from './event-stream-rows.ts'
import { advance, insertUndelivered, lastEvent, readWaiting } from './waiting-events.ts'

/** What is due at this moment, and nobody delivers. A client that was stopped hears nothing. */
const isDue = `
  delivery = 'push' AND status = 'enabled' AND due_at <= statement_now() AND lease_until <= statement_now()
  AND position < ${lastEvent}
  AND (client_id IS NULL OR EXISTS (SELECT 1 FROM clients WHERE clients.id = client_id AND enabled = 1))`

const isLeased = 'id = $1 AND lease = $2 AND lease_until > statement_now()'

export function createPushedEvents({ read, write, transaction }: Database): PushedEvents {
  const change = async (
    { id, lease }: LeasedStream,
    columns: string,
    values: readonly SqlValue[] = [],
  ): Promise<boolean> => {
    const sql = `UPDATE event_streams SET ${columns} WHERE ${isLeased} RETURNING id`
    return (await write(sql, [id, lease, ...values])).length > 0
  }
  return {
    claim: async ({ lease, max, leaseMs, isFailing }) => {
      const which = `${isDue} AND failures ${isFailing ? '> 0' : '= 0'}`
      // Mostly there is nothing, and then nothing is written.
      const [first] = await read(`SELECT id FROM event_streams WHERE ${which} LIMIT 1`)
      if (first === undefined) return []
      const rows = await write(
        `UPDATE event_streams SET lease = $1, lease_until = statement_now() + $2
         WHERE id IN (SELECT id FROM event_streams WHERE ${which}
                      ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING *`,
        [lease, leaseMs, max],
      )
      return rows.map(leasedStreamOf)
    },
    next: async ({ id }) => (await readWaiting(read, id, { max: 1 }))[0],
    taken: (stream, { id }) =>
      change(
        stream,
        `position = greatest(position, $3), tries = 0, failures = 0, delivered_at = statement_now(), due_at = statement_now()`,
        [id],
      ),
    failed: async (stream, { why, delayMs }) => {
      await change(stream, `tries = tries + 1, ${failedColumns}`, [why, delayMs])
    },
    giveUp: (stream, event, { why, delayMs }) =>
      transaction(async (query) => {
        const given = await query(
          `UPDATE event_streams SET tries = 0, position = greatest(position, $5), ${failedColumns}
           WHERE ${isLeased} RETURNING id`,
          [stream.id, stream.lease, why, delayMs, event.id],
        )
        if (given.length === 0) return
        await insertUndelivered(query, stream.id, { event, why, tries: stream.tries + 1 })
      }),
    release: (stream) =>
      transaction(async (query) => {
        const given = await query(
          `UPDATE event_streams SET lease_until = 0 WHERE ${isLeased} RETURNING id`,
          [stream.id, stream.lease],
        )
        if (given.length > 0) await advance(query, stream.id)
      }),
  }
}

const failedColumns = `
  failures = failures + 1, failed_at = statement_now(), last_failure = $3,
  due_at = statement_now() + $4, lease_until = 0`

function leasedStreamOf(row: Row): LeasedStream {
  return {
    ...streamOf(row),
    lease: text(row, 'lease'),
    tries: integer(row, 'tries'),
    failures: integer(row, 'failures'),
  }
}
