import { setImmediate } from 'node:timers/promises'
import type { Log, Metrics } from '@portcullis/runtime'
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
  readonly metrics: Metrics
  /** Undefined where the feed is published nowhere else. */
  readonly broker: (FeedBroker & { readonly close: () => Promise<void> }) | undefined
}

/** The feed, and what keeps it going and looks after its log. `onClose` is told how to end each. */
export function startFeed(
  {
    issuer,
    database,
    revocations,
    signCheckpoint,
    openCheckpoint,
    log,
    metrics,
    broker,
  }: FeedSources,
  onClose: (step: () => Promise<void>) => void,
): StartedFeed {
  const feed = createFeed({
    issuer,
    log: revocations,
    signCheckpoint,
    monotonic: () => performance.now(),
    giveWay: setImmediate,
  })
  tellOfFeed(feed, metrics)
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

function tellOfFeed(feed: Feed, { gauge }: Metrics): void {
  gauge(
    {
      name: 'portcullis_feed_streams',
      help: 'Followers of the revocation feed that have a stream of this node.',
      labels: [],
    },
    feed.streams,
  )
  gauge(
    {
      name: 'portcullis_revocation_log_seq',
      help: 'How far the revocation log had come at the last checkpoint of this node.',
      labels: [],
    },
    () => feed.lastCheckpoint()?.seq,
  )
  gauge(
    {
      name: 'portcullis_checkpoint_timestamp_seconds',
      help: 'When the last checkpoint of this node was made, by the clock of the store.',
      labels: [],
    },
    () => {
      const last = feed.lastCheckpoint()
      return last && last.at / 1000
    },
  )
}
