import type { At, Sighting } from '../domain/anomalies/sightings.ts'
import { networksOfSession } from '../domain/anomalies/session-watchers.ts'
import type { WriteSightings } from '../domain/anomalies/turns.ts'
import { text } from './columns.ts'
import type { Database } from './database.ts'

/** So many rows wait at most when nobody judges them: some 40 MB. */
const rowsMax = 1000
/** Of sessions that nodes look at more closely. */
const watchedMax = 10_000

export function createSightingWriter({ read, write }: Pick<Database, 'read' | 'write'>): {
  readonly write: WriteSightings
  readonly watchedSessions: () => Promise<readonly string[]>
} {
  return {
    write: async (sightings: readonly At<Sighting>[]) => {
      const rows = await write(
        `INSERT INTO sightings (seen) SELECT CAST($1 AS text)
         WHERE (SELECT count(*) FROM sightings) < $2 RETURNING id`,
        [JSON.stringify(sightings), rowsMax],
      )
      return rows.length === 1 ? 'written' : 'full'
    },
    watchedSessions: async () => {
      const rows = await read(
        `SELECT subject FROM anomaly_states WHERE watcher = $1 AND until_at > statement_now() LIMIT $2`,
        [networksOfSession, watchedMax],
      )
      return rows.map((row) => text(row, 'subject'))
    },
  }
}
