import { clockDifferenceMsMax } from '../issuer/issuer-clock.ts'
import type { CheckpointKeys } from './checkpoint-keys.ts'
import type { FeedClient, Snapshot } from './feed-client.ts'
import type { FeedFailure } from './feed-failure.ts'
import { feedFailed } from './feed-failure.ts'
import type { FollowedLog } from './followed-log.ts'

/** Brings the log up to the issuer's, with everything that is in force. */
export interface Snapshots {
  /** Fetches and joins one, or waits for the one that is under way. Undefined when it was joined. */
  readonly take: () => Promise<FeedFailure | undefined>
  /** How far the clocks are apart; undefined unless the last snapshot showed that they disagree. */
  readonly disagreement: () => string | undefined
}

export interface SnapshotsOptions {
  readonly client: Pick<FeedClient, 'snapshot'>
  readonly keys: CheckpointKeys
  readonly log: FollowedLog
  readonly forgetMetadata: () => void
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
}

export function createSnapshots(options: SnapshotsOptions): Snapshots {
  const { client, keys, log, forgetMetadata, monotonic } = options
  let flight: Promise<FeedFailure | undefined> | undefined
  let disagreement: string | undefined
  /** RFC 9110 section 10.2.3. */
  let refused: { readonly failure: FeedFailure; readonly untilMs: number } | undefined

  async function join(): Promise<FeedFailure | undefined> {
    const snapshot = await client.snapshot()
    if (snapshot.kind === 'failed') {
      forgetMetadata()
      refused = { failure: snapshot, untilMs: monotonic() + (snapshot.retryAfterMs ?? 0) }
      return snapshot
    }
    const opened = await keys.openManifest(snapshot.manifest)
    if (opened.kind !== 'opened') return feedFailed(`the snapshot is refused: ${opened.why}`)
    const manifest = opened.document
    if (manifest.sha256 !== snapshot.sha256) {
      return feedFailed('the snapshot is refused: its records are not those of its manifest')
    }
    disagreement = disagreementOf(snapshot, manifest.at)
    const outcome = await log.joinSnapshot(manifest, snapshot.records)
    if (outcome === 'undecodable') {
      return feedFailed('the feed has records that this version does not understand')
    }
    return log.position() === undefined ? feedFailed('the snapshot is too old') : undefined
  }

  return {
    take: async () => {
      if (refused !== undefined && monotonic() < refused.untilMs) return refused.failure
      flight ??= join().finally(() => {
        flight = undefined
      })
      return flight
    },
    disagreement: () => disagreement,
  }
}

/** It was signed after it was asked for and before it was answered, by a clock that is right. */
function disagreementOf({ askedAtMs, answeredAtMs }: Snapshot, atMs: number): string | undefined {
  const aheadMs = atMs - answeredAtMs
  const behindMs = askedAtMs - atMs
  if (aheadMs > clockDifferenceMsMax) return `the issuer's clock is ${aheadMs} ms ahead`
  if (behindMs > clockDifferenceMsMax) return `the issuer's clock is ${behindMs} ms behind`
  return undefined
}
