import type { RevocationCompaction } from '../domain/revocations.ts'
import type { Database } from './database.ts'

/** What one step takes away at most, so that nobody waits for it. */
const removedAtOnceMax = 1000
/** For followers that were away just so long as tokens live: they go on from where they were. */
const keptMs = 5 * 60_000

/**
 * Ends of life are in the order of the log, so only its oldest records are looked at. A key stays withdrawn for ever,
 * and floors for all are few.
 */
export function createRevocationCompaction(
  database: Pick<Database, 'write'>,
): RevocationCompaction {
  return {
    compact: async () => {
      // A step looks at as many of the oldest as it may remove, over or not, so it never reads the whole log; what
      // another node's step has locked is left to that. By the log's time where that is behind, because what a clock
      // removes that is ahead for a moment is gone.
      const removed = await database.write(
        `DELETE FROM revocations WHERE seq IN (
           SELECT seq FROM revocations WHERE seq IN (
             SELECT seq FROM (
               SELECT seq, until FROM revocations WHERE kind <> 'key' AND kind <> 'all'
               ORDER BY seq LIMIT $2) AS oldest
             WHERE until <= (SELECT least(at, statement_now()) FROM revocation_head) - $1)
           FOR UPDATE SKIP LOCKED)
         RETURNING seq`,
        [keptMs, removedAtOnceMax],
      )
      return removed.length
    },
  }
}
