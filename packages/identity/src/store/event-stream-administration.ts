import type { EventStreamStore, UndeliveredEvent } from '../domain/event-streams.ts'
import { jtiOf } from '../domain/security-event-tokens.ts'
import { integer, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { superseded } from './decisions.ts'
import { isStillOwner, lockStream, recordStream } from './event-stream-owners.ts'
import { healthOf, securityEventOf } from './event-stream-rows.ts'
import { lockEventOrder } from './security-events.ts'

const selectHealth = `
  SELECT event_streams.*,
         (SELECT count(*) FROM undelivered_events WHERE stream_id = event_streams.id) AS undelivered
  FROM event_streams`

/** How many of the events that a receiver has refused are shown, the newest first. */
const undeliveredShownMax = 100

/** What administrators see of streams, whoever has them. */
export function administerStreams(
  { read, transaction }: Database,
  wake: () => void,
): Pick<EventStreamStore, 'list' | 'read' | 'redeliver'> {
  return {
    list: async ({ limit, after = '' }) =>
      (await read(`${selectHealth} WHERE id > $1 ORDER BY id LIMIT $2`, [after, limit])).map(
        healthOf,
      ),
    read: async (streamId) => {
      const [row] = await read(`${selectHealth} WHERE id = $1`, [streamId])
      return row && { stream: healthOf(row), undelivered: await listUndelivered(read, streamId) }
    },
    redeliver: async (streamId, owner) => {
      const outcome = await transaction(async (query) => {
        if (!(await isStillOwner(query, owner))) return superseded
        const stream = await lockStream(query, streamId, owner)
        if (stream === undefined) return { kind: 'unknown' as const }
        await recordStream(query, 'stream-changed', stream, owner)
        return { kind: 'waiting' as const, events: await redeliver(query, streamId) }
      })
      wake()
      return outcome
    },
  }
}

async function listUndelivered(
  read: Query,
  streamId: string,
): Promise<readonly UndeliveredEvent[]> {
  const rows = await read(
    `SELECT event.*, refused.at AS refused_at, tries, why
     FROM undelivered_events AS refused JOIN security_events AS event ON event.id = event_id
     WHERE refused.stream_id = $1 ORDER BY refused.event_id DESC LIMIT ${undeliveredShownMax}`,
    [streamId],
  )
  return rows.map((row) => undeliveredOf(streamId, row))
}

function undeliveredOf(streamId: string, row: Row): UndeliveredEvent {
  const event = securityEventOf(row)
  return {
    jti: jtiOf(streamId, event),
    event: event.event,
    happenedAt: event.at,
    at: integer(row, 'refused_at'),
    tries: integer(row, 'tries'),
    why: text(row, 'why'),
  }
}

/** Again at the end of the line, for this stream alone: what others have of it stays as it is. */
async function redeliver(query: Query, streamId: string): Promise<number> {
  await lockEventOrder(query)
  const again = await query(
    `INSERT INTO security_events (at, event, cause, txn, initiator, account_id, session_id, stream_id,
                                  epoch, seq, generation, details)
     SELECT at, event, cause, txn, initiator, account_id, session_id, $1, epoch, seq, generation, details
     FROM security_events
     WHERE id IN (SELECT event_id FROM undelivered_events WHERE stream_id = $1) ORDER BY id
     RETURNING id`,
    [streamId],
  )
  await query('DELETE FROM undelivered_events WHERE stream_id = $1', [streamId])
  return again.length
}
