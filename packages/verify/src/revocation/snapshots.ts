import { clockDifferenceMsMax } from '../issuer/answer-age.ts'
import type { CheckpointKeys } from './checkpoint-keys.ts'
import type { Snapshot } from './feed-client.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed, feedForged } from './feed-failure.ts'
import type { FeedSources } from './feed-sources.ts'
import type { FeedTally } from './feed-tally.ts'
import type { FollowedLog } from './followed-log.ts'

/** Brings the log up to the issuer's, with everything that is in force. */
export interface Snapshots {
  /** Fetches and joins one, or waits for the one that is under way. Undefined when it was joined. */
  readonly take: () => Promise<FeedFailure | undefined>
  /** How far the issuer's clock is behind; undefined unless the last snapshot that was asked for showed it. */
  readonly disagreement: () => string | undefined
}

export interface SnapshotsOptions {
  readonly client: Pick<FeedSources, 'snapshot' | 'leaveNearby'>
  readonly keys: CheckpointKeys
  readonly log: FollowedLog
  readonly tally: FeedTally
  readonly forgetMetadata: () => void
  /** The issuer has vouched for what is held, and not too long ago. */
  readonly isFresh: () => boolean
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
}

export function createSnapshots(options: SnapshotsOptions): Snapshots {
  const { client, keys, log, tally, forgetMetadata, isFresh, monotonic } = options
  let flight: Promise<FeedFailure | undefined> | undefined
  let disagreement: string | undefined
  /** RFC 9110 section 10.2.3. */
  let refused: { readonly failure: FeedFailure; readonly untilMs: number } | undefined

  async function join(): Promise<FeedFailure | undefined> {
    const found = await client.snapshot()
    const failure = count(found.kind === 'failed' ? found : await joinRead(found))
    if (found.isNearby === true) {
      if (failure === undefined && isFresh()) return undefined
      // What is not good, or old, is asked for once more where it comes from.
      client.leaveNearby()
      return join()
    }
    if (found.kind === 'failed') {
      forgetMetadata()
      disagreement = undefined
      refused = { failure: found, untilMs: monotonic() + (found.retryAfterMs ?? 0) }
    }
    return failure
  }

  async function joinRead(snapshot: Snapshot): Promise<FeedFailure | undefined> {
    const opened = await keys.openManifest(snapshot.manifest)
    if (opened.kind !== 'opened') {
      const failed = opened.kind === 'forged' ? feedForged : feedFailed
      return failed(`the snapshot is refused: ${opened.why}`)
    }
    const manifest = opened.document
    if (manifest.sha256 !== snapshot.sha256) {
      return feedForged('the snapshot is refused: its records are not those of its manifest')
    }
    disagreement = disagreementOf(snapshot, manifest.at)
    const outcome = await log.joinSnapshot(manifest, snapshot.records)
    if (outcome === 'undecodable') {
      return feedForged('the feed has records that this version does not understand')
    }
    if (outcome === 'late') tally.passOver('snapshot')
    else tally.counts.snapshotsJoined += 1
    return log.position() === undefined ? feedFailed('the snapshot is too old') : undefined
  }

  function count(failure: FeedFailure | undefined): FeedFailure | undefined {
    if (failure?.isForged === true) tally.refuse('snapshot', failure.why)
    return failure
  }

  return {
    take: async () => {
      const leftMs = refused === undefined ? 0 : refused.untilMs - monotonic()
      // Only the rest: a timer that fires a moment early must not wait for all of it once more.
      if (refused !== undefined && leftMs > 0) return { ...refused.failure, retryAfterMs: leftMs }
      flight ??= join().finally(() => {
        flight = undefined
      })
      return flight
    },
    disagreement: () => disagreement,
  }
}

/**
 * It was signed after it was asked for, by a clock that is right. What was signed earlier may also be played back, or
 * come from a server that hangs: only where the answer itself is dated as early is it the clock.
 */
function disagreementOf({ askedAtMs, datedMs }: Snapshot, atMs: number): string | undefined {
  const behindMs = askedAtMs - Math.max(atMs, datedMs ?? Infinity)
  return behindMs > clockDifferenceMsMax ? `the issuer's clock is ${behindMs} ms behind` : undefined
}
