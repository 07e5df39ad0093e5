import type { EventStream, StreamOwner, StreamRefusal } from '../domain/event-streams.ts'
import { clientRevocationPace } from '../domain/token-revocation.ts'
import type { Query } from './database.ts'
import { isStillActor, superseded } from './decisions.ts'
import { streamOf } from './event-stream-rows.ts'
import type { EventKind } from './events.ts'
import { appendEvent, decidedBy } from './events.ts'
import { spend } from './pace.ts'

/** Why nothing is changed. Each change of a client is a record that is kept, and holds up those who revoke. */
export async function refusalOf(
  query: Query,
  owner: StreamOwner,
): Promise<StreamRefusal | undefined> {
  if (owner.kind === 'actor') return (await isStillOwner(query, owner)) ? undefined : superseded
  const place = { table: 'clients', column: 'revocations_paid_until', id: owner.clientId } as const
  return spend(query, place, clientRevocationPace)
}

/** Whose the stream is, the request has shown; who decides about all may have lost the right since. */
export async function isStillOwner(query: Query, owner: StreamOwner): Promise<boolean> {
  return owner.kind === 'client' || isStillActor(query, owner.actor)
}

/** One that is not the client's own is one that is not there. */
export async function lockStream(
  query: Query,
  streamId: string,
  owner: StreamOwner,
): Promise<EventStream | undefined> {
  const [row] = await query('SELECT * FROM event_streams WHERE id = $1 FOR UPDATE', [streamId])
  if (row === undefined) return undefined
  const stream = streamOf(row)
  return owner.kind === 'client' && stream.clientId !== owner.clientId ? undefined : stream
}

/** Says in the audit record what is done to a stream, and by whom. */
export async function recordStream(
  query: Query,
  kind: Extract<EventKind, `stream-${string}`>,
  { id, clientId }: Pick<EventStream, 'id' | 'clientId'>,
  owner: StreamOwner,
): Promise<void> {
  const who = owner.kind === 'client' ? { network: owner.network } : decidedBy(owner)
  await appendEvent(query, { kind, clientId, details: { stream: id }, ...who })
}
