import type { UsedProofs } from '../domain/used-proofs.ts'
import type { Database } from './database.ts'

/** What one step takes away at most, so that nobody waits for it. */
const forgottenAtOnceMax = 1000
/** A node whose clock is behind that of the store still believes what is too old by the latter. */
const clockMarginMs = 60_000

export function createUsedProofs(database: Pick<Database, 'write'>): UsedProofs {
  return {
    use: async (key, untilMs) => {
      const kept = await database.write(
        'INSERT INTO used_proofs (key, until_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING key',
        [key, untilMs],
      )
      return kept.length > 0
    },
    forget: async () => {
      const forgotten = await database.write(
        `DELETE FROM used_proofs WHERE key IN (
           SELECT key FROM used_proofs WHERE until_at <= statement_now() - $1
           ORDER BY key LIMIT $2 FOR UPDATE)
         RETURNING key`,
        [clockMarginMs, forgottenAtOnceMax],
      )
      return forgotten.length
    },
  }
}
