import type { PostgresServer } from '../../tools/postgres-server.ts'
import { StoreUnavailableError } from '../../packages/identity/src/domain/store-unavailable.ts'
import { untilItWorks } from '../patience.ts'
import type { Nodes } from './nodes.ts'
import type { PlannedDeed } from './plan.ts'

/** What breaks in the middle of the histories of PostgreSQL. */
export interface Disturbances {
  readonly disturb: (planned: PlannedDeed) => Promise<void>
  /** Resolves when the server runs and can be asked. */
  readonly over: () => Promise<void>
  readonly told: () => string
}

const connectionsMax = 4

export function createDisturbances(
  { database }: Pick<Nodes, 'database'>,
  server: PostgresServer | undefined,
): Disturbances {
  let restarts = 0
  let lostConnections = 0
  let restarting: Promise<void> | undefined
  const endConnections = async (): Promise<void> => {
    const ended = await database
      .write(
        `SELECT pg_terminate_backend(pid) FROM (
           SELECT pid FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()
           ORDER BY random() LIMIT $1) AS chosen`,
        [connectionsMax],
      )
      // The server is down, or this connection is among those that another history ends.
      .catch(nothingWhenUnavailable)
    lostConnections += ended.length
  }
  const restart = async ({ kill, start }: PostgresServer): Promise<void> => {
    restarts += 1
    await kill()
    await untilItWorks(start)
  }
  return {
    disturb: async ({ device, hasAttempt }) => {
      if (server === undefined) return
      // One in eight.
      if (device > 0 || hasAttempt) return endConnections()
      restarting ??= restart(server).finally(() => (restarting = undefined))
      return restarting
    },
    over: async () => {
      await restarting
      await untilItWorks(() => database.read('SELECT id FROM accounts LIMIT 1'))
    },
    told: () => `${restarts} restarts of the server, ${lostConnections} connections ended`,
  }
}

function nothingWhenUnavailable(error: unknown): readonly [] {
  if (error instanceof StoreUnavailableError) return []
  throw error
}
