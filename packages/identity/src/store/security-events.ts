import { randomBytes } from 'node:crypto'
import { randomIdentifier } from '../domain/random.ts'
import type { Revocation } from '../domain/revocations.ts'
import { actorName } from '../domain/actors.ts'
import type { Initiator } from '../domain/security-events.ts'
import { sharedKindOf, verificationEvent } from '../domain/security-events.ts'
import type { Query, SqlValue } from './database.ts'
import { insertEvent, insertEvents } from './events.ts'
import type { InsertedColumns } from './inserted-rows.ts'
import { insertRows } from './inserted-rows.ts'

/*
 * What receivers are told of is written where it happens, in the transaction of its cause: what the audit record says
 * in it becomes rows that wait for every stream. Without a stream nothing is written.
 */

const ruleActor = actorName({ kind: 'rule' })

const columns: InsertedColumns = {
  table: 'security_events',
  columns: [
    ['at', 'bigint'],
    ['event', 'text'],
    ['cause', 'text'],
    ['txn', 'text'],
    ['initiator', 'text'],
    ['account_id', 'text'],
    ['session_id', 'text'],
    ['epoch', 'text'],
    ['seq', 'bigint'],
    ['generation', 'bigint'],
    ['details', 'text'],
  ],
}

/** What of one transaction receivers are to be told. */
export interface SharedRecords {
  /** The same query, which sees what is recorded by it. */
  readonly query: Query
  /** Whether there is anything that waits to be written. */
  readonly isThere: () => boolean
  /** To be called with the head of the log locked, so that the rows have the order of the commits. */
  readonly write: (head: SharedHead, revoked: readonly Revoked[]) => Promise<void>
}

/** The log at that moment. */
export interface SharedHead {
  readonly at: number
  readonly epoch: string
  readonly hasStreams: boolean
}

/** What was taken back, and where the log has it. */
export type Revoked = Pick<Revocation, 'kind' | 'key' | 'floor'> & { readonly seq: number }

/** `onEvent` is told the values of every event, shared or not. */
export function shareRecordsOf(
  query: Query,
  onEvent: (values: readonly SqlValue[]) => void = () => undefined,
): SharedRecords {
  let noted: (readonly SqlValue[])[] = []
  const note = (values: readonly SqlValue[]): void => {
    onEvent(values)
    if (sharedKindOf(String(values[0])) !== undefined) noted.push(values)
  }
  return {
    query: (sql, parameters = []) => {
      if (sql === insertEvent) note(parameters)
      if (sql === insertEvents) {
        const lists = JSON.parse(String(parameters[0])) as readonly (readonly SqlValue[])[]
        for (const values of lists) note(values)
      }
      return query(sql, parameters)
    },
    isThere: () => noted.length > 0,
    write: async (head, revoked) => {
      const taken = noted
      noted = []
      if (!head.hasStreams) return
      const txn = randomIdentifier(randomBytes)
      const seqs = new Map(revoked.map((one) => [one.key, one]))
      const rows = taken.flatMap((values) => rowsOf(values, { head, txn, revoked: seqs }))
      await insertRows(query, columns, rows)
    },
  }
}

interface Written {
  readonly head: SharedHead
  readonly txn: string
  readonly revoked: ReadonlyMap<string, Revoked>
}

/** The values are those of `insertEvent`. */
function rowsOf(
  [kind, accountId = null, sessionId = null, , actor, , , details]: readonly SqlValue[],
  { head, txn, revoked }: Written,
): readonly (readonly SqlValue[])[] {
  const cause = String(kind)
  const shared = sharedKindOf(cause)
  // Everybody at once is nobody whom a receiver could be told of.
  if (shared === undefined || (accountId === null && shared.about !== 'anything')) return []
  const isOfSession = shared.about === 'session'
  const key = String(isOfSession ? sessionId : accountId)
  const { seq, floor } = (shared.about === 'anything' ? undefined : revoked.get(key)) ?? {}
  const initiator = shared.initiator ?? initiatorOf(actor)
  return shared.events.map((event) => [
    head.at,
    event,
    cause,
    txn,
    initiator,
    accountId,
    isOfSession ? sessionId : null,
    seq === undefined ? null : head.epoch,
    seq ?? null,
    isOfSession ? null : (floor ?? null),
    shared.about === 'anything' ? (details ?? null) : null,
  ])
}

function initiatorOf(actor: SqlValue | undefined): Initiator {
  if (actor === ruleActor) return 'policy'
  return actor === null || actor === undefined ? 'user' : 'admin'
}

/** Locks the head of the log, behind which every event of a stream is in the order of its commit. */
export async function lockEventOrder(query: Query): Promise<void> {
  await query('SELECT id FROM revocation_head FOR UPDATE')
}

/** For one stream alone. To be called with the order locked. */
export async function insertVerification(
  query: Query,
  streamId: string,
  state: string | undefined,
): Promise<void> {
  await query(
    `INSERT INTO security_events (at, event, cause, txn, initiator, stream_id, details)
     VALUES (statement_now(), $1, $1, $2, 'system', $3, $4)`,
    [
      verificationEvent,
      randomIdentifier(randomBytes),
      streamId,
      state === undefined ? null : JSON.stringify({ state }),
    ],
  )
}
