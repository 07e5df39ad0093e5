import { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { callbackify } from 'node:util'
import type { Pool, PoolClient } from 'pg'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import type { PreparedText } from './postgres-dialect.ts'

export interface PoolOptions {
  readonly max: number
  /** A statement or an idle transaction that takes longer holds locks that others wait for: the server ends it. */
  readonly statementMs: number
  /**
   * So much later a connection is given up whose server has not even said that: it lost its power, or something in
   * between has forgotten the connection. Nothing else would tell that.
   */
  readonly graceMs: number
  /** Settings of the session, as on the command line of the server. */
  readonly options?: string
}

/** Connections to one server, each of which is dropped when it falls silent. */
export interface BoundedPool {
  readonly pool: Pool
  /** Within a bound: what is still asked then fails. */
  readonly end: () => Promise<void>
  /** At once. */
  readonly cut: () => void
}

const connectMs = 5000
/** Idle connections are tried after so long. The system gives one up after ten tries without an answer, a second apart. */
const keepAliveMs = 10_000
const endMs = 2000

export async function createPool(
  url: string,
  check: (client: PoolClient) => Promise<void>,
  { max, statementMs, graceMs, options }: PoolOptions,
): Promise<BoundedPool> {
  // Whoever keeps everything in SQLite need not wait for this at the start.
  const { default: pg } = await import('pg')
  const int8 = 20
  const sockets = createSockets()
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: statementMs,
    query_timeout: statementMs + graceMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    stream: sockets.open,
    ...(options !== undefined && { options }),
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
  return {
    pool,
    end: async () => {
      const isOver = await Promise.race([
        pool.end().then(() => true),
        pause(endMs, false, { ref: false }),
      ])
      sockets.close(isOver)
    },
    cut: () => sockets.close(false),
  }
}

/** A statement with a limit of its own. `pg` knows it, its types do not. */
export interface LimitedText extends PreparedText {
  readonly values: unknown[]
  readonly query_timeout?: number
}

interface Sockets {
  readonly open: () => Socket
  /** Politely, or those that would not go by themselves. */
  readonly close: (isPolite: boolean) => void
}

function createSockets(): Sockets {
  const all = new Set<Socket>()
  return {
    open: () => {
      const socket = new Socket()
      all.add(socket)
      socket.once('close', () => all.delete(socket))
      return socket
    },
    close: (isPolite) => {
      for (const socket of all) {
        if (isPolite) socket.destroySoon()
        else socket.destroy()
      }
    },
  }
}

/** A new connection that was checked in vain is none. */
function throwRefused(cause: unknown): never {
  if (cause instanceof StoreUnavailableError) throw cause
  throw new StoreUnavailableError('the database cannot be gone on with', { cause })
}
