import type { Actor } from '../domain/actors.ts'
import { actorName, networkOf } from '../domain/actors.ts'
import type { EventKind } from '../domain/audit-vocabulary.ts'
import type { Query, SqlValue } from './database.ts'

export type { EventKind } from '../domain/audit-vocabulary.ts'

/** Something that happened and that somebody will ask about later. */
export interface StoredEvent {
  readonly kind: EventKind
  readonly accountId?: string | undefined
  readonly sessionId?: string | undefined
  readonly clientId?: string | undefined
  /** The signing key that it is about. */
  readonly kid?: string | undefined
  /** The account that did it, where it was somebody else. */
  readonly actor?: string | undefined
  /** Why, in the words of whoever did it. */
  readonly reason?: string | undefined
  /** The address of whoever did it. */
  readonly network?: string | undefined
  /** What else belongs to it. Never a secret, and nothing of a length that strangers choose. */
  readonly details?: EventDetails | undefined
}

export type EventDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** The columns that an event has besides its time and its place in a chain, in the order of `valuesOf`. */
export const writtenColumns =
  'kind, account_id, session_id, client_id, actor, reason, network, details, kid'

/**
 * The statement that writes an event. A database with an audit chain (`auditedDatabase`) writes a chained record
 * in its place; without one, as a command has it that knows no sealing key, the row waits for a node to adopt it.
 */
export const insertEvent: string = `
  INSERT INTO events (at, ${writtenColumns})
  VALUES (statement_now(), $1, $2, $3, $4, $5, $6, $7, $8, $9)`

/** The same for many, whose values come as one list of lists, as JSON. */
export const insertEvents: string = `
  INSERT INTO events (at, ${writtenColumns})
  SELECT statement_now(), value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
         value ->> 6, value ->> 7, value ->> 8
  FROM json_array_elements($1::json)`

/**
 * Writes an event in the transaction of its cause, so that neither exists without the other. Comes after the locks
 * of accounts and sessions, and before `revoke`: the order of locks is account, session, audit chain, head.
 */
export async function appendEvent(query: Query, event: StoredEvent): Promise<void> {
  await query(insertEvent, valuesOf(event))
}

/** The same for what happened to many in one step, in their order and at one moment. */
export async function appendEvents(query: Query, events: readonly StoredEvent[]): Promise<void> {
  await query(insertEvents, [JSON.stringify(events.map(valuesOf))])
}

/** Who has decided, why, and from where. */
export function decidedBy({
  actor,
  reason,
}: {
  readonly actor: Actor
  readonly reason?: string | undefined
}): Pick<StoredEvent, 'actor' | 'reason' | 'network'> {
  return { actor: actorName(actor), reason, network: networkOf(actor) }
}

const detailsCharactersMax = 4096

function valuesOf(event: StoredEvent): readonly SqlValue[] {
  const { kind, accountId, sessionId, clientId, actor, reason, network, details, kid } = event
  const texts = [kind, accountId, sessionId, clientId, actor, reason, network, textOf(details), kid]
  // Half a surrogate pair would be stored as something else than it was chained as.
  return texts.map((text) => text?.toWellFormed() ?? null)
}

function textOf(details: EventDetails | undefined): string | undefined {
  if (details === undefined) return undefined
  const text = JSON.stringify(details)
  return text.length <= detailsCharactersMax ? text : '{"omitted":true}'
}
