import type { Log } from '@portcullis/runtime'
import type { Feed } from '../domain/feed.ts'
import type { RevocationLog } from '../domain/revocations.ts'
import { takeSteadySteps } from './steady-step.ts'

/** Followers are promised a checkpoint a second (docs/feed-format.md); the rest is for a slow write. */
const beatMs = 800

/**
 * Sends what was revoked at once, and a checkpoint at every beat, until the returned function has been
 * called. While that fails, followers turn stale.
 */
export function startFeedBeats(
  feed: Feed,
  { onRevoked }: Pick<RevocationLog, 'onRevoked'>,
  log: Log,
): () => Promise<void> {
  const publish = (): Promise<void> =>
    feed.publish().catch((error: unknown) => {
      log.error({ err: error }, 'a revocation was not sent; the next beat tries again')
    })
  const stopListening = onRevoked(() => void publish())
  const stopBeating = takeSteadySteps({
    step: async () => {
      await feed.beat()
      return undefined
    },
    everyMs: beatMs,
    trouble: 'the revocation feed stands still: followers will turn stale',
    recovery: 'the revocation feed goes on',
    log,
  })
  return async () => {
    stopListening()
    await stopBeating()
    // Waits behind what is under way: the store is closed next.
    await publish()
  }
}
