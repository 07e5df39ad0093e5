import type { Frame } from '@portcullis/protocol/revocations'
import type { Timers } from '../timers.ts'
import { pause } from '../timers.ts'
import type { CheckpointKeys } from './checkpoint-keys.ts'
import type { FeedClient, TakenFrame } from './feed-client.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed } from './feed-failure.ts'
import type { FeedTally } from './feed-tally.ts'
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
  /** For how long something has gone wrong. */
  readonly failingMs: () => number
  /** Ends it for good. Settles when nothing of it runs any more. */
  readonly close: () => Promise<void>
}

export interface FollowerOptions {
  readonly client: Pick<FeedClient, 'stream'>
  readonly snapshots: Snapshots
  readonly keys: CheckpointKeys
  readonly log: FollowedLog
  readonly tally: FeedTally
  readonly freshness: Freshness
  readonly maxStalenessMs: number
  readonly timers: Timers
  /** Ends what the client reads, too. */
  readonly closing: AbortController
  /** What an earlier life of the process has left comes first. */
  readonly restore: () => Promise<void>
}

const backOffMsFirst = 100
const backOffMsLast = 2_000
/** Up to so much longer, at each length: those who have failed together do not come back together. */
const backOffJitter = 1.5
/** A stream that lived so long was a good one, and the next back-off begins anew. */
const goodStreamMs = 1_000
/** Checkpoints come every second, so one that is hardly older says nothing about the stream. */
const pollAgeMsMin = 1_500
const pollSpacingMsMin = 1_000
/** A request waits no longer for the first snapshot: as long as for the keys. */
const attemptMsMax = 5_000

export function createFollower(options: FollowerOptions): Follower {
  const { client, snapshots, log, tally, timers } = options
  const { signal } = options.closing
  const attempt = Promise.withResolvers<void>()
  let running: Promise<void> | undefined
  let failure: FeedFailure | undefined = feedFailed('it was not read so far')
  let failingSince = timers.monotonic()
  let backOffs = 0
  let mustSnapshot = true

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      const isPlaced = !mustSnapshot && log.position() !== undefined
      const failed = isPlaced ? undefined : await snapshots.take()
      mustSnapshot &&= failed !== undefined
      if (!isPlaced) attempt.resolve()
      const ended = failed ?? (await followStream())
      if (failure === undefined) failingSince = timers.monotonic()
      failure = ended
      // From a place that was restored; where it is gone a snapshot is the first answer.
      if (!mustSnapshot) attempt.resolve()
      const waitMs = Math.max(backOffMs(backOffs, timers), ended.retryAfterMs ?? 0)
      backOffs += 1
      await pause(timers, waitMs, signal)
    }
  }

  /** Follows the stream for as long as it goes; answers why it has ended. */
  async function followStream(): Promise<FeedFailure> {
    const position = log.position()
    if (position === undefined) return feedFailed('the issuer has lost history')
    const startedAt = timers.monotonic()
    tally.counts.streams += 1
    const end = await client.stream(position, async (frame) => {
      const taken = await take(frame, options)
      if (taken === 'applied') {
        failure = undefined
        attempt.resolve()
        if (timers.monotonic() - startedAt >= goodStreamMs) backOffs = 0
      }
      return taken
    })
    if (end.kind === 'failed') return end
    mustSnapshot = true
    return feedFailed(end.kind === 'gone' ? 'its position is gone' : 'it sent what does not fit')
  }

  async function run(): Promise<void> {
    await options.restore()
    mustSnapshot = log.position() === undefined
    void pause(timers, attemptMsMax, signal).then(attempt.resolve)
    await Promise.all([follow(), attempt.promise.then(() => poll(options))])
  }

  return {
    start: () => {
      if (signal.aborted || running !== undefined) return
      running = run()
    },
    attempted: attempt.promise,
    failure: () => failure,
    failingMs: () => timers.monotonic() - failingSince,
    close: async () => {
      options.closing.abort(new Error('the verifier was closed'))
      attempt.resolve()
      await running
    },
  }
}

/** A stream may be silent without having ended, so an old state is looked after on a second path. */
async function poll(options: FollowerOptions): Promise<void> {
  const { snapshots, freshness, maxStalenessMs, timers } = options
  const { signal } = options.closing
  const pollAgeMs = Math.max(maxStalenessMs / 3, pollAgeMsMin)
  const spacingMs = Math.max(maxStalenessMs / 3, pollSpacingMsMin)
  while (!signal.aborted) {
    const untilDueMs = pollAgeMs - freshness.ageMs()
    if (untilDueMs > 0) {
      await pause(timers, untilDueMs + 1, signal)
    } else {
      await snapshots.take()
      await pause(timers, spacingMs * (0.75 + timers.random() / 2), signal)
    }
  }
}

function backOffMs(before: number, { random }: Timers): number {
  return Math.min(backOffMsFirst * 2 ** before, backOffMsLast) * (1 + backOffJitter * random())
}

const faults = {
  mismatch: 'its records and its checkpoint do not fit the log',
  'lost-history': 'the issuer has lost history',
} as const

async function take(
  frame: Frame | undefined,
  { keys, log, tally }: FollowerOptions,
): Promise<TakenFrame> {
  const leave = (why: string): TakenFrame => {
    tally.refuse('frame', why)
    return 'left'
  }
  if (frame === undefined) return leave('it is malformed or too long')
  const opened = await keys.openCheckpoint(frame.checkpoint)
  if (opened.kind === 'unavailable') return feedFailed(opened.why)
  if (opened.kind === 'forged') return leave(opened.why)
  const outcome = await log.applyFrame(opened.document, frame.records)
  if (outcome === 'mismatch' || outcome === 'lost-history') return leave(faults[outcome])
  // A stream begins with the one that the snapshot had, so it is counted and nobody is told.
  if (outcome === 'repeated') {
    tally.counts.framesLate += 1
    return 'late'
  }
  if (outcome === 'late') tally.passOver('frame')
  else tally.counts.framesApplied += 1
  return outcome
}
