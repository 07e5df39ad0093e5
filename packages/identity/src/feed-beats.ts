import type { Log } from '@portcullis/runtime'
import type { Feed } from './domain/feed.ts'
import type { StoredRevocationLog } from './store/revocations.ts'

/** Followers take a second of silence for a broken line. */
const beatMs = 800

/**
 * Sends what was revoked at once, and a checkpoint at every beat, until the returned function has been
 * called. A beat that fails is logged, and the next one tries again: meanwhile followers turn stale.
 */
export function startFeedBeats(
  feed: Feed,
  revocations: Pick<StoredRevocationLog, 'onRevoked'>,
  log: Log,
): () => Promise<void> {
  const report = (error: unknown): void => {
    log.error({ err: error }, 'the revocation feed stands still: followers will turn stale')
  }
  const stopListening = revocations.onRevoked(() => void feed.publish().catch(report))
  const timer = setInterval(() => void feed.beat().catch(report), beatMs).unref()
  return async () => {
    clearInterval(timer)
    stopListening()
    // Waits behind a beat that is under way: the store is closed next.
    await feed.publish().catch(report)
  }
}
