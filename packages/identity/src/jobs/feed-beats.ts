import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { Feed } from '../domain/feed.ts'
import type { RevocationLog } from '../domain/revocations.ts'
import type { CallTimes } from './passed-calls.ts'
import { passOnAtMostEvery } from './passed-calls.ts'

/** Followers are promised a checkpoint a second (docs/feed-format.md); the rest is for a slow write. */
const beatMs = 800

/** A beat that takes longer is as bad as one that fails: nobody else would say that the feed is silent. */
const overdueMs = 2000

/** What comes so soon after a frame goes into the next one: each costs a signature, and a write to every follower. */
const packMs = 5

/** A million records take seconds to be read, and all followers of a node that is back come at once. */
const keptEveryMs = 30_000

/** When things are done; default: by the timers of the process. */
export interface BeatTimes extends CallTimes {
  readonly repeat?: Repeat
}

export interface BeatOptions {
  readonly times?: BeatTimes
  /** Told whether the feed stands still. */
  readonly onTrouble?: (isThere: boolean) => void
}

const processTimes: BeatTimes = {
  monotonic: () => performance.now(),
  schedule: (callback, ms) => {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

/**
 * Sends what was revoked at once, and a checkpoint at every beat, until the returned function has been
 * called. While that fails, followers turn stale.
 */
export function startFeedBeats(
  feed: Feed,
  { onRevoked }: Pick<RevocationLog, 'onRevoked'>,
  log: Log,
  { times = processTimes, onTrouble }: BeatOptions = {},
): () => Promise<void> {
  const { repeat } = times
  const publish = (): Promise<void> =>
    feed.publish().catch((error: unknown) => {
      log.error({ err: error }, 'a revocation was not sent; the next beat tries again')
    })
  const packed = passOnAtMostEvery(packMs, () => void publish(), times)
  const stopListening = onRevoked(packed.call)
  const stopBeating = takeSteadySteps({
    step: async () => {
      await feed.beat()
      return undefined
    },
    everyMs: beatMs,
    trouble: 'the revocation feed stands still: followers will turn stale',
    recovery: 'the revocation feed goes on',
    log,
    overdueMs,
    ...(onTrouble && { onTrouble }),
    repeat,
  })
  const stopKeeping = takeSteadySteps({
    step: async () => {
      await feed.snapshot()
      return undefined
    },
    everyMs: keptEveryMs,
    isAtOnce: true,
    trouble: 'what is in force cannot be read ahead; followers that begin may wait for it',
    recovery: 'what is in force is read ahead again',
    log,
    repeat,
  })
  return async () => {
    stopListening()
    packed.stop()
    await Promise.all([stopBeating(), stopKeeping()])
    // Waits behind what is under way: the store is closed next.
    await publish()
  }
}
