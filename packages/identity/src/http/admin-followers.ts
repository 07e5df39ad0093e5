import { formatPosition } from '@portcullis/protocol/revocations'
import type { Follower, FollowerStore } from '../domain/followers.ts'
import type { Callers } from './callers.ts'
import { nameOfFollower, softwareMembers } from './follower-names.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant } from './moments.ts'
import { limitOf, longPageLimit } from './page-queries.ts'
import type { HttpServer } from './server.ts'

export interface AdminFollowersParts {
  readonly issuer: string
  readonly callers: Callers
  readonly followers: Pick<FollowerStore, 'list'>
}

const followersQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    limit: longPageLimit,
    after: { type: 'string', pattern: '^[A-Za-z0-9_-]{0,64}[.][A-Za-z0-9_-]{22}$' },
  },
} as const

/** Who follows the feed, and how far each has come. */
export function addAdminFollowers(
  app: HttpServer,
  { issuer, callers, followers }: AdminFollowersParts,
): void {
  const schema = { querystring: followersQuery }
  app.get(pathAtIssuer(issuer, '/admin/followers'), { schema }, async (request) => {
    await callers.requireAdministrator(request)
    const limit = limitOf(request.query)
    const [clientId, follower] = request.query.after?.split('.') ?? []
    const after =
      clientId === undefined || follower === undefined ? undefined : { clientId, follower }
    const found = await followers.list({ limit: limit + 1, after })
    const page = found.slice(0, limit)
    const last = found.length > limit ? page.at(-1) : undefined
    return {
      followers: page.map(membersOf),
      ...(last && { next: `${last.clientId}.${last.follower}` }),
    }
  })
}

function membersOf(one: Follower): object {
  return {
    ...nameOfFollower(one),
    position: formatPosition(one.position),
    applied_at: instant(one.appliedAt),
    reported_at: instant(one.reportedAt),
    max_staleness_seconds: one.maxStalenessMs === undefined ? undefined : one.maxStalenessMs / 1000,
    ...softwareMembers(one.software),
    checkpoint_at: instant(one.checkpointAt),
  }
}
