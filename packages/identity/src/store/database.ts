import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import { StartError, systemErrorCode } from '@portcullis/runtime'
import { migrate } from './migrations.ts'

/** What can be stored: the types that both engines have (protocol times are integer milliseconds). */
export type SqlValue = string | number | null

export type Row = Readonly<Record<string, SQLOutputValue>>

/** What the stores need of an engine. Parameters stand in the SQL as `$1`, `$2`, … */
export interface Database {
  readonly query: (sql: string, parameters?: readonly SqlValue[]) => Promise<readonly Row[]>
  /** Runs the steps as one atomic change, one caller after the other; a throw undoes all of them. */
  readonly transaction: <Result>(steps: (query: Query) => Result) => Promise<Result>
  readonly close: () => void
}

/** Inside a transaction nothing waits, so that no other caller's statement can slip in between. */
export type Query = (sql: string, parameters?: readonly SqlValue[]) => readonly Row[]

const scheme = 'sqlite:'
/** How long a statement waits for another process to finish its own. */
const busyMs = 5000
const retryMs = 5

/**
 * Opens the store that `sqlite:PATH` names, creating file and folder when they are missing, and
 * brings its schema up to date. Everything that an operator can mend is a `StartError`.
 */
export function openDatabase(url: string, now: number): Database {
  if (!url.startsWith(scheme) || url.length === scheme.length) {
    throw new StartError(
      `the database ${JSON.stringify(url)} is not supported`,
      'Write it as sqlite:PATH, for example sqlite:.portcullis/identity.db.',
    )
  }
  const path = pathOfDatabase(url)
  const connection = connect(path)
  try {
    prepare(connection, path, now)
  } catch (error) {
    connection.close()
    throw error instanceof StartError ? error : unusable(path, error)
  }
  return databaseOver(connection)
}

/** The file that `sqlite:PATH` names. */
export function pathOfDatabase(url: string): string {
  return url.slice(scheme.length)
}

/** Whether rows can be read at the moment. */
export async function isReadable(database: Database): Promise<boolean> {
  try {
    await database.query('SELECT id FROM accounts LIMIT 1')
    return true
  } catch {
    return false
  }
}

function databaseOver(connection: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>()
  const query: Query = (sql, parameters = []) => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      // SQLite numbers its parameters with a question mark.
      statement = connection.prepare(sql.replaceAll(/\$(?=\d)/g, '?'))
      statements.set(sql, statement)
    }
    return statement.all(...parameters)
  }
  return {
    query: async (sql, parameters) => query(sql, parameters),
    transaction: async (steps) => {
      // A deferred transaction could not be upgraded once another process has committed, and would
      // fail instead of waiting its turn.
      connection.exec('BEGIN IMMEDIATE')
      try {
        const result = steps(query)
        connection.exec('COMMIT')
        return result
      } catch (error) {
        if (connection.isTransaction) connection.exec('ROLLBACK')
        throw error
      }
    },
    close: () => {
      if (connection.isOpen) connection.close()
    },
  }
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

function prepare(connection: DatabaseSync, path: string, now: number): void {
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
  const outcome = migrate(connection, now)
  if (outcome.kind === 'newer') {
    throw new StartError(
      `the database ${path} was written by a newer release (schema step ${outcome.step})`,
      'Run that release or a later one; nothing was changed.',
    )
  }
  if (outcome.kind === 'altered') {
    throw new StartError(
      `the database ${path} has schema step ${outcome.step} with different SQL than this release`,
      'Run the release that wrote it, or restore a backup; nothing was changed.',
    )
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
      if (!isBusy(error) || performance.now() > deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
    }
  }
}

const sqliteBusy = 5

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
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
