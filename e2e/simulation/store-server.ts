import { DatabaseSync } from 'node:sqlite'
import type { SerialQueue } from '../../packages/identity/src/domain/serial-queue.ts'
import { createSerialQueue } from '../../packages/identity/src/domain/serial-queue.ts'
import type { Query, Row, SqlValue } from '../../packages/identity/src/store/database.ts'
import { migrate } from '../../packages/identity/src/store/migrations.ts'
import { sqliteMigrations } from '../../packages/identity/src/store/migrations/sqlite.ts'
import { inSqlite, teachFunctions } from '../../packages/identity/src/store/sqlite-dialect.ts'

/** One database in memory with the production schema, which many servers have one after the other. */
export interface Memory {
  readonly run: (sql: string, parameters: readonly SqlValue[], now: number) => readonly Row[]
  readonly changes: () => number
  /** Only what every schedule begins with is left. */
  readonly reset: () => void
  /** What is there now is what every schedule begins with. */
  readonly keepAsBeginning: () => void
}

/** Databases in memory are made once in a process, and emptied for each server. */
export interface MemoryPool {
  readonly take: (index: number) => Memory
}

/** Those that something of a schedule writes into. */
const usedTables = [
  'accounts',
  'clients',
  'events',
  'followers',
  'revocation_head',
  'revocations',
  'sessions',
  'signing_keys',
]

export async function openMemory(): Promise<Memory> {
  const connection = new DatabaseSync(':memory:')
  connection.exec('PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF')
  let time = 0
  teachFunctions(connection, () => time)
  const statements = new Map<string, Statement>()
  const run: Memory['run'] = (sql, parameters, now) => {
    let statement = statements.get(sql)
    if (statement === undefined) {
      statement = prepare(connection, inSqlite(sql), parameters.length)
      statements.set(sql, statement)
    }
    time = now
    return statement(parameters, now)
  }
  await migrate(sqliteMigrations, 0, {
    query: async (sql, parameters = []) => run(sql, parameters, 0),
    script: async (sql) => connection.exec(sql),
  })
  const beginning: { sql: string; values: readonly SqlValue[] }[] = []
  return {
    run,
    changes: () => Number(run('SELECT total_changes() AS count', [], time)[0]?.['count']),
    reset: () => {
      for (const table of usedTables) run(`DELETE FROM ${table}`, [], 0)
      for (const { sql, values } of beginning) run(sql, values, 0)
    },
    keepAsBeginning: () => {
      for (const table of usedTables) {
        for (const row of run(`SELECT * FROM ${table}`, [], 0)) {
          const names = Object.keys(row)
          const places = names.map((_name, at) => `$${at + 1}`).join(', ')
          const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`
          beginning.push({ sql, values: Object.values(row) as SqlValue[] })
        }
      }
    },
  }
}

type Statement = (parameters: readonly SqlValue[], now: number) => readonly Row[]

const clockCall = /\b(?:statement|transaction)_now\(\)/g

/**
 * What costs least: the time comes as one more parameter and not by a call, and rows have one shape for all, where
 * those that Node makes have one each.
 */
function prepare(connection: DatabaseSync, sql: string, parameterCount: number): Statement {
  const timed = sql.replaceAll(clockCall, `?${parameterCount + 1}`)
  const statement = connection.prepare(timed)
  const names = statement.columns().map(({ name }) => name)
  statement.setReturnArrays(true)
  const rowOf = (values: readonly SqlValue[]): Row => {
    const row: Record<string, SqlValue> = {}
    let at = 0
    for (const name of names) {
      row[name] = values[at] ?? null
      at += 1
    }
    return row
  }
  return (parameters, now) => {
    const given = timed === sql ? parameters : [...parameters, now]
    return (statement.all(...given) as unknown as readonly SqlValue[][]).map(rowOf)
  }
}

/** A statement that has changed something, and the time that it saw: the same again gives the same. */
interface Change {
  readonly sql: string
  readonly parameters: readonly SqlValue[]
  readonly now: number
}

/** A database server: what is committed here is committed, and who is told of it is another matter. */
export interface StoreServer {
  readonly lineage: string
  /** One statement, or many as one atomic change. `place` is where the commits are behind it. */
  readonly read: Query
  readonly transaction: <Result>(
    steps: (query: Query) => Promise<Result>,
  ) => Promise<{ readonly result: Result; readonly place: number }>
  /** One statement that is a change by itself. */
  readonly write: (
    sql: string,
    parameters?: readonly SqlValue[],
  ) => Promise<{ readonly result: readonly Row[]; readonly place: number }>
  /** The same, of which nothing stays; answers whether it would have been written. */
  readonly rehearse: <Result>(
    steps: (query: Query) => Promise<Result>,
  ) => Promise<{ readonly result: Result; readonly isWrite: boolean }>
  readonly commits: () => number
  /** What another server goes on from. */
  readonly historyUntil: (place: number) => readonly (readonly Change[])[]
  /** Every record that a commit in its history has written, also those that are gone since. */
  readonly recordsEver: () => readonly Row[]
  /** What came behind this place was never seen by anybody. */
  readonly rewind: (place: number) => void
}

export interface StoreServerOptions {
  readonly memory: Memory
  readonly lineage: string
  readonly clock: () => number
  readonly history: readonly (readonly Change[])[]
}

export function createStoreServer(options: StoreServerOptions): StoreServer {
  const { memory, lineage, clock } = options
  const history: (readonly Change[])[] = [...options.history]
  // One at a time: what really runs side by side waits for the rows of the other, or for the head.
  const queue = createSerialQueue()
  let underWay = 0
  const inTurn: SerialQueue = async (job) => {
    underWay += 1
    try {
      return await queue(job)
    } finally {
      underWay -= 1
    }
  }
  const replay = (): void => {
    memory.reset()
    for (const commit of history) {
      for (const { sql, parameters, now } of commit) memory.run(sql, parameters, now)
    }
  }
  replay()

  const begun = createTransactions(memory, clock)

  return {
    lineage,
    read: async (sql, parameters = []) =>
      underWay === 0
        ? memory.run(sql, parameters, clock())
        : inTurn(async () => memory.run(sql, parameters, clock())),
    transaction: (steps) =>
      inTurn(async () => {
        const { result, changes } = await begun(steps, true)
        if (changes.length > 0) history.push(changes)
        return { result, place: history.length }
      }),
    write: (sql, parameters = []) =>
      inTurn(async () => {
        const change: Change = { sql, parameters, now: clock() }
        const result = memory.run(sql, parameters, change.now)
        history.push([change])
        return { result, place: history.length }
      }),
    rehearse: (steps) =>
      inTurn(async () => {
        const before = memory.changes()
        const { result, locks } = await begun(steps, false)
        return { result, isWrite: locks || memory.changes() > before }
      }),
    commits: () => history.length,
    historyUntil: (place) => history.slice(0, place),
    recordsEver: () => history.flat().flatMap(recordsOf),
    rewind: (place) => {
      if (place >= history.length) return
      history.length = place
      replay()
    },
  }
}

/** In the order in which production names the columns. */
const recordColumns = ['seq', 'kind', 'fingerprint', 'floor', 'until', 'at'] as const
/** What administrators are told of it, on which no promise hangs. */
const aboutColumns = ['subject', 'cause', 'account_id', 'actor', 'reason'] as const
const writtenColumns = [...recordColumns, ...aboutColumns]
const insertsRecords = `INSERT INTO revocations (${writtenColumns.join(', ')})`

function recordsOf({ sql, parameters }: Change): readonly Row[] {
  if (!sql.startsWith('INSERT INTO revocations')) return []
  // Many would come as one parameter, and there are never so many here.
  const isKnown = sql.startsWith(insertsRecords) && parameters.length === writtenColumns.length
  if (!isKnown) throw new TypeError('records are written in a way that this world does not know')
  return [Object.fromEntries(recordColumns.map((name, at) => [name, parameters[at] ?? null]))]
}

interface Begun<Result> {
  readonly result: Result
  readonly changes: readonly Change[]
  /** A lock of a row is written down as well, and its commit waits like any other. */
  readonly locks: boolean
}

/** Runs steps between BEGIN and COMMIT, or ROLLBACK where nothing is to be kept. */
function createTransactions(
  memory: Memory,
  clock: () => number,
): <Result>(steps: (query: Query) => Promise<Result>, isKept: boolean) => Promise<Begun<Result>> {
  return async (steps, isKept) => {
    const changes: Change[] = []
    let locks = false
    memory.run('BEGIN', [], 0)
    try {
      const result = await steps(async (sql, parameters = []) => {
        const now = clock()
        const rows = memory.run(sql, parameters, now)
        locks ||= rows.length > 0 && sql.includes('FOR UPDATE')
        if (!/^\s*SELECT/.test(sql)) changes.push({ sql, parameters, now })
        return rows
      })
      memory.run(isKept ? 'COMMIT' : 'ROLLBACK', [], 0)
      return { result, changes, locks }
    } catch (error) {
      memory.run('ROLLBACK', [], 0)
      throw error
    }
  }
}
