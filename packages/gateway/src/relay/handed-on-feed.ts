import type { Log } from '@portcullis/runtime'
import { createClientPlaces } from '@portcullis/runtime'
import type { Fetch, Verifier } from '@portcullis/verify'
import type { Exchange } from '../exchange/exchange.ts'
import { createFeedReaders } from './feed-readers.ts'
import { createRelayedFeed, silentMsMax } from './relayed-feed.ts'
import { createRelayedSnapshots } from './relayed-snapshots.ts'
import { createRelayRoutes } from './relay-routes.ts'
import type { RelayLimits } from './settings.ts'
import { createUpstreamTap } from './upstream-tap.ts'

/** The feed that a verifier follows, on its way to others; whoever listens answers them with it. */
export interface HandedOnFeed {
  /** For that verifier. */
  readonly fetch: Fetch
  /** Answers a request for the feed; the verifier judges the token that it carries. */
  readonly answerWith: (verifier: Verifier) => (exchange: Exchange) => Promise<void>
  /** Nothing comes from upstream. */
  readonly isSilent: () => boolean
  /** Ends every stream. */
  readonly stop: () => void
}

export interface HandedOnFeedOptions {
  readonly limits: RelayLimits
  /** What stands before `/revocations/…`. */
  readonly prefix: string
  /** Asks upstream. */
  readonly fetch: Fetch
  readonly log: Log
}

const lookEveryMs = 500

const monotonic = (): number => performance.now()

export function handOnFeed({ limits, prefix, fetch, log }: HandedOnFeedOptions): HandedOnFeed {
  const feed = createRelayedFeed(monotonic)
  const tap = createUpstreamTap(fetch, feed)
  const snapshots = createRelayedSnapshots({ fetch, address: tap.snapshotAddress, monotonic })
  const isSilent = (): boolean => feed.silentMs() > silentMsMax
  let wasSilent = true
  const timer = setInterval(() => {
    const isNow = isSilent()
    if (isNow && !wasSilent) log.warn('nothing comes from upstream: followers read at the issuer')
    if (!isNow && wasSilent) log.info('the feed is handed on')
    wasSilent = isNow
    if (isNow) feed.endAll()
  }, lookEveryMs).unref()
  const { followers: max, followersPerClient: perClientMax } = limits
  const placesMax = { max, perClientMax }
  return {
    fetch: tap.fetch,
    answerWith: (verifier) =>
      createRelayRoutes({
        prefix,
        feed,
        snapshots,
        readerOf: createFeedReaders(verifier),
        streamPlaces: createClientPlaces(placesMax),
        snapshotPlaces: createClientPlaces(placesMax),
      }),
    isSilent,
    stop: () => {
      clearInterval(timer)
      feed.endAll()
    },
  }
}
