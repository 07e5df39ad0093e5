import { setTimeout as pause } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import { text } from './columns.ts'
import type { Connection, Database, Query, Steps } from './database.ts'
import type { createStatements } from './postgres-dialect.ts'
import { isCollision, isForbidden, isUnavailable } from './postgres-errors.ts'

/** How often steps are run again that have locked each other out. */
const attemptsMax = 5
const collisionMs = 20
/** The one lock under which nodes migrate and do what is `exclusive`; no other program has this number. */
const exclusiveLock = 7_071_203_665

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
        await client.query('ROLLBACK').catch(() => (isBroken = true))
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
        await client.query('ROLLBACK').catch(() => undefined)
        throw error
      }
    },
  }
}

export function connectionOn(
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
  if (!isUnavailable(error)) throw error
  throw new StoreUnavailableError('the database cannot be reached', { cause: error })
}
