import { closeSync, fstatSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StartError, systemErrorCode } from '@portcullis/runtime'
import { makeFolders } from './flushed-names.ts'
import { migrate, migrationError } from './migrations.ts'
import { sqliteMigrations } from './migrations/sqlite.ts'
import { inSqlite } from './sqlite-dialect.ts'
import { refuseTriggers, requireOwnSchema } from './sqlite-schema.ts'

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
  const { connection: writer, isInPlace } = connect(path)
  try {
    prepare(writer, isInPlace, path)
    await bringUpToDate(writer, path, now)
    const { connection: reader } = connect(path)
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

interface Opened {
  readonly connection: DatabaseSync
  /** False when another file has its name by now. */
  readonly isInPlace: () => boolean
}

function connect(path: string): Opened {
  try {
    makeFolders(dirname(path))
    // Made here and not by SQLite, which would let others read it; SQLite gives its -wal and -shm
    // files the same mode.
    const file = openSync(path, 'a', 0o600)
    const { ino, dev } = fstatSync(file, { bigint: true })
    closeSync(file)
    const isInPlace = (): boolean => {
      const found = statSync(path, { bigint: true, throwIfNoEntry: false })
      return found?.ino === ino && found.dev === dev
    }
    return { connection: new DatabaseSync(path), isInPlace }
  } catch (error) {
    throw new StartError(
      `the database ${path} cannot be opened: ${reasonOf(error)}`,
      'Check that its folder exists, belongs to this user and can be written.',
      { cause: error },
    )
  }
}

function prepare(connection: DatabaseSync, isInPlace: () => boolean, path: string): void {
  // FULL: an acknowledged commit survives a power cut, at the price of one fsync (measured: 0.06 to
  // 5 ms). The busy time-out is for a second process, such as a backup, holding the write lock.
  connection.exec(`
    PRAGMA busy_timeout = ${busyMs};
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
  `)
  try {
    useWriteAheadLog(connection)
  } catch (error) {
    throw isInPlace() ? error : replaced(path, error)
  }
  // A restore puts another file in its place while nobody has it open, and from here on this process has. What went into
  // the one that was replaced would be lost; and what SQLite keeps beside it belongs to the other by its name.
  if (!isInPlace()) throw replaced(path)
  const [firstFault] = connection.prepare('PRAGMA quick_check(1)').all()
  if (firstFault?.['quick_check'] !== 'ok') throw unusable(path, 'it is corrupt')
}

/** In one transaction, or not at all. */
async function bringUpToDate(connection: DatabaseSync, path: string, now: number): Promise<void> {
  connection.exec('BEGIN IMMEDIATE')
  try {
    refuseTriggers(connection, path)
    const outcome = await migrate(sqliteMigrations, now, {
      script: async (sql) => connection.exec(sql),
      query: async (sql, parameters = []) => connection.prepare(inSqlite(sql)).all(...parameters),
    })
    if (outcome.kind !== 'current') throw migrationError(outcome, `the database ${path}`)
    await requireOwnSchema(connection, path)
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

/** BUSY (sqlite.org/rescode.html): another process holds the lock. */
export const sqliteBusy = 5
/** What SQLite keeps beside a file, and takes for a part of whatever has its name. */
export const endingsBeside = ['-wal', '-shm', '-journal'] as const

function replaced(path: string, cause?: unknown): StartError {
  return new StartError(
    `the database ${path} was replaced by another one while it was opened`,
    'Start again when the restore has ended.',
    { cause },
  )
}

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
