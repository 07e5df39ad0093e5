import type { PolledEvents, Settlement } from '../domain/event-polls.ts'
import type { Receiver } from '../domain/security-event-tokens.ts'
import { eventIdIn, jtiOf } from '../domain/security-event-tokens.ts'
import type { SecurityEvent } from '../domain/security-events.ts'
import type { Database, Query } from './database.ts'
import { securityEventOf } from './event-stream-rows.ts'
import type { InsertedColumns } from './inserted-rows.ts'
import { insertRows } from './inserted-rows.ts'

/**
 * Of an event and a stream by these names: whether it is still to be given to it. The position of a stream says that
 * everything up to there was settled, and `acknowledged_events` what was behind it.
 */
export const isWaiting = `
  event.id > stream.position
  AND (event.stream_id = stream.id OR (
    event.stream_id IS NULL AND stream.events LIKE '%"' || event.event || '"%'
    AND NOT EXISTS (SELECT 1 FROM unwanted_subjects AS unwanted
                    WHERE unwanted.stream_id = stream.id AND unwanted.account_id = event.account_id)))
  AND NOT EXISTS (SELECT 1 FROM acknowledged_events AS taken
                  WHERE taken.stream_id = stream.id AND taken.event_id = event.id)`

/** Of a row of `event_streams`: where it stands when all that is settled, and all that it does not want, lies behind it. */
export const placeBeforeWaiting: string = `
  (SELECT event.id - 1 FROM event_streams AS stream JOIN security_events AS event ON ${isWaiting}
   WHERE stream.id = event_streams.id ORDER BY event.id LIMIT 1)`

/**
 * Ids are given in the order of commits, so what is not seen yet comes behind the last that is. With the order of events
 * locked, all that comes behind it is new.
 */
export const lastEvent = '(SELECT coalesce(max(id), 0) FROM security_events)'

/**
 * So many events behind the position of a stream are looked at for a poll. A receiver that leaves the oldest where it is,
 * and asks again and again, would have all that is held for others gone through each time.
 */
const lookedAtMax = 2000

export function createPolledEvents({ read, transaction }: Database): PolledEvents {
  const isBehind = async (streamId: string): Promise<boolean> => {
    const rows = await read(
      `SELECT id FROM event_streams WHERE id = $1 AND status = 'enabled' AND position + $2 < ${lastEvent}`,
      [streamId, lookedAtMax],
    )
    return rows.length > 0
  }
  return {
    waiting: async (streamId, max) => {
      for (;;) {
        const found = await readWaiting(read, streamId, max + 1)
        const isMore = found.length > max || (await isBehind(streamId))
        if (found.length > 0 || !isMore) return { events: found.slice(0, max), isMore }
        await transaction(async (query) => {
          await lock(query, streamId)
          await advance(query, streamId)
        })
      }
    },
    settle: (receiver, settlement) =>
      transaction(async (query) => {
        await lock(query, receiver.id)
        await settle(query, receiver, settlement)
      }),
  }
}

async function lock(query: Query, streamId: string): Promise<void> {
  await query('SELECT id FROM event_streams WHERE id = $1 FOR UPDATE', [streamId])
}

/** The oldest that wait for a stream, unless it is not enabled, among so many events behind its position. */
async function readWaiting(
  query: Query,
  streamId: string,
  max: number,
): Promise<readonly SecurityEvent[]> {
  const rows = await query(
    `SELECT event.* FROM event_streams AS stream JOIN security_events AS event ON ${isWaiting}
     WHERE stream.id = $1 AND stream.status = 'enabled' AND event.id <= stream.position + $3
     ORDER BY event.id LIMIT $2`,
    [streamId, max, lookedAtMax],
  )
  return rows.map(securityEventOf)
}

async function settle(
  query: Query,
  receiver: Receiver,
  { taken, refused }: Settlement,
): Promise<void> {
  const { id } = receiver
  const reasons = new Map(refused.map(({ jti, why }) => [jti, why]))
  const found = await eventsNamed(query, receiver, [...taken, ...reasons.keys()])
  if (found.length === 0) return
  await insertRows(
    query,
    acknowledgedColumns,
    found.map((event) => [id, event.id]),
  )
  const refusedOnes = found.flatMap((event) => {
    const why = reasons.get(jtiOf(id, event))
    return why === undefined ? [] : [{ event, why }]
  })
  for (const { event, why } of refusedOnes)
    await insertUndelivered(query, id, { event, why, tries: 1 })
  await query(
    'UPDATE event_streams SET delivered_at = statement_now(), failures = 0 WHERE id = $1',
    [id],
  )
  await advance(query, id)
}

const acknowledgedColumns: InsertedColumns = {
  table: 'acknowledged_events',
  columns: [
    ['stream_id', 'text'],
    ['event_id', 'bigint'],
  ],
}

/** Those that wait for the stream and have one of these names. */
async function eventsNamed(
  query: Query,
  { id }: Receiver,
  jtis: readonly string[],
): Promise<readonly SecurityEvent[]> {
  const named = new Set(jtis)
  const ids = [...named].flatMap((jti) => eventIdIn(jti) ?? [])
  const rows = await query(
    `SELECT event.* FROM event_streams AS stream JOIN security_events AS event ON ${isWaiting}
     WHERE stream.id = $1
       AND event.id IN (SELECT CAST(value AS bigint) FROM json_array_elements_text($2::json)) ORDER BY event.id`,
    [id, JSON.stringify(ids)],
  )
  return rows.map(securityEventOf).filter((event) => named.has(jtiOf(id, event)))
}

export async function insertUndelivered(
  query: Query,
  streamId: string,
  {
    event,
    why,
    tries,
  }: { readonly event: Pick<SecurityEvent, 'id'>; readonly why: string; readonly tries: number },
): Promise<void> {
  await query(
    `INSERT INTO undelivered_events (stream_id, event_id, at, tries, why)
     VALUES ($1, $2, statement_now(), $3, $4) ON CONFLICT (stream_id, event_id) DO NOTHING`,
    [streamId, event.id, tries, why],
  )
}

/** Moves a stream up to the first event that waits for it, with the row of the stream locked. */
export async function advance(query: Query, streamId: string): Promise<void> {
  await query(
    `UPDATE event_streams SET position = coalesce(${placeBeforeWaiting}, ${lastEvent}) WHERE id = $1`,
    [streamId],
  )
  await query(
    `DELETE FROM acknowledged_events
     WHERE stream_id = $1 AND event_id <= (SELECT position FROM event_streams WHERE id = $1)`,
    [streamId],
  )
}
