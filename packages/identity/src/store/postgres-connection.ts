import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import { text } from './columns.ts'
import type { Connection, Database, Query, Steps } from './database.ts'
import type { createStatements } from './postgres-dialect.ts'
import { isCollision, isForbidden, isSilence, isUnavailable } from './postgres-errors.ts'
import type { LimitedText } from './postgres-pool.ts'

/** How often steps are run again that have locked each other out. */
const attemptsMax = 5
const collisionMs = 20
/** The one lock under which nodes migrate and do what is `exclusive`; no other program has this number. */
const exclusiveLock = 7_071_203_665
/** Whole tables may take longer than a statement of a request may. */
const exclusiveMsMax = 10 * 60_000
/** For the answer of a server that has ended a statement itself. */
const graceMs = 2000

/** Where statements run: on any connection of a pool, or on this one. */
export interface Lender {
  readonly query: Pool['query']
  /** Lends one connection until it is done with. */
  readonly lend: <Result>(use: (client: PoolClient) => Promise<Result>) => Promise<Result>
}

export function pooled(pool: Pool): Lender {
  return {
    query: pool.query.bind(pool),
    lend: async (use) => {
      const client = await pool.connect()
      let isBroken = false
      try {
        return await use(client)
      } catch (error) {
        isBroken = !(await isRolledBack(client, error))
        throw error
      } finally {
        client.release(isBroken)
      }
    },
  }
}

/** A connection that is not in the pool yet: whoever made it throws it away when this fails. */
export function oneClient(client: PoolClient): Lender {
  return {
    query: client.query.bind(client),
    lend: async (use) => {
      try {
        return await use(client)
      } catch (error) {
        await isRolledBack(client, error)
        throw error
      }
    },
  }
}

/** Whether the connection is good for others. On one that has fallen silent, this would wait as long once more. */
async function isRolledBack(client: PoolClient, error: unknown): Promise<boolean> {
  if (isSilence(error)) return false
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  )
}

export function connectionOn(
  { query: send, lend }: Lender,
  statements: ReturnType<typeof createStatements>,
  exclusiveMs: number = exclusiveMsMax,
): Connection & Pick<Database, 'transaction'> {
  const queryOver =
    (sendStatement: Lender['query'], limitMs?: number): Query =>
    async (sql, parameters = []) => {
      const limit = limitMs === undefined ? {} : { query_timeout: limitMs }
      const statement: LimitedText = { ...statements(sql), values: [...parameters], ...limit }
      try {
        const { rows } = await sendStatement(statement)
        return rows
      } catch (error) {
        return throwNamed(error)
      }
    }
  const read = queryOver(send)
  const transactionWithin = async <Result>(
    steps: Steps<Result>,
    limitMs?: number,
  ): Promise<Result> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await lend((client) =>
          runOnce(client, () => steps(queryOver(client.query.bind(client), limitMs))),
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
    transaction: (steps) => transactionWithin(steps),
    exclusive: (steps) =>
      transactionWithin(async (run) => {
        await run(`SET LOCAL statement_timeout = ${exclusiveMs}`)
        await run('SELECT pg_advisory_xact_lock($1)', [exclusiveLock])
        return steps(run)
      }, exclusiveMs + graceMs),
    lineage: () => readLineage(read),
  }
}

async function runOnce<Result>(client: PoolClient, steps: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN')
  const result = await steps()
  const { command } = await client.query('COMMIT')
  // What PostgreSQL answers when a step had failed and nobody said so.
  if (command === 'ROLLBACK') throw new TypeError('a failed statement was overlooked')
  return result
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
  if (error instanceof StoreUnavailableError || !isUnavailable(error)) throw error
  throw new StoreUnavailableError('the database cannot be reached', { cause: error })
}
