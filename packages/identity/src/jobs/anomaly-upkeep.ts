import type { Log, Repeat } from '@portcullis/runtime'
import type { AnomalyTurns } from '../domain/anomalies/turns.ts'
import { removeSteadily } from './steady-removal.ts'

const everyMs = 60_000
const dayMs = 24 * 3_600_000

/** Takes away what rules no longer need, and anomalies that are as old as records may be. */
export function startAnomalyUpkeep(
  { forget }: Pick<AnomalyTurns, 'forget'>,
  retentionDays: number,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return removeSteadily({
    remove: () => forget(retentionDays * dayMs),
    everyMs,
    trouble: 'old anomalies cannot be removed; they take room',
    recovery: 'old anomalies are removed again',
    log,
    repeat,
  })
}
