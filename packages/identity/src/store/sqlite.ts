import type { StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import type { Database, DatabaseOptions, Query, Row, SqlValue, StoreReader } from './database.ts'
import { createGroupCommit } from './group-commit.ts'
import { inSqlite, teachFunctions } from './sqlite-dialect.ts'
import { openConnections, resultCodeOf } from './sqlite-file.ts'
import { tableFaultIn } from './sqlite-tables.ts'
import { createFileWake } from './sqlite-wake.ts'

/**
 * The embedded store. One connection writes, and commits in groups; another one reads, so that nobody sees
 * a change before it is durable.
 */
export async function openSqlite(
  path: string,
  { now = Date.now }: DatabaseOptions,
): Promise<Database> {
  const { writer, reader } = await openConnections(path, now())
  const write = createQuery(writer, now)
  const { commit, idle } = createGroupCommit(writer)
  const wake = createFileWake(writer)
  const transaction: Database['transaction'] = (steps) =>
    commit(() => steps(write)).catch(throwNamed)
  const single = {
    read: createQuery(reader, now),
    write: ((sql, parameters) => transaction((query) => query(sql, parameters))) satisfies Query,
  }
  return {
    ...single,
    // Nobody waits longer than for a group of others.
    ahead: single,
    transaction,
    // Whoever writes is alone here, on whatever node.
    exclusive: transaction,
    lineage: async () => undefined,
    checkConnections: () => undefined,
    tableFault: (tables) => tableFaultIn(path, tables),
    // Whoever looks sees it.
    wakeOthers: () => undefined,
    onWoken: wake.onWoken,
    close: async () => {
      wake.close()
      await idle()
      for (const connection of [reader, writer]) if (connection.isOpen) connection.close()
    },
    giveUp: () => undefined,
  }
}

/** The same file for whoever only looks. */
export async function openSqliteReader(path: string): Promise<StoreReader> {
  const reader = new DatabaseSync(path, { readOnly: true })
  return {
    read: createQuery(reader, Date.now),
    tableFault: (tables) => tableFaultIn(path, tables),
    close: async () => reader.close(),
  }
}

/** Statements are prepared once; the clock is read before each. */
function createQuery(connection: DatabaseSync, now: () => number): Query {
  const statements = new Map<string, StatementSync>()
  let startedAt = 0
  teachFunctions(connection, () => startedAt)
  const run = (sql: string, parameters: readonly SqlValue[]): readonly Row[] => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = connection.prepare(inSqlite(sql))
      statements.set(sql, statement)
    }
    startedAt = now()
    return statement.all(...parameters)
  }
  return async (sql, parameters = []) => {
    try {
      return run(sql, parameters)
    } catch (error) {
      return throwNamed(error)
    }
  }
}

/** Result codes (sqlite.org/rescode.html) for which nothing is wrong with the statement. */
const unavailable = new Set([
  5, // BUSY: another process holds the lock
  8, // READONLY
  10, // IOERR
  13, // FULL
  14, // CANTOPEN
])

function throwNamed(error: unknown): never {
  const code = resultCodeOf(error)
  if (code === undefined || !unavailable.has(code)) throw error
  throw new StoreUnavailableError('the database file cannot be written', { cause: error })
}
