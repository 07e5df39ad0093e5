import type { DatabaseSync } from 'node:sqlite'
import type { SqlValue } from '../database.ts'
import type { InsertedColumns } from '../inserted-rows.ts'

/** So many go from one store to another at once: some milliseconds of a server, and some hundred kilobytes here. */
export const rowsAtOnce = 1000

/**
 * Every table of a store but that of its migrations, which each engine has in steps of its own. Rows come behind those
 * that they refer to.
 */
export const storedTables: readonly string[] = [
  'accounts',
  'clients',
  'sessions',
  'account_links',
  'signing_keys',
  'key_lines',
  'sealed_secrets',
  'refresh_peppers',
  'revocation_head',
  'revocations',
  'events',
  'audit_chains',
  'audit_roster',
  'login_counters',
  'mailboxes',
  'used_proofs',
  'followers',
  'security_events',
  'event_streams',
  'unwanted_subjects',
  'acknowledged_events',
  'undelivered_events',
  'sightings',
  'anomaly_turns',
  'anomaly_cursors',
  'anomaly_states',
  'anomalies',
  'activity',
]

/**
 * Tables whose ids the engine gives: what it has given once must not come again, also where nothing is left of it.
 * SQLite remembers it in `sqlite_sequence`, but for `events`, which goes on from its rows.
 */
const numberedTables = ['events', 'security_events', 'sightings', 'anomalies']
export const rememberedTables: readonly string[] = numberedTables.slice(1)

/** A table of a file of SQLite, with all columns of this release; the other engine calls them the same. */
export function columnsOf(connection: DatabaseSync, table: string): InsertedColumns {
  const columns = connection
    .prepare('SELECT name, type FROM pragma_table_info(?) ORDER BY cid')
    .all(table)
    .map((column) => [String(column['name']), typeOf(column['type'])] as const)
  return { table, columns, hasOwnId: numberedTables.includes(table) }
}

function typeOf(type: unknown): 'text' | 'bigint' {
  return type === 'TEXT' || type === 'text' ? 'text' : 'bigint'
}

export function namesOf({ columns }: InsertedColumns): string {
  return columns.map(([name]) => name).join(', ')
}

/** The values of a row in the order of the columns. */
export function valuesOf(
  { table, columns }: InsertedColumns,
  row: Readonly<Record<string, unknown>>,
): readonly SqlValue[] {
  return columns.map(([name]) => {
    const value = row[name]
    if (value === null || typeof value === 'string' || typeof value === 'number') return value
    throw new TypeError(`${table}.${name} holds what no store of this release can hold`)
  })
}
