import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { redactPassword, StartError } from '@portcullis/runtime'
import { integer } from '../columns.ts'
import type { Query } from '../database.ts'
import { postgresMigrations } from '../migrations/postgres.ts'
import { readPostgresSnapshot } from '../postgres.ts'
import { makeTables } from '../sqlite-schema.ts'
import type { CopiedStore, OnProgress } from './copied-store.ts'
import { factsOf, noStore } from './copied-store.ts'
import { synchronise } from './drafts.ts'
import {
  columnsOf,
  namesOf,
  rememberedTables,
  rowsAtOnce,
  storedTables,
  valuesOf,
} from './stored-tables.ts'

/** Writes what a server holds at one moment into a file of SQLite. It holds nobody up. */
export async function copyPostgres(
  url: string,
  copyPath: string,
  onProgress: OnProgress,
): Promise<CopiedStore> {
  const source = `the database ${redactPassword(url)}`
  closeSync(openSync(copyPath, 'wx', 0o600))
  const copy = new DatabaseSync(copyPath)
  try {
    // A copy that is cut off is thrown away, so that nothing has to be kept for it on the way.
    copy.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA foreign_keys = OFF')
    await makeTables(copy, Date.now())
    copy.exec('BEGIN')
    await readPostgresSnapshot(url, async (query) => {
      await requireThisSchema(query, source)
      await copyRows(query, copy, onProgress)
      await copyNumbering(query, copy)
    })
    copy.exec('COMMIT')
    return factsOf(copy, source)
  } finally {
    copy.close()
    synchronise(copyPath)
  }
}

/** Columns that this program does not know would be left out without a word. */
async function requireThisSchema(query: Query, source: string): Promise<void> {
  const [table] = await query("SELECT to_regclass('migrations')::text AS name")
  if (table?.['name'] !== 'migrations') throw noStore(source)
  const found = (await query('SELECT id FROM migrations')).map((row) => integer(row, 'id'))
  const known = postgresMigrations.map(({ id }) => id)
  if (new Set([...found, ...known]).size === found.length && found.length === known.length) return
  throw new StartError(
    `${source} has schema step ${Math.max(0, ...found)}, and this release copies step ${Math.max(...known)}`,
    'Take the backup with the release that runs on it.',
  )
}

async function copyRows(query: Query, copy: DatabaseSync, onProgress: OnProgress): Promise<void> {
  let done = 0
  for (const table of storedTables) {
    const into = columnsOf(copy, table)
    // Some are made with a row in them.
    copy.exec(`DELETE FROM ${table}`)
    const places = into.columns.map(() => '?').join(', ')
    const insert = copy.prepare(`INSERT INTO ${table} (${namesOf(into)}) VALUES (${places})`)
    await query(`DECLARE copied NO SCROLL CURSOR FOR SELECT ${namesOf(into)} FROM ${table}`)
    for (;;) {
      const rows = await query(`FETCH ${rowsAtOnce} FROM copied`)
      for (const row of rows) insert.run(...valuesOf(into, row))
      done += rows.length
      onProgress({ done, unit: 'rows' })
      if (rows.length < rowsAtOnce) break
    }
    await query('CLOSE copied')
  }
}

/** Streams stand at ids of security events that may be forgotten by now. */
async function copyNumbering(query: Query, copy: DatabaseSync): Promise<void> {
  const forget = copy.prepare('DELETE FROM sqlite_sequence WHERE name = ?')
  const remember = copy.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)')
  for (const table of rememberedTables) {
    const [sequence] = await query(`SELECT pg_get_serial_sequence('${table}', 'id') AS name`)
    const [given] = await query(`SELECT last_value FROM ${String(sequence?.['name'])}`)
    forget.run(table)
    remember.run(table, integer(given ?? {}, 'last_value'))
  }
}
