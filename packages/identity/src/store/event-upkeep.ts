import type { EventUpkeep, RemovedEvents } from '../domain/event-streams.ts'
import { integer, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { isWaiting, placeBeforeWaiting } from './waiting-events.ts'

/** What one step takes away at most: others wait while it lasts. */
const removedMax = 2000

/** Takes away what nobody waits for, and what was waited for too long. */
export function createEventUpkeep({ read, exclusive }: Database): EventUpkeep {
  return {
    remove: async (bounds) => {
      const [some] = await read('SELECT id FROM security_events LIMIT 1')
      if (some === undefined) return { removed: 0, isMore: false, dropped: [] }
      return exclusive((query) => remove(query, bounds))
    },
  }
}

async function remove(
  query: Query,
  { retentionMs, heldMax }: Parameters<EventUpkeep['remove']>[0],
): Promise<RemovedEvents> {
  // Ids are in the order of commits: what is not seen now comes behind the last.
  const [row] = await query('SELECT coalesce(max(id), 0) AS id FROM security_events')
  const last = integer(row ?? {}, 'id')
  const [old] = await query(
    'SELECT coalesce(max(id), 0) AS id FROM security_events WHERE at < statement_now() - $1',
    [retentionMs],
  )
  const bound = Math.max(integer(old ?? {}, 'id'), last - heldMax)
  const dropped = bound > 0 ? await drop(query, bound) : []
  // Up to what waits, and not only where nothing does: otherwise the same is gone through each time.
  await query(
    `UPDATE event_streams SET position = greatest(position,
       CASE status WHEN 'disabled' THEN $1 ELSE coalesce(${placeBeforeWaiting}, $1) END)
     WHERE position < $1`,
    [last],
  )
  await query(
    `DELETE FROM acknowledged_events WHERE EXISTS (
       SELECT 1 FROM event_streams AS stream WHERE stream.id = stream_id AND stream.position >= event_id)`,
  )
  const removed = await query(
    `DELETE FROM security_events WHERE id IN (
       SELECT id FROM security_events
       WHERE id <= coalesce((SELECT min(position) FROM event_streams), $1)
         AND NOT EXISTS (SELECT 1 FROM undelivered_events WHERE event_id = security_events.id)
       ORDER BY id LIMIT ${removedMax})
     RETURNING id`,
    [last],
  )
  return { removed: removed.length, isMore: removed.length === removedMax, dropped }
}

/** Moves every stream that is further back behind what is too old or too much, and counts what it misses. */
async function drop(query: Query, bound: number): Promise<RemovedEvents['dropped']> {
  const behind = await query(
    `SELECT stream.id, count(event.id) AS missed
     FROM event_streams AS stream
     LEFT JOIN security_events AS event ON event.id <= $1 AND stream.status <> 'disabled' AND ${isWaiting}
     WHERE stream.position < $1 GROUP BY stream.id ORDER BY stream.id`,
    [bound],
  )
  for (const row of behind) {
    await query(
      `UPDATE event_streams SET position = greatest(position, $2), dropped = dropped + $3, tries = 0 WHERE id = $1`,
      [text(row, 'id'), bound, missedOf(row)],
    )
  }
  await query('DELETE FROM undelivered_events WHERE event_id <= $1', [bound])
  return behind.flatMap((row) =>
    missedOf(row) === 0 ? [] : [{ streamId: text(row, 'id'), events: missedOf(row) }],
  )
}

function missedOf(row: Row): number {
  return integer(row, 'missed')
}
