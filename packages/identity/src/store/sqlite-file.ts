import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError, systemErrorCode } from '@portcullis/runtime'
import { migrate, migrationError } from './migrations.ts'
import { sqliteMigrations } from './migrations/sqlite.ts'
import { inSqlite } from './sqlite-dialect.ts'

/** How long a statement waits for another process to finish its own. */
const busyMs = 5000
const retryMs = 5

/** One file, opened twice: its schema is up to date. */
export interface SqliteConnections {
  readonly writer: DatabaseSync
  readonly reader: DatabaseSync
}

/** Creates file and folder when they are missing. What an operator can mend is a `StartError`. */
export async function openConnections(path: string, now: number): Promise<SqliteConnections> {
  const writer = connect(path)
  try {
    await prepare(writer, path, now)
    const reader = connect(path)
    reader.exec(`PRAGMA busy_timeout = ${busyMs}; PRAGMA query_only = ON`)
    return { writer, reader }
  } catch (error) {
    writer.close()
    throw error instanceof StartError ? error : unusable(path, error)
  }
}

/** The result code that SQLite gave an error, without its extension; undefined for other errors. */
export function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

function connect(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Made here and not by SQLite, which would let others read it; SQLite gives its -wal and -shm
    // files the same mode.
    closeSync(openSync(path, 'a', 0o600))
    return new DatabaseSync(path)
  } catch (error) {
    throw new StartError(
      `the database ${path} cannot be opened: ${reasonOf(error)}`,
      'Check that its folder exists, belongs to this user and can be written.',
      { cause: error },
    )
  }
}

async function prepare(connection: DatabaseSync, path: string, now: number): Promise<void> {
  // FULL: an acknowledged commit survives a power cut, at the price of one fsync (measured: 0.06 to
  // 5 ms). The busy time-out is for a second process, such as a backup, holding the write lock.
  connection.exec(`
    PRAGMA busy_timeout = ${busyMs};
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
  `)
  useWriteAheadLog(connection)
  const [firstFault] = connection.prepare('PRAGMA quick_check(1)').all()
  if (firstFault?.['quick_check'] !== 'ok') throw unusable(path, 'it is corrupt')
  await bringUpToDate(connection, path, now)
}

/** In one transaction, or not at all. */
async function bringUpToDate(connection: DatabaseSync, path: string, now: number): Promise<void> {
  connection.exec('BEGIN IMMEDIATE')
  try {
    const outcome = await migrate(sqliteMigrations, now, {
      script: async (sql) => connection.exec(sql),
      query: async (sql, parameters = []) => connection.prepare(inSqlite(sql)).all(...parameters),
    })
    if (outcome.kind !== 'current') throw migrationError(outcome, `the database ${path}`)
    connection.exec('COMMIT')
  } catch (error) {
    connection.exec('ROLLBACK')
    throw error
  }
}

/**
 * Processes that turn a fresh file to write-ahead logging at once refuse each other and do not wait,
 * because each holds what the other needs: whoever was refused tries again.
 */
function useWriteAheadLog(connection: DatabaseSync): void {
  const deadline = performance.now() + busyMs
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (resultCodeOf(error) !== sqliteBusy || performance.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}

const sqliteBusy = 5

function unusable(path: string, error: unknown): StartError {
  return new StartError(
    `the database ${path} cannot be used: ${reasonOf(error)}`,
    'If it is damaged, restore a backup; if its folder cannot be written, correct the permissions.',
    { cause: error },
  )
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = systemErrorCode(error)
  return code === undefined || code === 'ERR_SQLITE_ERROR' ? error.message : code
}
