import type { LeasedStream, PushedEvents } from '../domain/event-pushes.ts'
import type { SecurityEvent } from '../domain/security-events.ts'
import { integer, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { securityEventOf, streamOf } from './event-stream-rows.ts'
import { advance, insertUndelivered, isWaiting, lastEvent } from './waiting-events.ts'

/** What is due at this moment, and nobody delivers. A client that was stopped hears nothing. */
const isDue = `
  delivery = 'push' AND status = 'enabled' AND due_at <= statement_now() AND lease_until <= statement_now()
  AND position < ${lastEvent}
  AND (client_id IS NULL OR EXISTS (SELECT 1 FROM clients WHERE clients.id = client_id AND enabled = 1))`

const isLeased = 'id = $1 AND lease = $2 AND lease_until > statement_now()'

export function createPushedEvents({ read, write, transaction }: Database): PushedEvents {
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
    next: async ({ id, lease }, taken) => {
      const rows = await read(
        `SELECT event.* FROM event_streams AS stream JOIN security_events AS event ON ${isWaiting}
         WHERE stream.id = $1 AND stream.lease = $2 AND stream.lease_until > statement_now()
           AND stream.status = 'enabled' AND event.id > $3
         ORDER BY event.id LIMIT 1`,
        [id, lease, taken?.id ?? 0],
      )
      return rows.map(securityEventOf)[0]
    },
    failed: (stream, { taken, failure: { why, delayMs } }) =>
      transaction(async (query) => {
        await keepTaken(query, stream, taken)
        await query(
          `UPDATE event_streams SET tries = tries + 1, ${failedColumns} WHERE ${isLeased}`,
          [stream.id, stream.lease, why, delayMs],
        )
      }),
    giveUp: (stream, { taken, event, failure: { why, delayMs } }) =>
      transaction(async (query) => {
        await keepTaken(query, stream, taken)
        const given = await query(
          `UPDATE event_streams SET tries = 0, position = greatest(position, $5), ${failedColumns}
           WHERE ${isLeased} RETURNING id`,
          [stream.id, stream.lease, why, delayMs, event.id],
        )
        if (given.length === 0) return
        await insertUndelivered(query, stream.id, { event, why, tries: stream.tries + 1 })
      }),
    release: (stream, { taken }) =>
      transaction(async (query) => {
        await keepTaken(query, stream, taken)
        const given = await query(
          `UPDATE event_streams SET lease_until = 0 WHERE ${isLeased} RETURNING id`,
          [stream.id, stream.lease],
        )
        if (given.length > 0) await advance(query, stream.id)
      }),
  }
}

async function keepTaken(
  query: Query,
  { id, lease }: LeasedStream,
  taken: SecurityEvent | undefined,
): Promise<void> {
  if (taken === undefined) return
  await query(
    `UPDATE event_streams SET position = greatest(position, $3), tries = 0, failures = 0,
       delivered_at = statement_now(), due_at = statement_now()
     WHERE ${isLeased}`,
    [id, lease, taken.id],
  )
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
