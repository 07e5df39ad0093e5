import { visitRecords } from '@portcullis/protocol/revocations'
import type { SignedToken } from '../access-token.ts'
import type { ClientCredential } from '../issuer/client-credential.ts'
import type { IssuerDocuments } from '../issuer/documents.ts'
import type { Fetch } from '../issuer/http-json.ts'
import type { IssuerClock } from '../issuer/issuer-clock.ts'
import type { KeySource } from '../issuer/key-source.ts'
import { createKeySource } from '../issuer/key-source.ts'
import type { VerifiedToken } from '../verified-token.ts'
import { VerifyError } from '../verify-error.ts'
import { createCheckpointKeys } from './checkpoint-keys.ts'
import { createFeedClient } from './feed-client.ts'
import { createFeedRequests } from './feed-requests.ts'
import type { AppliedBatch } from './followed-log.ts'
import { createFollowedLog } from './followed-log.ts'
import { createFollower } from './follower.ts'
import type { Moment } from './freshness.ts'
import { createFreshness } from './freshness.ts'
import type { RevocationRule } from './rule.ts'
import { createRule } from './rule.ts'
import { createSnapshots } from './snapshots.ts'
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
  readonly start: () => void
  readonly attempted: Promise<void> | undefined
  /**
   * Why requests should not be sent here: the feed was not followed so far, or will not be any more. A
   * feed that is lost later is no reason: it is lost for the whole fleet, and young tokens still pass.
   */
  readonly readinessError: () => VerifyError | undefined
  /** What a token that is too old for the last checkpoint is answered, where it is not a 401. */
  readonly clockError: () => VerifyError | undefined
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
    },
    start: () => undefined,
    attempted: undefined,
    readinessError: () => undefined,
    clockError: () => undefined,
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
  readonly clock: Pick<IssuerClock, 'lag'>
  readonly now: () => number
  /** Milliseconds from anywhere, by a clock that only goes on. */
  readonly monotonic: () => number
  readonly maxStalenessMs: number
  readonly whenStale: 'refuse' | 'accept'
  readonly onRevoked: ((revocation: NewRevocation) => void) | undefined
  /** Called after each checkpoint that was applied, with the keys that it takes back. */
  readonly onApplied: (withdrawnKids: readonly string[]) => void
  /** What was verified here, and undefined for anything else. */
  readonly signedTokenOf: (auth: VerifiedToken) => SignedToken | undefined
}

/** Follows the issuer's feed. Only wires the parts together; what they do is theirs. */
export function followedRevocation(options: FollowedRevocationOptions): RevocationCheck {
  const { issuer, client, documents, fetch, now, monotonic, maxStalenessMs } = options
  const closing = new AbortController()
  const isBehind = (): boolean => options.clock.lag() !== undefined
  const freshness = createFreshness({ wall: now, monotonic, maxStalenessMs, isBehind })
  const isFresh = (): boolean => freshness.ageMs() <= maxStalenessMs
  let wasFresh = false
  const table = createRevocationTable(issuer)
  const log = createFollowedLog({
    table,
    freshness,
    onApplied: (batch) => {
      wasFresh ||= isFresh()
      options.tokenKeys.confirm(Math.max(0, freshness.ageMs()))
      options.onApplied(batch.withdrawnKids)
      tell(options, batch, table)
    },
  })
  const request = createFeedRequests({ issuer, client, documents, fetch, monotonic })
  const feedKeys = createKeySource({ fetchKeySet: documents.feedKeySet, now: monotonic })
  const feed = createFeedClient({
    request,
    hasClient: client !== undefined,
    wall: now,
    signal: closing.signal,
  })
  const keys = createCheckpointKeys(issuer, feedKeys)
  const { forgetMetadata } = documents
  const snapshots = createSnapshots({ client: feed, keys, log, forgetMetadata, monotonic })
  const follower = createFollower({
    client: feed,
    snapshots,
    keys,
    log,
    freshness,
    maxStalenessMs,
    monotonic,
    closing,
  })

  const clockError = (): VerifyError | undefined => {
    const why = snapshots.disagreement() ?? options.clock.lag()
    return why === undefined ? undefined : clocksDisagree(why)
  }

  return {
    rule: createRule({ table, log, freshness, whenStale: options.whenStale }),
    start: follower.start,
    attempted: follower.attempted,
    readinessError: () => {
      if (closing.signal.aborted) return feedUnavailable('the verifier was closed')
      if (wasFresh) return undefined
      const failure = follower.failure()
      if (failure === undefined || failure.code === 'feed-unavailable') {
        return clockError() ?? feedUnavailable(failure?.why ?? 'the last checkpoint is too old')
      }
      return new VerifyError(failure.code, failure.why)
    },
    clockError,
    health: () => {
      const { epoch, seq, at } = log.checkpoint() ?? {}
      const records = table.size()
      return { followed: true, isFresh: isFresh(), epoch, seq, checkpointAt: at, records }
    },
    close: follower.close,
  }
}

function tell(
  { issuer, onRevoked, signedTokenOf }: FollowedRevocationOptions,
  { records, withdrawnKids }: AppliedBatch,
  whole: RevocationTable,
): void {
  if (onRevoked === undefined || (records?.length === 0 && withdrawnKids.length === 0)) return
  const news = records === undefined ? whole : createRevocationTable(issuer)
  if (records !== undefined) visitRecords(records, news.join)
  const affects = (auth: VerifiedToken): boolean => {
    const signed = signedTokenOf(auth)
    if (signed === undefined) throw new TypeError('this verifier has not verified such a token')
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
