import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { Follower, FollowerStore } from '../followers.ts'
import type { KeyFacts } from '../key-life.ts'
import type { Looked } from './sightings.ts'

/** What is asked now and then, because nobody says it. */
export interface LookParts {
  readonly listKeys: () => Promise<readonly KeyFacts[]>
  readonly followers: Pick<FollowerStore, 'list'>
  /** Where the revocation log stood so long ago. */
  readonly positionBefore: (agoMs: number) => Promise<RevocationPosition>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly keyRotationDays: number
  readonly followerBehindSeconds: number
}

const dayMs = 24 * 3_600_000
const pageLimit = 1000
/** Of a fleet that is larger a part says enough. */
const pagesMax = 20

/** Keys that sign for too long, and followers that still report and are behind. */
export async function lookAround(parts: LookParts): Promise<readonly Looked[]> {
  const due = await parts.positionBefore(parts.followerBehindSeconds * 1000)
  const followers = await everyFollower(parts)
  const keys = await parts.listKeys()
  return [
    ...keys.flatMap((key) => overdueKey(parts, key)),
    ...followers.flatMap((follower) => lateFollower(follower, due)),
  ]
}

async function everyFollower({ followers }: LookParts): Promise<readonly Follower[]> {
  const found: Follower[] = []
  for (let page = 0; page < pagesMax; page += 1) {
    const after = found.at(-1)
    const more = await followers.list({ limit: pageLimit, after })
    found.push(...more)
    if (more.length < pageLimit) break
  }
  return found
}

function overdueKey(
  { now, keyRotationDays }: LookParts,
  { kid, state, activatedAt }: KeyFacts,
): readonly Looked[] {
  if (state !== 'active' || activatedAt === undefined) return []
  const overdueMs = now() - activatedAt - keyRotationDays * dayMs
  return overdueMs > 0 ? [{ kind: 'key-overdue', kid, overdueMs }] : []
}

function lateFollower(
  { clientId, follower, position }: Follower,
  due: RevocationPosition,
): readonly Looked[] {
  const isElsewhere = position.epoch !== due.epoch
  if (!isElsewhere && position.seq >= due.seq) return []
  const lacks = isElsewhere ? undefined : due.seq - position.seq
  return [{ kind: 'follower-behind', clientId, follower, lacks }]
}
