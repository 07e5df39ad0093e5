import type { CountedBucket, Counts } from '../domain/activity.ts'
import { activityKeptMs } from '../domain/activity.ts'
import type { ActivityStore } from '../domain/fleet-activity.ts'
import { integer, text } from './columns.ts'
import type { Database, Row } from './database.ts'

/** What one step takes away at most, so that nobody waits for it. */
const forgottenAtOnceMax = 1000

export function createActivityStore({
  read,
  write,
}: Pick<Database, 'read' | 'write'>): ActivityStore {
  return {
    write: async (node, buckets) => {
      for (const { at, counts } of buckets) {
        await write(
          `INSERT INTO activity (at, node, counts) VALUES ($1, $2, $3)
           ON CONFLICT (at, node) DO UPDATE SET counts = excluded.counts`,
          [at, node, JSON.stringify(counts)],
        )
      }
    },
    ofOthers: async (node, sinceMs) => {
      const rows = await read('SELECT at, counts FROM activity WHERE at >= $1 AND node <> $2', [
        sinceMs,
        node,
      ])
      return rows.map(bucketOf)
    },
    forget: async () => {
      // A clock that was wrong has written what no other one would come to.
      const forgotten = await write(
        `DELETE FROM activity WHERE (at, node) IN (
           SELECT at, node FROM activity
           WHERE at < statement_now() - $1 OR at > statement_now() + $1 LIMIT $2)
         RETURNING node`,
        [activityKeptMs, forgottenAtOnceMax],
      )
      return forgotten.length === forgottenAtOnceMax
    },
  }
}

function bucketOf(row: Row): CountedBucket {
  return { at: integer(row, 'at'), counts: JSON.parse(text(row, 'counts')) as Counts }
}
