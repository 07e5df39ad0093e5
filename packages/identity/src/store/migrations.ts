import { createHash } from 'node:crypto'
import { StartError } from '@portcullis/runtime'
import { integer, text } from './columns.ts'
import type { Query } from './database.ts'

/**
 * One step of the schema. Text ids, integer epoch milliseconds and JSON as text, which any engine can
 * hold. A step that has been released is never changed; a mistake in it is mended by the next one.
 */
export interface Migration {
  readonly id: number
  readonly name: string
  /**
   * It only adds what programs that do not know it never look at: tables, and columns that have a default.
   * So the release before it goes on running, and can be started again, while nodes change over one by one.
   */
  readonly additive: boolean
  readonly sql: string
}

export type MigrationOutcome =
  | { readonly kind: 'current' }
  /** The database has a step that this program does not know and cannot do without. */
  | { readonly kind: 'newer'; readonly step: number }
  /** A step was applied in another wording than the one this program has. */
  | { readonly kind: 'altered'; readonly step: number }

export interface MigrationConnection {
  readonly query: Query
  /** Several statements in one text, without parameters. */
  readonly script: (sql: string) => Promise<void>
}

/**
 * Applies the steps that are missing. Only goes forward. To be called in a transaction that excludes all
 * others who migrate, and that is rolled back unless the outcome is `current`.
 */
export async function migrate(
  migrations: readonly Migration[],
  now: number,
  { query, script }: MigrationConnection,
): Promise<MigrationOutcome> {
  await script(createTable)
  const applied = new Map(
    (await query('SELECT * FROM migrations')).map((row) => [integer(row, 'id'), row]),
  )
  const known = new Set(migrations.map(({ id }) => id))
  const unknown = [...applied].find(([id, row]) => !known.has(id) && row['additive'] !== 1)
  if (unknown !== undefined) return { kind: 'newer', step: unknown[0] }

  for (const { id, name, additive, sql } of migrations) {
    const checksum = createHash('sha256').update(sql.replaceAll(/\s+/g, ' ')).digest('hex')
    const row = applied.get(id)
    if (row !== undefined && text(row, 'checksum') !== checksum)
      return { kind: 'altered', step: id }
    if (row !== undefined) continue
    await script(sql)
    await query('INSERT INTO migrations (id, name, checksum, applied_at) VALUES ($1, $2, $3, $4)', [
      id,
      name,
      checksum,
      now,
    ])
    if (additive) await query('UPDATE migrations SET additive = 1 WHERE id = $1', [id])
  }
  return { kind: 'current' }
}

/** Why the schema cannot be used; `where` names the database. */
export function migrationError(
  outcome: Exclude<MigrationOutcome, { readonly kind: 'current' }>,
  where: string,
): StartError {
  return outcome.kind === 'newer'
    ? new StartError(
        `${where} was written by a newer release (schema step ${outcome.step})`,
        'Run that release or a later one; nothing was changed.',
      )
    : new StartError(
        `${where} has schema step ${outcome.step} with different SQL than this release`,
        'Run the release that wrote it, or restore a backup; nothing was changed.',
      )
}

/** Both engines read this alike: SQLite takes a bigint for an integer. */
const createTable = `
  CREATE TABLE IF NOT EXISTS migrations (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at bigint NOT NULL
  )`
