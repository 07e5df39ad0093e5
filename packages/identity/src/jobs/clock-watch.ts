import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'

const everyMs = 1000
/** What clocks may be apart (docs/feed-format.md): from here on followers believe no checkpoint. */
const aheadMsMax = 5000

export interface ClockWatchParts {
  /** By how much the log's time is ahead of the store's clock, in milliseconds. */
  readonly readAheadMs: () => Promise<number>
  readonly log: Log
  readonly onTrouble: (isThere: boolean) => void
  readonly repeat?: Repeat
}

/**
 * Looks every second whether the clock was ahead once, until the returned function has been called: the log's time never
 * goes back, so it stays where the clock has been.
 */
export function startClockWatch({
  readAheadMs,
  log,
  onTrouble,
  repeat,
}: ClockWatchParts): () => Promise<void> {
  let last: object | undefined
  return takeSteadySteps({
    step: async () => {
      try {
        const aheadMs = await readAheadMs()
        last = aheadMs > aheadMsMax ? { aheadMs } : undefined
      } catch {
        // That the store cannot be read is said by the beats of the feed; nothing is known to be over.
      }
      return last
    },
    everyMs,
    trouble:
      'the time of the revocation log is ahead of the clock, and followers believe no checkpoint until the clock has come ' +
      'there: set the clock right if it is behind. If it was ahead and is right now, wait; by more than a minute, a start ' +
      'of the issuer mends it too, in a new epoch, for which everybody has to sign in again',
    recovery: 'the time of the revocation log is that of the clock again',
    log,
    onTrouble,
    repeat,
  })
}
