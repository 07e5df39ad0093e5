import { callbackify } from 'node:util'
import { StartError } from '@portcullis/runtime'
import type { Pool, PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import type { ConnectionCheck, Database, DatabaseOptions } from './database.ts'
import { migrate, migrationError } from './migrations.ts'
import { postgresMigrations } from './migrations/postgres.ts'
import { connectionOn, oneClient, pooled } from './postgres-connection.ts'
import { createStatements } from './postgres-dialect.ts'
import { reasonOf } from './postgres-errors.ts'

/** Connections of one node; 15 of its statements at once are as quick as any number. */
const connectionsMax = 15
const connectMs = 5000
/** A statement or an idle transaction that takes longer holds locks that others wait for. */
const statementMs = 10_000

const unchecked: ConnectionCheck = async () => undefined

/** The store that many nodes share. */
export async function openPostgres(url: string, { now }: DatabaseOptions): Promise<Database> {
  let check = unchecked
  const pool = await createPool(url, (client) => check(connectionOn(oneClient(client), statements)))
  const statements = createStatements(now)
  const connection = connectionOn(pooled(pool), statements)
  try {
    await prepare(connection.exclusive, now)
  } catch (error) {
    await pool.end()
    if (error instanceof StartError) throw error
    throw unusable(url, error instanceof StoreUnavailableError ? error.cause : error)
  }
  let closed: Promise<void> | undefined
  return {
    ...connection,
    write: connection.read,
    checkConnections: (checkOfCaller) => void (check = checkOfCaller),
    // The pool itself does not allow it twice.
    close: () => (closed ??= pool.end()),
  }
}

async function createPool(
  url: string,
  check: (client: PoolClient) => Promise<void>,
): Promise<Pool> {
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
    verify: callbackify((client: PoolClient) => check(client).catch(throwRefused)),
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

/** A new connection that was checked in vain is none. */
function throwRefused(cause: unknown): never {
  if (cause instanceof StoreUnavailableError) throw cause
  throw new StoreUnavailableError('the database cannot be gone on with', { cause })
}

function notDurable(): StartError {
  return new StartError(
    'the database acknowledges what is not on its disk: synchronous_commit is off',
    'Set it to on for this database: a revocation that was acknowledged must not be forgotten.',
  )
}

function unusable(url: string, error: unknown): StartError {
  const { host = '', pathname = '' } = URL.parse(url) ?? {}
  return new StartError(
    `the database ${host}${pathname} cannot be used: ${reasonOf(error)}`,
    'Check that the server runs, and that the address names a database that this user may create tables in.',
    { cause: error },
  )
}
