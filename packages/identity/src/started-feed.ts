import { setImmediate } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import type { Feed, SignCheckpoint } from './domain/feed.ts'
import { createFeed } from './domain/feed.ts'
import type { FeedBroker } from './domain/feed-publication.ts'
import type { OpenCheckpoint } from './domain/own-checkpoints.ts'
import { startClockWatch } from './jobs/clock-watch.ts'
import { startFeedBeats } from './jobs/feed-beats.ts'
import { startPublishingFeed } from './jobs/feed-publication.ts'
import { createPresentTroubles } from './jobs/present-troubles.ts'
import { startCompactingRevocations } from './jobs/revocation-compaction.ts'
import type { Database } from './store/database.ts'
import { createRevocationCompaction } from './store/revocation-compaction.ts'
import type { StoredRevocationLog } from './store/revocations.ts'
import { readAheadMs } from './store/revocations.ts'

export interface StartedFeed {
  readonly feed: Feed
  /** For which this node should be asked nothing at present. */
  readonly troubles: () => readonly string[]
  /** What somebody should see to, and other nodes could do no better. */
  readonly warnings: () => readonly string[]
}

export interface FeedSources {
  readonly issuer: string
  readonly database: Database
  readonly revocations: StoredRevocationLog
  readonly signCheckpoint: SignCheckpoint
  readonly openCheckpoint: OpenCheckpoint
  readonly log: Log
  /** Undefined where the feed is published nowhere else. */
  readonly broker: (FeedBroker & { readonly close: () => Promise<void> }) | undefined
}

/** The feed, and what keeps it going and looks after its log. `onClose` is told how to end each. */
export function startFeed(
  { issuer, database, revocations, signCheckpoint, openCheckpoint, log, broker }: FeedSources,
  onClose: (step: () => Promise<void>) => void,
): StartedFeed {
  const feed = createFeed({
    issuer,
    log: revocations,
    signCheckpoint,
    monotonic: () => performance.now(),
    giveWay: setImmediate,
  })
  const troubles = createPresentTroubles()
  onClose(startFeedBeats(feed, revocations, log, { onTrouble: troubles.named('revocation-feed') }))
  onClose(startCompactingRevocations(createRevocationCompaction(database), log))
  const warnings = createPresentTroubles()
  onClose(
    startClockWatch({
      readAheadMs: () => readAheadMs(database.read),
      log,
      onTrouble: warnings.named('revocation-log-ahead-of-the-clock'),
    }),
  )
  if (broker !== undefined) {
    onClose(broker.close)
    const onTrouble = warnings.named('revocation-broker')
    const publication = { feed, log: revocations, broker, openCheckpoint }
    onClose(startPublishingFeed(publication, log, onTrouble))
  }
  return { feed, troubles: troubles.names, warnings: warnings.names }
}
