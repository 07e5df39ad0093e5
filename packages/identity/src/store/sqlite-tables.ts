import { DatabaseSync } from 'node:sqlite'
import type { TableFault } from './database.ts'
import { migrate } from './migrations.ts'
import { sqliteMigrations } from './migrations/sqlite.ts'
import { inSqlite } from './sqlite-dialect.ts'
import { describeTable, inspectFile } from './sqlite-inspection.ts'

/**
 * Whoever can write the file can put a view in the place of a table, or have an index that lacks rows, so that queries
 * pass them over.
 */
export async function tableFaultIn(
  path: string,
  tables: readonly string[],
): Promise<TableFault | undefined> {
  const made = await freshSchema()
  try {
    const facts = tables.map((table) => [table, describeTable(made, table)] as const)
    return await inspectFile(path, Object.fromEntries(facts))
  } finally {
    made.close()
  }
}

async function freshSchema(): Promise<DatabaseSync> {
  const memory = new DatabaseSync(':memory:')
  await makeTables(memory, 0)
  return memory
}

/** Those of this release, in a database that has none. */
export async function makeTables(connection: DatabaseSync, now: number): Promise<void> {
  await migrate(sqliteMigrations, now, {
    script: async (sql) => connection.exec(sql),
    query: async (sql, parameters = []) => connection.prepare(inSqlite(sql)).all(...parameters),
  })
}
