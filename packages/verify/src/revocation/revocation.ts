import type { JoinedEvent } from '../events/event-receiver.ts'
import type { ClientCredential } from '../issuer/client-credential.ts'
import type { FetchedKeySet, IssuerDocuments } from '../issuer/documents.ts'
import type { Fetch } from '../issuer/http-json.ts'
import type { IssuerClock } from '../issuer/issuer-clock.ts'
import type { KeySource } from '../issuer/key-source.ts'
import { createKeySource } from '../issuer/key-source.ts'
import type { Timers } from '../timers.ts'
import { VerifyError } from '../verify-error.ts'
import type { Warn } from '../warnings.ts'
import type { BrokeredFeed } from './brokered-feed.ts'
import { createCheckpointKeys } from './checkpoint-keys.ts'
import type { FeedClient } from './feed-client.ts'
import { createFeedClient } from './feed-client.ts'
import type { RequestFeed } from './feed-requests.ts'
import { createFeedRequests, requestsToRelay } from './feed-requests.ts'
import type { FeedFailure } from './feed-failure.ts'
import { createFeedLoss } from './feed-loss.ts'
import type { FeedSources, NearbySource } from './feed-sources.ts'
import { createFeedSources } from './feed-sources.ts'
import type { FeedCounts, FeedTally } from './feed-tally.ts'
import { createFeedTally } from './feed-tally.ts'
import type { FollowedLog } from './followed-log.ts'
import { createFollowedLog } from './followed-log.ts'
import type { Follower, FollowerOptions } from './follower.ts'
import { createFollower } from './follower.ts'
import { createFreshness } from './freshness.ts'
import type { LiveKids } from './live-kids.ts'
import { createLiveKids } from './live-kids.ts'
import type { NewsOptions } from './news.ts'
import { joinTold, tell } from './news.ts'
import type { PositionReports } from './position-reports.ts'
import { createPositionReports } from './position-reports.ts'
import type { RevocationRule, RuleOptions } from './rule.ts'
import { createRule } from './rule.ts'
import type { SnapshotsOptions } from './snapshots.ts'
import { createSnapshots } from './snapshots.ts'
import type { StateFile, StateFileOptions } from './state-file.ts'
import type { StateKeeper } from './state-keeper.ts'
import { createStateKeeper } from './state-keeper.ts'
import type { RevocationTable } from './table.ts'
import { createRevocationTable } from './table.ts'

/** How far the verifier is with the issuer's revocations, for health checks and metrics. */
export type RevocationHealth =
  | { readonly followed: false }
  | {
      readonly followed: true
      /**
       * False: the issuer has vouched for nothing within `maxStalenessSeconds`, or not in a way that is
       * believed. Tokens that were not minted just now are then refused as stale; with `whenStale`
       * `accept` they pass, and nobody knows whether they were revoked.
       */
      readonly isFresh: boolean
      /** Undefined, like the next two, before the first snapshot. */
      readonly epoch: string | undefined
      readonly seq: number | undefined
      /** Milliseconds since 1970, by the issuer's clock. */
      readonly checkpointAt: number | undefined
      /** How many revocations are held. */
      readonly records: number
      /** `starting` until it was fresh for the first time. */
      readonly state: 'starting' | 'fresh' | 'stale'
      /** What goes wrong with the feed, since when, in milliseconds since 1970; undefined while it goes on. */
      readonly failure: { readonly why: string; readonly since: number } | undefined
      /** Where the feed is read at present. */
      readonly source: 'issuer' | 'relay' | 'broker'
      readonly counts: Readonly<FeedCounts>
    }

/** What a verifier asks about revocation, whether or not a feed is followed. */
export interface RevocationCheck {
  readonly rule: RevocationRule
  /** The issuer was asked for its keys, and has answered these. */
  readonly noteKeySet: (keySet: FetchedKeySet) => void
  /** An event has told this. */
  readonly join: (event: JoinedEvent) => void
  readonly start: () => void
  readonly attempted: Promise<void> | undefined
  /**
   * Why requests should not be sent here: the feed was not followed so far, or will not be any more. A
   * feed that is lost later is no reason: it is lost for the whole fleet, and young tokens still pass.
   */
  readonly readinessError: () => VerifyError | undefined
  /** What a token that is too old for the last checkpoint is answered, where it is not a 401. */
  readonly clockError: () => VerifyError | undefined
  /** Why no token is accepted any more: nobody would notice when one is revoked. */
  readonly closedError: () => VerifyError | undefined
  /** A token was refused: the issuer is told how many, and why. */
  readonly refused: PositionReports['refused']
  readonly health: () => RevocationHealth
  readonly close: () => Promise<void>
}

export interface FollowedRevocationOptions extends NewsOptions {
  readonly client: ClientCredential | undefined
  readonly documents: IssuerDocuments
  readonly tokenKeys: Pick<KeySource, 'confirm'>
  readonly fetch: Fetch
  readonly relay: string | undefined
  /** Its clock is not that of the issuer, which is watched in what `fetch` brings. */
  readonly relayFetch: Fetch
  readonly broker: BrokeredFeed | undefined
  readonly clock: Pick<IssuerClock, 'lag'>
  readonly timers: Timers
  readonly maxStalenessMs: number
  readonly whenStale: 'refuse' | 'accept'
  readonly stateFile: string | undefined
  readonly stateFileOf: (options: StateFileOptions) => StateFile
  readonly software: string
  readonly warn: Warn
}

/** Follows the issuer's feed. Only wires the parts together; what they do is theirs. */
export function followedRevocation(options: FollowedRevocationOptions): RevocationCheck {
  const { issuer, now, timers, maxStalenessMs } = options
  const closing = new AbortController()
  const { table, freshness, liveKids, rule } = knownOf(options)
  const isFresh = (): boolean => freshness.ageMs() <= maxStalenessMs
  let wasFresh = false
  const state = (): FeedState => (isFresh() ? 'fresh' : wasFresh ? 'stale' : 'starting')
  const log = createFollowedLog({
    table,
    freshness,
    liveKids,
    timers,
    onApplied: (batch) => {
      wasFresh ||= isFresh()
      options.tokenKeys.confirm(Math.max(0, freshness.ageMs()))
      options.onApplied(batch.withdrawnKids)
      reports.note(log.position())
      tell(options, batch, table)
      keeper?.note()
    },
  })
  const keeper = keeperOf(options, log, table, rule)
  const tally = createFeedTally(issuer, timers, options.warn)
  const { reports, ...reader } = readerOf(
    options,
    { log, tally, isFresh, freshness },
    closing.signal,
  )
  const restore = async (): Promise<void> => keeper?.restore()
  const feed = { ...reader, freshness, timers, log, tally }
  const follower = createFollower({ ...feed, maxStalenessMs, closing, restore })

  const clockError = (): VerifyError | undefined => {
    const why = reader.snapshots.disagreement() ?? options.clock.lag() ?? freshness.lag()
    return why === undefined ? undefined : clocksDisagree(why)
  }
  const loss = createFeedLoss({ ...options, freshness, follower, clockError })

  let isClosed = false
  const closedError = (): VerifyError | undefined =>
    isClosed ? feedUnavailable('the verifier was closed') : undefined

  return {
    rule,
    noteKeySet: liveKids.publish,
    join: (event) => {
      joinTold(options, table, event)
      keeper?.note()
    },
    start: () => {
      follower.start()
      reports.start()
      loss.start()
    },
    attempted: follower.attempted,
    readinessError: () =>
      closedError() ?? (wasFresh ? undefined : notReady(follower.failure(), clockError)),
    clockError,
    closedError,
    refused: reports.refused,
    health: () => healthOf({ ...feed, table, follower }, state(), now()),
    close: async () => {
      // Before the issuer is told that this follower accepts nothing any more.
      isClosed = true
      loss.close()
      await follower.close()
      await Promise.all([reports.close(), keeper?.close()])
    },
  }
}

/** All that a token is judged by. */
function knownOf({
  issuer,
  now: wall,
  timers: { monotonic },
  clock,
  maxStalenessMs,
  whenStale,
}: FollowedRevocationOptions): RuleOptions & {
  readonly liveKids: LiveKids
  readonly rule: RevocationRule
} {
  const isBehind = (): boolean => clock.lag() !== undefined
  const table = createRevocationTable(issuer)
  const liveKids = createLiveKids(wall)
  const freshness = createFreshness({ wall, monotonic, maxStalenessMs, isBehind })
  const judgedBy = { table, liveKids, freshness, whenStale }
  return { ...judgedBy, rule: createRule(judgedBy) }
}

function notReady(
  failure: FeedFailure | undefined,
  clockError: RevocationCheck['clockError'],
): VerifyError {
  if (failure === undefined || failure.code === 'feed-unavailable') {
    return clockError() ?? feedUnavailable(failure?.why ?? 'the last checkpoint is too old')
  }
  return new VerifyError(failure.code, failure.why)
}

type FeedState = Extract<RevocationHealth, { followed: true }>['state']

interface FollowedParts {
  readonly log: FollowedLog
  readonly table: RevocationTable
  readonly follower: Follower
  readonly tally: FeedTally
  readonly client: FeedSources
}

function healthOf(
  { log, table, follower, tally, client }: FollowedParts,
  state: FeedState,
  nowMs: number,
): RevocationHealth {
  const { epoch, seq, at: checkpointAt } = log.checkpoint() ?? {}
  const { why } = follower.failure() ?? {}
  return {
    followed: true,
    isFresh: state === 'fresh',
    epoch,
    seq,
    checkpointAt,
    records: table.size(),
    state,
    failure:
      why === undefined ? undefined : { why, since: Math.round(nowMs - follower.failingMs()) },
    source: client.current(),
    counts: { ...tally.counts },
  }
}

/** All that goes over the network. */
function readerOf(
  options: FollowedRevocationOptions,
  known: Pick<SnapshotsOptions, 'log' | 'tally' | 'isFresh'> & Pick<RuleOptions, 'freshness'>,
  signal: AbortSignal,
): Pick<FollowerOptions, 'keys' | 'snapshots'> & {
  readonly client: FeedSources
  readonly reports: PositionReports
} {
  const { issuer, client, documents, fetch, relay, relayFetch, broker, now: wall, timers } = options
  const { monotonic } = timers
  const request = createFeedRequests({ issuer, client, documents, fetch, monotonic })
  const hasClient = client !== undefined
  const clientOf = (requests: RequestFeed): FeedClient =>
    createFeedClient({ request: requests, hasClient, wall, timers, signal })
  const nearby: NearbySource | undefined =
    relay === undefined
      ? broker && { name: 'broker', stream: broker.streamWith({ timers, signal }) }
      : { name: 'relay', ...clientOf(requestsToRelay(request, relay, relayFetch)) }
  const { position } = known.log
  const feed = createFeedSources({ issuer: clientOf(request), nearby, position, timers })
  const feedKeys = createKeySource({ fetchKeySet: documents.feedKeySet, now: monotonic, timers })
  const keys = createCheckpointKeys(issuer, feedKeys)
  const { forgetMetadata } = documents
  const parts = { ...known, client: feed, keys, forgetMetadata, monotonic }
  const maxStalenessMs = options.whenStale === 'refuse' ? options.maxStalenessMs : undefined
  const reports = createPositionReports({ ...options, ...known, request, maxStalenessMs, signal })
  return { client: feed, keys, snapshots: createSnapshots(parts), reports }
}

function keeperOf(
  { issuer, now: wall, stateFile: path, stateFileOf, timers, warn }: FollowedRevocationOptions,
  log: FollowedLog,
  table: RevocationTable,
  { version }: RevocationRule,
): StateKeeper | undefined {
  if (path === undefined) return undefined
  const file = stateFileOf({ path, issuer, wall, timers, warn })
  return createStateKeeper({ file, log, table, version, wall, timers })
}

const retryAfterSeconds = 5

function clocksDisagree(why: string): VerifyError {
  const description = 'the clocks of the issuer and of this service disagree'
  return new VerifyError('clocks-disagree', description, {
    retryAfterSeconds,
    cause: new Error(why),
  })
}

function feedUnavailable(why: string): VerifyError {
  return new VerifyError('feed-unavailable', `the revocation feed cannot be followed: ${why}`, {
    retryAfterSeconds,
  })
}
