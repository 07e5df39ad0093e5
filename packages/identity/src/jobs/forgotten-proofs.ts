import type { Log, Repeat } from '@portcullis/runtime'
import type { UsedProofs } from '../domain/used-proofs.ts'
import { removeSteadily } from './steady-removal.ts'

const everyMs = 5000

/** Makes room where used proofs are too old to be used again, until the returned function has been called. */
export function startForgettingProofs(
  { forget }: Pick<UsedProofs, 'forget'>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return removeSteadily({
    remove: async () => (await forget()) > 0,
    everyMs,
    trouble: 'used proofs that are too old cannot be removed; they take room, and are refused',
    recovery: 'used proofs that are too old are removed again',
    log,
    repeat,
  })
}
