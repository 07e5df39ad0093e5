import type { Log, Repeat } from '@portcullis/runtime'
import type { FollowerStore } from '../domain/followers.ts'
import { removeSteadily } from './steady-removal.ts'

const everyMs = 10_000

/** Makes room where followers have long been silent, until the returned function has been called. */
export function startForgettingFollowers(
  { forget }: Pick<FollowerStore, 'forget'>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return removeSteadily({
    remove: async () => (await forget()) > 0,
    everyMs,
    trouble:
      'followers that are silent cannot be removed; they take room, and are waited for by nobody',
    recovery: 'followers that are silent are removed again',
    log,
    repeat,
  })
}
