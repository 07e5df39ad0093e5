import { setTimeout as pause } from 'node:timers/promises'
import { callbackify } from 'node:util'
import { StartError } from '@portcullis/runtime'
import type { Pool, PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import { text } from './columns.ts'
import type {
  Connection,
  ConnectionCheck,
  Database,
  DatabaseOptions,
  Query,
  Steps,
} from './database.ts'
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

/** Where statements run: on any connection of a pool, or on this one. */
interface Lender {
  readonly query: Pool['query']
  /** Lends one connection until it is done with. */
  readonly lend: <Result>(use: (client: PoolClient) => Promise<Result>) => Promise<Result>
}

function pooled(pool: Pool): Lender {
  return {
    query: pool.query.bind(pool),
    lend: async (use) => {
      const client = await pool.connect()
      let isBroken = false
      try {
        return await use(client)
      } catch (error) {
        await client.query('ROLLBACK').catch(() => (isBroken = true))
        throw error
      } finally {
        client.release(isBroken)
      }
    },
  }
}

/** A connection that is not in the pool yet: whoever made it throws it away when this fails. */
function oneClient(client: PoolClient): Lender {
  return {
    query: client.query.bind(client),
    lend: async (use) => {
      try {
        return await use(client)
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined)
        throw error
      }
    },
  }
}

function connectionOn(
  { query: send, lend }: Lender,
  statements: ReturnType<typeof createStatements>,
): Connection & Pick<Database, 'transaction'> {
  const queryOver =
    (sendStatement: Lender['query']): Query =>
    async (sql, parameters = []) => {
      try {
        const { rows } = await sendStatement({ ...statements(sql), values: [...parameters] })
        return rows
      } catch (error) {
        return throwNamed(error)
      }
    }
  const read = queryOver(send)
  const transaction = async <Result>(steps: Steps<Result>): Promise<Result> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await lend((client) =>
          runOnce(client, () => steps(queryOver(client.query.bind(client)))),
        )
      } catch (error) {
        if (!isCollision(error) || attempt === attemptsMax) throwNamed(error)
        // By chance, so that two who were both turned away do not meet again.
        await pause(Math.random() * attempt * collisionMs)
      }
    }
  }
  return {
    read,
    transaction,
    exclusive: (steps) =>
      transaction(async (run) => {
        // Whole tables may take longer than a statement of a request may.
        await run('SET LOCAL statement_timeout = 0')
        await run('SELECT pg_advisory_xact_lock($1)', [exclusiveLock])
        return steps(run)
      }),
    lineage: () => readLineage(read),
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

async function runOnce<Result>(client: PoolClient, steps: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN')
  const result = await steps()
  const { command } = await client.query('COMMIT')
  // What PostgreSQL answers when a step had failed and nobody said so.
  if (command === 'ROLLBACK') throw new TypeError('a failed statement was overlooked')
  return result
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
