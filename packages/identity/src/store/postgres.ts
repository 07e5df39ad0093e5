import { StartError } from '@portcullis/runtime'
import type { PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import type { ConnectionCheck, Database, DatabaseOptions, Steps, StoreReader } from './database.ts'
import { migrate, migrationError } from './migrations.ts'
import { postgresMigrations } from './migrations/postgres.ts'
import { connectionOn, oneClient, pooled } from './postgres-connection.ts'
import { createStatements } from './postgres-dialect.ts'
import { reasonOf } from './postgres-errors.ts'
import type { PoolOptions } from './postgres-pool.ts'
import { createPool } from './postgres-pool.ts'
import { tableFaultOf } from './postgres-tables.ts'
import { createServerWake } from './postgres-wake.ts'

/** 15 statements of one node at once are as quick as any number. */
const usual: PoolOptions = { max: 15, statementMs: 10_000, graceMs: 2000 }
/** Those of the feed, whose checkpoints must come every second. */
const forFeed: PoolOptions = { max: 2, statementMs: 2000, graceMs: 500 }
/** Nobody waits for a change of the schema but the start itself, and there is no telling how large the tables are. */
const migrationMsMax = 24 * 60 * 60_000

const unchecked: ConnectionCheck = async () => undefined

/** The store that many nodes share. */
export async function openPostgres(url: string, { now }: DatabaseOptions): Promise<Database> {
  let check = unchecked
  const checkClient = (client: PoolClient): Promise<void> =>
    check(connectionOn(oneClient(client), statements))
  const { pool, ...usualPool } = await createPool(url, checkClient, usual)
  const { pool: aheadPool, ...feedPool } = await createPool(url, checkClient, forFeed)
  const statements = createStatements(now)
  const connection = connectionOn(pooled(pool), statements)
  try {
    await prepare(connectionOn(pooled(pool), statements, migrationMsMax).exclusive, now)
  } catch (error) {
    await usualPool.end()
    if (error instanceof StartError) throw error
    throw unusable(url, error instanceof StoreUnavailableError ? error.cause : error)
  }
  const { read: ahead } = connectionOn(pooled(aheadPool), statements)
  const wake = createServerWake(url, ahead)
  let closed: Promise<void> | undefined
  // A pool itself does not allow it twice.
  const close = (): Promise<void> =>
    (closed ??= Promise.all([wake.close(), usualPool.end(), feedPool.end()]).then(() => undefined))
  return {
    ...connection,
    wakeOthers: wake.wakeOthers,
    onWoken: wake.onWoken,
    write: connection.read,
    ahead: { read: ahead, write: ahead },
    checkConnections: (checkOfCaller) => void (check = checkOfCaller),
    tableFault: (tables) => tableFaultOf(connection.read, tables),
    close,
    giveUp: () => {
      void close()
      usualPool.cut()
      feedPool.cut()
    },
  }
}

/**
 * One moment of the server for whoever copies all of it: statements of `steps` see what was committed before the first
 * of them, and nothing that comes later.
 */
export async function readPostgresSnapshot<Result>(
  url: string,
  steps: Steps<Result>,
): Promise<Result> {
  const { pool, end } = await createPool(url, async () => undefined, {
    ...usual,
    options: String.raw`-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read`,
    max: 1,
  })
  try {
    return await connectionOn(pooled(pool), createStatements(undefined)).transaction(steps)
  } finally {
    await end()
  }
}

/** The same server for whoever only looks. */
export async function openPostgresReader(url: string): Promise<StoreReader> {
  const { pool, end } = await createPool(url, async () => undefined, {
    ...usual,
    options: '-c default_transaction_read_only=on',
    max: 1,
  })
  const { read } = connectionOn(pooled(pool), createStatements(undefined))
  return { read, tableFault: (tables) => tableFaultOf(read, tables), close: end }
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
