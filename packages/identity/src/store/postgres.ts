import { setTimeout as pause } from 'node:timers/promises'
import { StartError } from '@portcullis/runtime'
import type { Pool, PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import { text } from './columns.ts'
import type { Database, DatabaseOptions, Query, Steps } from './database.ts'
import { migrate, migrationError } from './migrations.ts'
import { postgresMigrations } from './migrations/postgres.ts'
import { createStatements } from './postgres-dialect.ts'
import { isCollision, isForbidden, isUnavailable, reasonOf } from './postgres-errors.ts'

/** Connections of one node; 15 of its statements at once are as quick as any number. */
const connectionsMax = 15
const connectMs = 5000
/** A statement or an idle transaction that takes longer holds locks that others wait for. */
const statementMs = 10_000
/** How often steps are run again that have locked each other out. */
const attemptsMax = 5
const collisionMs = 20
/** The one lock under which nodes migrate and do what is `exclusive`; no other program has this number. */
const exclusiveLock = 7_071_203_665

/** The store that many nodes share. */
export async function openPostgres(url: string, { now }: DatabaseOptions): Promise<Database> {
  const pool = await createPool(url)
  const statements = createStatements(now)
  const queryOver =
    (connection: Pool | PoolClient): Query =>
    async (sql, parameters = []) => {
      try {
        const { rows } = await connection.query({ ...statements(sql), values: [...parameters] })
        return rows
      } catch (error) {
        return throwNamed(error)
      }
    }
  const query = queryOver(pool)
  const transaction = async <Result>(steps: Steps<Result>): Promise<Result> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await runOnce(pool, (client) => steps(queryOver(client)))
      } catch (error) {
        if (!isCollision(error) || attempt === attemptsMax) throwNamed(error)
        // By chance, so that two who were both turned away do not meet again.
        await pause(Math.random() * attempt * collisionMs)
      }
    }
  }
  const exclusive: Database['exclusive'] = (steps) =>
    transaction(async (run) => {
      await run('SELECT pg_advisory_xact_lock($1)', [exclusiveLock])
      return steps(run)
    })
  try {
    await prepare(exclusive, now)
  } catch (error) {
    await pool.end()
    if (error instanceof StartError) throw error
    throw unusable(error instanceof StoreUnavailableError ? error.cause : error)
  }
  const lineage = (): Promise<string | undefined> => readLineage(query)
  let closed: Promise<void> | undefined
  // The pool itself does not allow it twice.
  const close = (): Promise<void> => (closed ??= pool.end())
  return { read: query, write: query, transaction, exclusive, lineage, close }
}

async function createPool(url: string): Promise<Pool> {
  // Whoever keeps everything in SQLite need not wait for this at the start.
  const { default: pg } = await import('pg')
  const int8 = 20
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    keepAlive: true,
    application_name: 'portcullis',
    types: {
      // Integers of the schema are times and counters: all of them fit into a double.
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === int8
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  })
  // A connection that breaks fails its next statement, and an idle one is replaced. It tells so as well, and
  // without listeners that would end the process: the pool has one only for those that are not in a change.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

async function runOnce<Result>(
  pool: Pool,
  steps: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  let isBroken = false
  try {
    await client.query('BEGIN')
    const result = await steps(client)
    const { command } = await client.query('COMMIT')
    // What PostgreSQL answers when a step had failed and nobody said so.
    if (command === 'ROLLBACK') throw new TypeError('a failed statement was overlooked')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => (isBroken = true))
    throw error
  } finally {
    client.release(isBroken)
  }
}

async function prepare(
  exclusive: Database['exclusive'],
  now: DatabaseOptions['now'],
): Promise<void> {
  await exclusive(async (query) => {
    const [durability] = await query('SHOW synchronous_commit')
    if (durability?.['synchronous_commit'] === 'off') throw notDurable()
    const [clock] = await query('SELECT statement_now() AS now')
    const outcome = await migrate(postgresMigrations, now?.() ?? Number(clock?.['now']), {
      query,
      // Without parameters it goes as one simple query, which may hold several statements.
      script: async (sql) => void (await query(sql)),
    })
    if (outcome.kind !== 'current') throw migrationError(outcome, 'the database')
  })
}

/** The server by its identifier, and the time line, which every promotion of a standby raises by one. */
async function readLineage(query: Query): Promise<string | undefined> {
  try {
    const [row] = await query(
      `SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS lineage
       FROM pg_control_system()`,
    )
    return row === undefined ? undefined : text(row, 'lineage')
  } catch (error) {
    // Some hosts of databases keep this to themselves.
    if (isForbidden(error)) return undefined
    throw error
  }
}

function throwNamed(error: unknown): never {
  if (!isUnavailable(error)) throw error
  throw new StoreUnavailableError('the database cannot be reached', { cause: error })
}

function notDurable(): StartError {
  return new StartError(
    'the database acknowledges what is not on its disk: synchronous_commit is off',
    'Set it to on for this database: a revocation that was acknowledged must not be forgotten.',
  )
}

function unusable(error: unknown): StartError {
  return new StartError(
    `the database cannot be used: ${reasonOf(error)}`,
    'Check that the server runs, and that the address names a database that this user may create tables in.',
    { cause: error },
  )
}
