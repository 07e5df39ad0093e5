import { countKinds, visitRecords } from '@portcullis/protocol/revocations'
import type { SignedToken } from '../access-token.ts'
import type { ClientCredential } from '../issuer/client-credential.ts'
import type { FetchedKeySet, IssuerDocuments } from '../issuer/documents.ts'
import type { Fetch } from '../issuer/http-json.ts'
import type { IssuerClock } from '../issuer/issuer-clock.ts'
import type { KeySource } from '../issuer/key-source.ts'
import { createKeySource } from '../issuer/key-source.ts'
import type { Timers } from '../timers.ts'
import type { VerifiedToken } from '../verified-token.ts'
import { VerifyError } from '../verify-error.ts'
import type { Warn } from '../warnings.ts'
import type { BrokeredFeed } from './brokered-feed.ts'
import { createCheckpointKeys } from './checkpoint-keys.ts'
import type { FeedClient } from './feed-client.ts'
import { createFeedClient } from './feed-client.ts'
import type { RequestFeed } from './feed-requests.ts'
import { createFeedRequests, requestsToRelay } from './feed-requests.ts'
import type { FeedFailure } from './feed-failure.ts'
import type { FeedSources, NearbySource } from './feed-sources.ts'
import { createFeedSources } from './feed-sources.ts'
import type { FeedCounts, FeedTally } from './feed-tally.ts'
import { createFeedTally } from './feed-tally.ts'
import type { AppliedBatch, FollowedLog } from './followed-log.ts'
import { createFollowedLog } from './followed-log.ts'
import type { Follower, FollowerOptions } from './follower.ts'
import { createFollower } from './follower.ts'
import type { Moment } from './freshness.ts'
import { createFreshness, isYoung } from './freshness.ts'
import { createLiveKids } from './live-kids.ts'
import type { PositionReports } from './position-reports.ts'
import { createPositionReports } from './position-reports.ts'
import type { RevocationRule } from './rule.ts'
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

/** What was revoked just now. */
export interface NewRevocation {
  /**
   * True for a token that `verify` refuses because of this: it was revoked, or the key that signed it
   * was withdrawn. Takes what this verifier's `verify` has answered, and throws a TypeError for anything
   * else. When the news came with a snapshot, what was revoked earlier counts too.
   */
  readonly affects: (auth: VerifiedToken) => boolean
}

/** What a verifier asks about revocation, whether or not a feed is followed. */
export interface RevocationCheck {
  readonly rule: RevocationRule
  /** The issuer was asked for its keys, and has answered these. */
  readonly noteKeySet: (keySet: FetchedKeySet) => void
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
  readonly health: () => RevocationHealth
  readonly close: () => Promise<void>
}

/** For plain JWT issuers: a token is good until its `exp`. */
export function untilExpiry(now: () => number): RevocationCheck {
  const moment = (): Moment => {
    const wallMs = now()
    return { wallMs, nowMs: wallMs }
  }
  return {
    rule: {
      moment,
      version: () => 0,
      isWithdrawn: () => false,
      isComplete: () => true,
      isRevoked: () => false,
      isStale: () => false,
      isOlderThan: (maxAgeMs, mintedAtMs, at) => !isYoung(mintedAtMs, at, maxAgeMs),
    },
    noteKeySet: () => undefined,
    start: () => undefined,
    attempted: undefined,
    readinessError: () => undefined,
    clockError: () => undefined,
    closedError: () => undefined,
    health: () => ({ followed: false }),
    close: async () => undefined,
  }
}

export interface FollowedRevocationOptions {
  readonly issuer: string
  readonly client: ClientCredential | undefined
  readonly documents: IssuerDocuments
  readonly tokenKeys: Pick<KeySource, 'confirm'>
  readonly fetch: Fetch
  readonly relay: string | undefined
  /** Its clock is not that of the issuer, which is watched in what `fetch` brings. */
  readonly relayFetch: Fetch
  readonly broker: BrokeredFeed | undefined
  readonly clock: Pick<IssuerClock, 'lag'>
  readonly now: () => number
  readonly timers: Timers
  readonly maxStalenessMs: number
  readonly whenStale: 'refuse' | 'accept'
  readonly stateFile: string | undefined
  readonly stateFileOf: (options: StateFileOptions) => StateFile
  readonly warn: Warn
  readonly onRevoked: ((revocation: NewRevocation) => void) | undefined
  /** Called after each checkpoint that was applied, with the keys that it takes back. */
  readonly onApplied: (withdrawnKids: readonly string[]) => void
  /** What was verified here, and undefined for anything else. */
  readonly signedTokenOf: (auth: VerifiedToken) => SignedToken | undefined
}

/** Follows the issuer's feed. Only wires the parts together; what they do is theirs. */
export function followedRevocation(options: FollowedRevocationOptions): RevocationCheck {
  const { issuer, now, timers, maxStalenessMs } = options
  const { monotonic } = timers
  const closing = new AbortController()
  const isBehind = (): boolean => options.clock.lag() !== undefined
  const freshness = createFreshness({ wall: now, monotonic, maxStalenessMs, isBehind })
  const isFresh = (): boolean => freshness.ageMs() <= maxStalenessMs
  let wasFresh = false
  const state = (): FeedState => (isFresh() ? 'fresh' : wasFresh ? 'stale' : 'starting')
  const table = createRevocationTable(issuer)
  const liveKids = createLiveKids(now)
  const known = { table, freshness, liveKids, timers }
  const log = createFollowedLog({
    ...known,
    onApplied: (batch) => {
      wasFresh ||= isFresh()
      options.tokenKeys.confirm(Math.max(0, freshness.ageMs()))
      options.onApplied(batch.withdrawnKids)
      reports.note(log.position())
      tell(options, batch, table)
      keeper?.note()
    },
  })
  const rule = createRule({ table, liveKids, freshness, whenStale: options.whenStale })
  const keeper = keeperOf(options, log, table, rule)
  const tally = createFeedTally(issuer, timers, options.warn)
  const { reports, ...reader } = readerOf(options, { log, tally, isFresh }, closing.signal)
  const follower = createFollower({
    ...reader,
    log,
    tally,
    freshness,
    maxStalenessMs,
    timers,
    closing,
    restore: async () => keeper?.restore(),
  })

  const clockError = (): VerifyError | undefined => {
    const why = reader.snapshots.disagreement() ?? options.clock.lag() ?? freshness.lag()
    return why === undefined ? undefined : clocksDisagree(why)
  }

  let isClosed = false
  const closedError = (): VerifyError | undefined =>
    isClosed ? feedUnavailable('the verifier was closed') : undefined

  return {
    rule,
    noteKeySet: liveKids.publish,
    start: () => {
      follower.start()
      reports.start()
    },
    attempted: follower.attempted,
    readinessError: () =>
      closedError() ?? (wasFresh ? undefined : notReady(follower.failure(), clockError)),
    clockError,
    closedError,
    health: () => healthOf({ ...reader, log, table, follower, tally }, state(), now()),
    close: async () => {
      // Before the issuer is told that this follower accepts nothing any more.
      isClosed = true
      await follower.close()
      await Promise.all([reports.close(), keeper?.close()])
    },
  }
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
  known: Pick<SnapshotsOptions, 'log' | 'tally' | 'isFresh'>,
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
  const reports = createPositionReports({ request, timers, maxStalenessMs, signal })
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

function tell(
  { issuer, onRevoked, signedTokenOf }: FollowedRevocationOptions,
  { records, withdrawnKids }: AppliedBatch,
  whole: RevocationTable,
): void {
  if (onRevoked === undefined || (records?.length === 0 && withdrawnKids.length === 0)) return
  // A table costs more than the rest of a small frame, and few services ask.
  let asked: RevocationTable | undefined
  const affects = (auth: VerifiedToken): boolean => {
    const signed = signedTokenOf(auth)
    if (signed === undefined) throw new TypeError('this verifier has not verified such a token')
    const news = (asked ??= records === undefined ? whole : tableOf(issuer, records))
    const { kid } = signed.key
    return withdrawnKids.includes(kid) || news.revokesKey(kid) || news.revokes(signed)
  }
  // Whatever the service does with it, the feed is followed on.
  try {
    void Promise.resolve(onRevoked({ affects })).catch(() => undefined)
  } catch {
    return
  }
}

function tableOf(issuer: string, records: Buffer): RevocationTable {
  const table = createRevocationTable(issuer)
  table.expect(countKinds(records))
  visitRecords(records, table.join)
  return table
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
