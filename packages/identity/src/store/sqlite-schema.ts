import { DatabaseSync } from 'node:sqlite'
import { StartError } from '@portcullis/runtime'
import { migrate } from './migrations.ts'
import { sqliteMigrations } from './migrations/sqlite.ts'
import { inSqlite } from './sqlite-dialect.ts'

/** Those of this release, in a database that has none. */
export async function makeTables(connection: DatabaseSync, now: number): Promise<void> {
  await migrate(sqliteMigrations, now, {
    script: async (sql) => connection.exec(sql),
    query: async (sql, parameters = []) => connection.prepare(inSqlite(sql)).all(...parameters),
  })
}

/** A database in memory with all tables of this release. */
export async function freshSchema(): Promise<DatabaseSync> {
  const memory = new DatabaseSync(':memory:')
  await makeTables(memory, 0)
  return memory
}

/**
 * To be called before anything is written: whoever can write the file can have a trigger undo what is decided, or a view
 * show something else. No step of the schema makes any.
 */
export function refuseTriggers(connection: DatabaseSync, path: string): void {
  const found = connection
    .prepare("SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view') LIMIT 1")
    .get()
  if (found !== undefined)
    throw isForeign(path, `has the ${String(found['type'])} ${String(found['name'])}`)
}

/**
 * That there are the tables and indexes that the steps of the schema make, and no others. Does NOT look at those where a
 * later release has taken a step of its own.
 */
export async function requireOwnSchema(connection: DatabaseSync, path: string): Promise<void> {
  const known = new Set(sqliteMigrations.map(({ id }) => id))
  const steps = connection.prepare('SELECT id FROM migrations').all()
  if (steps.some(({ id }) => !known.has(Number(id)))) return
  madeHere ??= madeByThisRelease()
  const made = await madeHere
  const there = partsOf(connection)
  for (const [name, sql] of there)
    if (made.get(name) !== sql) throw isForeign(path, `has ${name} of another making`)
  for (const name of made.keys()) if (!there.has(name)) throw isForeign(path, `lacks ${name}`)
}

/** The same for every file. */
let madeHere: Promise<ReadonlyMap<string, string>> | undefined

async function madeByThisRelease(): Promise<ReadonlyMap<string, string>> {
  const memory = await freshSchema()
  try {
    return partsOf(memory)
  } finally {
    memory.close()
  }
}

/** By kind and name the statement that makes it, without what may differ from one release of SQLite to another. */
function partsOf(connection: DatabaseSync): ReadonlyMap<string, string> {
  const parts = connection
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema')
    .all()
    .filter(({ type, name }) => type !== 'table' || !ownTablesOfSqlite.has(String(name)))
    .map(({ type, name, tbl_name: table, sql }) => {
      return [`the ${String(type)} ${String(name)}`, `${String(table)} ${wordingOf(sql)}`] as const
    })
  return new Map(parts)
}

/** Columns may be in another order, where steps have added them. */
function wordingOf(sql: unknown): string {
  // What stands behind the last column belongs to the table.
  const parted = String(sql).replace(/\)([^)]*)$/, ',$1')
  const bare = parted.replaceAll(/[\s"`[\]()]/g, '')
  return bare.split(',').toSorted().join(',')
}

/** It makes them by itself (sqlite.org/fileformat2.html#storage_of_the_sql_database_schema). */
const ownTablesOfSqlite = new Set(['sqlite_sequence', 'sqlite_stat1', 'sqlite_stat4'])

function isForeign(path: string, how: string): StartError {
  return new StartError(
    `the database ${path} is not as Portcullis makes it: it ${how}`,
    'Take away what you have made yourself. Whoever else made it could write to the store, and can have altered ' +
      'anything in it: restore a backup that is sealed.',
  )
}
