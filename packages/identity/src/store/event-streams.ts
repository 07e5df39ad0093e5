import { pushMsMax } from '../domain/event-pushes.ts'
import type {
  EventStream,
  EventStreamStore,
  NewStream,
  StreamChange,
  StreamOwner,
  StreamRefusal,
  StreamRequest,
  TooMany,
} from '../domain/event-streams.ts'
import { streamsPerClientMax } from '../domain/event-streams.ts'
import { text } from './columns.ts'
import type { Database, Query, Row, SqlValue } from './database.ts'
import { administerStreams } from './event-stream-administration.ts'
import { lockStream, recordStream, refusalOf } from './event-stream-owners.ts'
import { streamOf } from './event-stream-rows.ts'
import { insertVerification, lockEventOrder } from './security-events.ts'
import { lastEvent } from './waiting-events.ts'

/** `wake`: tells those who deliver that there is something new. */
export function createEventStreamStore(database: Database, wake: () => void): EventStreamStore {
  const { read, transaction } = database
  return {
    create: (stream, owner) => transaction((query) => create(query, stream, owner)),
    listOf: async (clientId) =>
      (
        await read('SELECT * FROM event_streams WHERE client_id = $1 ORDER BY created_at, id', [
          clientId,
        ])
      ).map(streamOf),
    find: async (clientId, streamId) => {
      const [row] = await read('SELECT * FROM event_streams WHERE id = $1 AND client_id = $2', [
        streamId,
        clientId,
      ])
      return row && streamOf(row)
    },
    change: (streamId, changes, owner) =>
      transaction((query) =>
        changeStream(query, streamId, owner, (stream) =>
          writeRequest(query, { ...stream, ...changes }),
        ),
      ),
    setStatus: async (streamId, status, owner) => {
      const outcome = await transaction((query) =>
        changeStream(query, streamId, owner, () => writeStatus(query, streamId, status)),
      )
      wake()
      return outcome
    },
    delete: (streamId, owner) => transaction((query) => deleteStream(query, streamId, owner)),
    setSubject: (subject, subjectsMax) =>
      transaction((query) => setSubject(query, subject, subjectsMax)),
    verify: async (verification, intervalMs) => {
      const outcome = await transaction((query) => verify(query, verification, intervalMs))
      if (outcome === 'sent') wake()
      return outcome
    },
    ...administerStreams(database, wake),
  }
}

async function create(
  query: Query,
  stream: NewStream,
  owner: StreamOwner,
): Promise<{ readonly kind: 'created'; readonly stream: EventStream } | StreamRefusal | TooMany> {
  const refusal = await refusalOf(query, owner)
  if (refusal !== undefined) return refusal
  const { id, clientId } = stream
  if (clientId !== undefined) {
    // Of two that are made at once, the second counts the first.
    await query('SELECT id FROM clients WHERE id = $1 FOR UPDATE', [clientId])
    const own = await query('SELECT id FROM event_streams WHERE client_id = $1', [clientId])
    if (own.length >= streamsPerClientMax) return { kind: 'too-many' }
  }
  await recordStream(query, 'stream-created', { id, clientId }, owner)
  await query('UPDATE revocation_head SET has_streams = 1')
  const [row] = await query(
    `INSERT INTO event_streams (id, client_id, audience, delivery, endpoint_url, sealed_authorization,
                                events_requested, events, description, subject_format, status,
                                created_at, position)
     VALUES ($1, $8, $9, $2, $3, $4, $5, $6, $7, $10, 'enabled', statement_now(), ${lastEvent})
     RETURNING *`,
    [id, ...columnsOf(stream), clientId ?? null, stream.audience, stream.subjectFormat],
  )
  return { kind: 'created', stream: streamOf(row ?? {}) }
}

/** From the second parameter to the seventh. */
function columnsOf({
  delivery,
  eventsRequested,
  events,
  description,
}: StreamRequest): readonly SqlValue[] {
  const isPush = delivery.method === 'push'
  return [
    delivery.method,
    isPush ? delivery.endpointUrl : null,
    isPush ? (delivery.sealedAuthorization ?? null) : null,
    JSON.stringify(eventsRequested),
    JSON.stringify(events),
    description ?? null,
  ]
}

async function changeStream(
  query: Query,
  streamId: string,
  owner: StreamOwner,
  write: (stream: EventStream) => Promise<Row | undefined>,
): Promise<StreamChange> {
  const refusal = await refusalOf(query, owner)
  if (refusal !== undefined) return refusal
  const stream = await lockStream(query, streamId, owner)
  if (stream === undefined) return { kind: 'unknown' }
  await recordStream(query, 'stream-changed', stream, owner)
  return { kind: 'changed', stream: streamOf((await write(stream)) ?? {}) }
}

/**
 * Another address is another receiver, which has not failed yet. Whoever delivers at present has lost the lease with the
 * push that is under way; the next one waits for as long as that may take.
 */
async function writeRequest(query: Query, stream: EventStream): Promise<Row | undefined> {
  const [row] = await query(
    `UPDATE event_streams
     SET delivery = $2, endpoint_url = $3, sealed_authorization = $4, events_requested = $5, events = $6,
         description = $7, subject_format = $8, due_at = 0, tries = 0,
         lease = NULL, lease_until = least(lease_until, statement_now() + $9)
     WHERE id = $1 RETURNING *`,
    [stream.id, ...columnsOf(stream), stream.subjectFormat, pushMsMax],
  )
  return row
}

async function writeStatus(
  query: Query,
  streamId: string,
  { status, reason }: Parameters<EventStreamStore['setStatus']>[1],
): Promise<Row | undefined> {
  await lockEventOrder(query)
  const [row] = await query(
    `UPDATE event_streams
     SET position = CASE WHEN status = 'disabled' THEN ${lastEvent} ELSE position END,
         status = $2, status_reason = $3, due_at = 0, tries = 0
     WHERE id = $1 RETURNING *`,
    [streamId, status, reason ?? null],
  )
  return row
}

async function deleteStream(
  query: Query,
  streamId: string,
  owner: StreamOwner,
): Promise<{ readonly kind: 'deleted' } | { readonly kind: 'unknown' } | StreamRefusal> {
  const refusal = await refusalOf(query, owner)
  if (refusal !== undefined) return refusal
  const stream = await lockStream(query, streamId, owner)
  if (stream === undefined) return { kind: 'unknown' }
  await recordStream(query, 'stream-deleted', stream, owner)
  await removeStreams(query, [streamId])
  return { kind: 'deleted' }
}

/** With everything that is theirs. To be called behind the events of the audit record: it locks the head of the log. */
export async function removeStreams(query: Query, streamIds: readonly string[]): Promise<void> {
  if (streamIds.length === 0) return
  const ids = JSON.stringify(streamIds)
  const theirs = 'IN (SELECT value FROM json_array_elements_text($1::json))'
  for (const table of ['unwanted_subjects', 'acknowledged_events', 'undelivered_events']) {
    await query(`DELETE FROM ${table} WHERE stream_id ${theirs}`, [ids])
  }
  await query(`DELETE FROM event_streams WHERE id ${theirs}`, [ids])
  await lockEventOrder(query)
  await query(
    'UPDATE revocation_head SET has_streams = 0 WHERE NOT EXISTS (SELECT 1 FROM event_streams)',
  )
}

async function setSubject(
  query: Query,
  { clientId, streamId, accountId, isWanted }: Parameters<EventStreamStore['setSubject']>[0],
  subjectsMax: number,
): Promise<'set' | 'unknown' | 'full'> {
  const owner: StreamOwner = { kind: 'client', clientId }
  if ((await lockStream(query, streamId, owner)) === undefined) return 'unknown'
  if (isWanted) {
    await query('DELETE FROM unwanted_subjects WHERE stream_id = $1 AND account_id = $2', [
      streamId,
      accountId,
    ])
    return 'set'
  }
  const [row] = await query(
    'SELECT count(*) AS unwanted FROM unwanted_subjects WHERE stream_id = $1',
    [streamId],
  )
  if (Number(row?.['unwanted']) >= subjectsMax) return 'full'
  // Nobody is told whether there is such an account, and nothing is kept for one that there is not.
  await query(
    `INSERT INTO unwanted_subjects (stream_id, account_id)
     SELECT $1, id FROM accounts WHERE id = $2 ON CONFLICT (stream_id, account_id) DO NOTHING`,
    [streamId, accountId],
  )
  return 'set'
}

async function verify(
  query: Query,
  { clientId, streamId, state }: Parameters<EventStreamStore['verify']>[0],
  intervalMs: number,
): Promise<'sent' | 'unknown' | 'too-often'> {
  const owner: StreamOwner = { kind: 'client', clientId }
  if ((await lockStream(query, streamId, owner)) === undefined) return 'unknown'
  const verified = await query(
    `UPDATE event_streams SET verified_at = statement_now()
     WHERE id = $1 AND (verified_at IS NULL OR abs(statement_now() - verified_at) >= $2) RETURNING id`,
    [streamId, intervalMs],
  )
  if (verified.length === 0) return 'too-often'
  await lockEventOrder(query)
  await insertVerification(query, streamId, state)
  return 'sent'
}

/** Those of a client, which nobody can change before the transaction is over. */
export async function lockStreamsOf(query: Query, clientId: string): Promise<readonly string[]> {
  const rows = await query(
    'SELECT id FROM event_streams WHERE client_id = $1 ORDER BY id FOR UPDATE',
    [clientId],
  )
  return rows.map((row) => text(row, 'id'))
}
