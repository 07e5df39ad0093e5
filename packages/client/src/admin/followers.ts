import type { JsonObject, JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseCount, parseList, parseText, parseTime, present } from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import type { Page, PageOptions } from './pages.ts'
import { everyItem, queryOf, requirePage } from './pages.ts'
import type { AskAdmin } from './requests.ts'
import { readAnswer } from './requests.ts'

/** One process that follows the revocation feed. */
export interface FollowerInfo {
  /** The id of its client; none where the feed was open, on loopback. */
  readonly client?: string
  /** Its own choice, new at every start. */
  readonly follower: string
  /** `<epoch>:<seq>` */
  readonly position: string
  readonly appliedAt: Date
  readonly reportedAt: Date
  /** None for one that goes on without the feed for ever. */
  readonly maxStalenessSeconds?: number
  /** `verify`, `gateway`, `relay`, or what another implementation calls itself; none of one that does not say. */
  readonly software?: string
  readonly version?: string
  /** When its newest checkpoint was made, as of its last report. */
  readonly checkpointAt?: Date
}

export type FollowerState = 'applied' | 'unknown' | 'refusing'

/** What a follower has done about one revocation. */
export interface FollowerReceipt {
  readonly client?: string
  readonly follower: string
  readonly software?: string
  readonly version?: string
  /**
   * - `applied`: it refuses what was revoked
   * - `unknown`: it has not said so
   * - `refusing`: it has not said so, and has turned stale since, so that it refuses by itself
   */
  readonly state: FollowerState
  /** Of one that has applied it: at the latest so long after the commit. None where that is not known any more, or it began later. */
  readonly afterMs?: number
  /** Of one that has not said so: from then on it refuses by itself. None for one that never does. */
  readonly until?: Date
  /** Of one that has not said so: when it was heard of last. */
  readonly reportedAt?: Date
}

export interface Receipts {
  readonly committedAt: Date
  /** None of the followers that live accepts what was revoked any more. */
  readonly isEverywhere: boolean
  readonly applied: number
  readonly unknown: number
  readonly refusing: number
  /** The longest that one is known to have taken; none, like the next two, where that is known of nobody. */
  readonly slowestMs?: number
  /** Within which half of those have applied it. */
  readonly p50Ms?: number
  /** The same of 99 of a hundred. */
  readonly p99Ms?: number
  /** How many took longer than the bound before and no longer than `upToMs`, which the last has not. */
  readonly latencies: readonly LatencyCount[]
  /** 200 at most: those that are not known, those that refuse by themselves, and then the slowest. */
  readonly followers: readonly FollowerReceipt[]
}

export interface LatencyCount {
  readonly upToMs?: number
  readonly followers: number
}

export interface ReceiptOptions {
  /** How long to wait until it is everywhere; 0 to 60, default 0. */
  readonly waitSeconds?: number
}

export interface FollowerAdministration {
  /** Everybody who follows the feed and lives, by client; asks for pages as they are needed. */
  readonly list: () => AsyncIterable<FollowerInfo>
  readonly page: (page?: PageOptions) => Promise<Page<FollowerInfo>>
  /** What became of a revocation, by the position that the revoking call has answered. */
  readonly receipts: (position: RevocationPosition, options?: ReceiptOptions) => Promise<Receipts>
}

const waitSecondsMax = 60
/** Beside what the issuer waits. */
const answerMs = 30_000

export function administerFollowers(ask: AskAdmin): FollowerAdministration {
  const page: FollowerAdministration['page'] = async (options = {}) => {
    requirePage(options)
    const path = `/admin/followers${queryOf({}, options)}`
    return readAnswer(await ask({ method: 'GET', path }), (body) => {
      const items = parseList(body['followers'], parseFollower)
      return items && { items, ...present({ next: parseText(body['next']) }) }
    })
  }
  return Object.freeze({
    list: () => everyItem(page),
    page,
    receipts: async ({ epoch, seq }, options = {}) => {
      requireMembers(options, 'the options', ['waitSeconds'])
      const { waitSeconds: wait = 0 } = options
      if (!Number.isInteger(wait) || wait < 0 || wait > waitSecondsMax) {
        throw new TypeError(`waitSeconds must be a whole number from 0 to ${waitSecondsMax}`)
      }
      const position = encodeURIComponent(`${epoch}:${seq}`)
      const path = `/revocations/receipts/${position}${queryOf({ wait }, {})}`
      const timeoutMs = wait * 1000 + answerMs
      return readAnswer(await ask({ method: 'GET', path, timeoutMs }), parseReceipts)
    },
  } satisfies FollowerAdministration)
}

function parseFollower(value: JsonValue): FollowerInfo | undefined {
  if (!isJsonObject(value)) return undefined
  const [follower, position] = [parseText(value['follower']), parseText(value['position'])]
  const [appliedAt, reportedAt] = [parseTime(value['applied_at']), parseTime(value['reported_at'])]
  if (follower === undefined || position === undefined) return undefined
  if (appliedAt === undefined || reportedAt === undefined) return undefined
  const maxStalenessSeconds = parseCount(value['max_staleness_seconds'])
  const checkpointAt = parseTime(value['checkpoint_at'])
  const facts = { client: parseText(value['client']), maxStalenessSeconds, checkpointAt }
  const optional = present({ ...facts, ...softwareIn(value) })
  return { ...optional, follower, position, appliedAt, reportedAt }
}

function parseReceipts(body: JsonObject): Receipts | undefined {
  const { everywhere: isEverywhere } = body
  const committedAt = parseTime(body['committed_at'])
  const followers = parseList(body['followers'], parseReceipt)
  const applied = parseCount(body['applied'])
  const unknown = parseCount(body['unknown'])
  const refusing = parseCount(body['refusing'])
  if (committedAt === undefined || followers === undefined) return undefined
  if (applied === undefined || unknown === undefined || refusing === undefined) return undefined
  if (typeof isEverywhere !== 'boolean') return undefined
  const [slowestMs, p50Ms, p99Ms] = [body['slowest_ms'], body['p50_ms'], body['p99_ms']].map(
    parseCount,
  )
  const counts = { applied, unknown, refusing, ...present({ slowestMs, p50Ms, p99Ms }) }
  const latencies = parseList(body['latencies'], parseLatency) ?? []
  return { committedAt, isEverywhere, ...counts, latencies, followers }
}

function parseLatency(value: JsonValue): LatencyCount | undefined {
  if (!isJsonObject(value)) return undefined
  const followers = parseCount(value['followers'])
  if (followers === undefined) return undefined
  return { ...present({ upToMs: parseCount(value['up_to_ms']) }), followers }
}

function softwareIn(value: JsonObject): {
  readonly software: string | undefined
  readonly version: string | undefined
} {
  return { software: parseText(value['software']), version: parseText(value['version']) }
}

const states: readonly FollowerState[] = ['applied', 'unknown', 'refusing']

function parseReceipt(value: JsonValue): FollowerReceipt | undefined {
  if (!isJsonObject(value)) return undefined
  const follower = parseText(value['follower'])
  const state = states.find((one) => one === value['state'])
  if (follower === undefined || state === undefined) return undefined
  const afterMs = parseCount(value['after_ms'])
  const until = parseTime(value['until'])
  const reportedAt = parseTime(value['reported_at'])
  return {
    ...present({ client: parseText(value['client']), ...softwareIn(value) }),
    follower,
    state,
    ...present({ afterMs, until, reportedAt }),
  }
}
