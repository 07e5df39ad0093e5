import { bucketMs } from '../domain/activity.ts'
import type { Census } from '../domain/census.ts'
import type { FleetActivity } from '../domain/fleet-activity.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant } from './moments.ts'
import type { HttpServer } from './server.ts'

export interface AdminActivityParts {
  readonly issuer: string
  readonly callers: Callers
  readonly activityOf: (minutes: number) => Promise<FleetActivity>
  readonly census: () => Promise<Census | undefined>
}

const activityQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { minutes: { type: 'string', pattern: '^([1-9]|[1-5][0-9]|60)$' } },
} as const

/** What goes on at all nodes, for an overview. */
export function addAdminActivity(
  app: HttpServer,
  { issuer, callers, activityOf, census }: AdminActivityParts,
): void {
  const schema = { querystring: activityQuery }
  app.get(pathAtIssuer(issuer, '/admin/activity'), { schema }, async (request) => {
    await callers.requireAdministrator(request)
    const [activity, counted] = await Promise.all([
      activityOf(Number(request.query.minutes ?? 60)),
      census(),
    ])
    return {
      now: instant(activity.now),
      from: instant(activity.from),
      bucket_seconds: bucketMs / 1000,
      series: activity.series,
      refusals: activity.refusals,
      totals: counted && totalsOf(counted),
    }
  })
}

function totalsOf(census: Census): object {
  return {
    counted_at: instant(census.countedAt),
    accounts: census.accounts,
    accounts_blocked: census.accountsBlocked,
    sessions_live: census.sessionsLive,
    clients: census.clients,
    followers_live: census.followersLive,
    anomalies_last_day: census.anomaliesLastDay,
  }
}
