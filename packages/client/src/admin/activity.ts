import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseCount, parseCountsByName, parseList, parseTime, present } from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import { queryOf } from './pages.ts'
import type { AskAdmin } from './requests.ts'
import { readAnswer } from './requests.ts'

/** What is counted (docs/activity.md says of each what it is). An issuer may have more. */
export type ActivitySeries =
  | 'sign_ins'
  | 'sign_ins_refused'
  | 'refreshes'
  | 'refreshes_refused'
  | 'tokens_issued'
  | 'accounts_created'
  | 'accounts_blocked'
  | 'sessions_ended'
  | 'revocations'
  | 'anomalies'
  | 'requests'
  | 'requests_failed'
  | 'refused_by_services'

/** What went on at all nodes of the issuer. */
export interface Activity {
  /** The time of the issuer. */
  readonly now: Date
  /** When the first bucket begins. The last one is the present one, which is not over. */
  readonly from: Date
  readonly bucketSeconds: number
  /** One count a bucket, the oldest first. */
  readonly series: Readonly<Partial<Record<ActivitySeries, readonly number[]>>>
  /** Those of refusals, by their reasons; only of reasons that there were. */
  readonly refusals: Readonly<Record<string, readonly number[]>>
  /** None while the first count of a large store goes on. */
  readonly totals?: ActivityTotals
}

/** How many there are. */
export interface ActivityTotals {
  readonly countedAt: Date
  readonly accounts: number
  readonly accountsBlocked: number
  readonly sessionsLive: number
  readonly clients: number
  readonly followersLive: number
  /** By severity: `notice`, `warning`, `critical`. */
  readonly anomaliesLastDay: Readonly<Record<string, number>>
}

export interface ActivityOptions {
  /** How far back; 1 to 60, default 60. */
  readonly minutes?: number
}

export interface ActivityAdministration {
  /** What went on in the last minutes. */
  readonly read: (options?: ActivityOptions) => Promise<Activity>
}

const minutesMax = 60

export function administerActivity(ask: AskAdmin): ActivityAdministration {
  return Object.freeze({
    read: async (options = {}) => {
      requireMembers(options, 'the options', ['minutes'])
      const { minutes = minutesMax } = options
      if (!Number.isInteger(minutes) || minutes < 1 || minutes > minutesMax) {
        throw new TypeError(`minutes must be a whole number from 1 to ${minutesMax}`)
      }
      const path = `/admin/activity${queryOf({ minutes }, {})}`
      return readAnswer(await ask({ method: 'GET', path }), parseActivity)
    },
  } satisfies ActivityAdministration)
}

function parseActivity(body: JsonObject): Activity | undefined {
  const [now, from] = [parseTime(body['now']), parseTime(body['from'])]
  const bucketSeconds = parseCount(body['bucket_seconds'])
  const [series, refusals] = [parseSeries(body['series']), parseSeries(body['refusals'])]
  if (now === undefined || from === undefined || bucketSeconds === undefined) return undefined
  if (series === undefined || refusals === undefined) return undefined
  const totals = parseTotals(body['totals'])
  return { now, from, bucketSeconds, series, refusals, ...present({ totals }) }
}

function parseSeries(
  value: JsonValue | undefined,
): Readonly<Record<string, readonly number[]>> | undefined {
  if (!isJsonObject(value)) return undefined
  const entries = Object.entries(value).map(
    ([name, counts]) => [name, parseList(counts, parseCount) ?? []] as const,
  )
  return Object.fromEntries(entries)
}

function parseTotals(value: JsonValue | undefined): ActivityTotals | undefined {
  if (!isJsonObject(value)) return undefined
  const countedAt = parseTime(value['counted_at'])
  const accounts = parseCount(value['accounts'])
  const accountsBlocked = parseCount(value['accounts_blocked'])
  const sessionsLive = parseCount(value['sessions_live'])
  const clients = parseCount(value['clients'])
  const followersLive = parseCount(value['followers_live'])
  if (countedAt === undefined || accounts === undefined || accountsBlocked === undefined) {
    return undefined
  }
  if (sessionsLive === undefined || clients === undefined || followersLive === undefined) {
    return undefined
  }
  const anomaliesLastDay = parseCountsByName(value['anomalies_last_day'])
  const people = { accounts, accountsBlocked, sessionsLive }
  return { countedAt, ...people, clients, followersLive, anomaliesLastDay }
}
