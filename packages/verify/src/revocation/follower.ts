import { setTimeout } from 'node:timers/promises'
import type { Frame } from '@portcullis/protocol/revocations'
import type { CheckpointKeys } from './checkpoint-keys.ts'
import type { FeedClient, TakenFrame } from './feed-client.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed } from './feed-failure.ts'
import type { FollowedLog } from './followed-log.ts'
import type { Freshness } from './freshness.ts'
import type { Snapshots } from './snapshots.ts'

/** Keeps the log up with the issuer's: a snapshot, then the stream, and both again whatever happens. */
export interface Follower {
  /** Begins to follow; more calls change nothing. */
  readonly start: () => void
  /** Settles when the first snapshot was joined, could not be had, or takes too long. */
  readonly attempted: Promise<void>
  /** What went wrong last; undefined once a frame was applied after it. */
  readonly failure: () => FeedFailure | undefined
  /** Ends it for good. Settles when nothing of it runs any more. */
  readonly close: () => Promise<void>
}

export interface FollowerOptions {
  readonly client: Pick<FeedClient, 'stream'>
  readonly snapshots: Snapshots
  readonly keys: CheckpointKeys
  readonly log: FollowedLog
  readonly freshness: Freshness
  readonly maxStalenessMs: number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  /** Ends what the client reads, too. */
  readonly closing: AbortController
}

const backOffMsMin = 100
const backOffJitterMs = 150
const backOffMsMax = 5_000
/** A stream that lived so long was a good one, and the next back-off begins anew. */
const goodStreamMs = 1_000
/** Checkpoints come every second, so one that is hardly older says nothing about the stream. */
const pollAgeMsMin = 1_500
const pollSpacingMsMin = 1_000
/** A request waits no longer for the first snapshot: as long as for the keys. */
const attemptMsMax = 5_000

export function createFollower(options: FollowerOptions): Follower {
  const { client, snapshots, keys, log, freshness, maxStalenessMs, monotonic } = options
  const { signal } = options.closing
  const attempt = Promise.withResolvers<void>()
  let running: Promise<unknown> | undefined
  let failure: FeedFailure | undefined = feedFailed('it was not read so far')
  let backOffs = 0
  let mustSnapshot = true
  async function follow(): Promise<void> {
    while (!signal.aborted) {
      const isPlaced = !mustSnapshot && log.position() !== undefined
      const failed = isPlaced ? undefined : await snapshots.take()
      mustSnapshot &&= failed !== undefined
      attempt.resolve()
      failure = failed ?? (await followStream())
      const backOffMs = (backOffMsMin + Math.random() * backOffJitterMs) * 2 ** backOffs
      backOffs += 1
      await pause(Math.max(Math.min(backOffMs, backOffMsMax), failure.retryAfterMs ?? 0), signal)
    }
  }

  /** Follows the stream for as long as it goes; answers why it has ended. */
  async function followStream(): Promise<FeedFailure> {
    const position = log.position()
    if (position === undefined) return feedFailed('the issuer has lost history')
    const startedAt = monotonic()
    const end = await client.stream(position, async (frame) => {
      const taken = await take(frame, keys, log)
      if (taken === 'applied') {
        failure = undefined
        if (monotonic() - startedAt >= goodStreamMs) backOffs = 0
      }
      return taken
    })
    if (end.kind === 'failed') return end
    mustSnapshot = true
    return feedFailed(end.kind === 'gone' ? 'its position is gone' : 'it sent what does not fit')
  }

  /** A stream may be silent without having ended, so an old state is looked after on a second path. */
  async function poll(): Promise<void> {
    const pollAgeMs = Math.max(maxStalenessMs / 3, pollAgeMsMin)
    const spacingMs = Math.max(maxStalenessMs / 3, pollSpacingMsMin)
    await attempt.promise
    while (!signal.aborted) {
      const untilDueMs = pollAgeMs - freshness.ageMs()
      if (untilDueMs > 0) {
        await pause(untilDueMs + 1, signal)
      } else {
        await snapshots.take()
        await pause(spacingMs * (0.75 + Math.random() / 2), signal)
      }
    }
  }

  return {
    start: () => {
      if (signal.aborted || running !== undefined) return
      running = Promise.all([follow(), poll()])
      void pause(attemptMsMax, signal).then(attempt.resolve)
    },
    attempted: attempt.promise,
    failure: () => failure,
    close: async () => {
      options.closing.abort(new Error('the verifier was closed'))
      attempt.resolve()
      await running
    },
  }
}

async function take(
  { checkpoint, records }: Frame,
  keys: CheckpointKeys,
  log: FollowedLog,
): Promise<TakenFrame> {
  const opened = await keys.openCheckpoint(checkpoint)
  if (opened.kind === 'unavailable') return feedFailed(opened.why)
  if (opened.kind === 'forged') return 'left'
  const outcome = log.applyFrame(opened.document, records)
  return outcome === 'applied' || outcome === 'late' ? outcome : 'left'
}

/** Unreferenced: to wait for the feed is no reason for a process to go on. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { ref: false, signal }).catch(() => undefined)
}
