import type { Log, Repeat } from '@portcullis/runtime'
import type { RevocationCompaction } from '../domain/revocations.ts'
import { removeSteadily } from './steady-removal.ts'

const everyMs = 5000

/** Removes records that are past their life, until the returned function has been called. */
export function startCompactingRevocations(
  { compact }: RevocationCompaction,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return removeSteadily({
    remove: async () => (await compact()) > 0,
    everyMs,
    trouble:
      'revocations that are past their life cannot be removed; they take room, and do no harm',
    recovery: 'revocations that are past their life are removed again',
    log,
    repeat,
  })
}
