import type { RevocationPosition } from '@portcullis/client'
import type { FollowerInfo, ListedRevocation, Page, PageOptions } from '@portcullis/client/admin'
import { headOf } from './standing.ts'

/** Everybody who follows, with the end of the log that they follow. */
export interface Fleet {
  readonly followers: readonly FollowerInfo[]
  readonly head: RevocationPosition | undefined
  /** There are more than are shown. */
  readonly isCut: boolean
}

const fleetMax = 5_000
const pageSize = 200

export interface FleetQuestions {
  readonly revocations: (page: PageOptions) => Promise<Page<ListedRevocation>>
  readonly followers: (page: PageOptions) => Promise<Page<FollowerInfo>>
}

/** Tells of the first pages while it asks for the next. */
export async function loadFleet(
  ask: FleetQuestions,
  onPart: (part: Fleet) => void,
): Promise<Fleet> {
  // Before the followers, who might have gone on otherwise and seem to be ahead of it.
  const newest = (await ask.revocations({ limit: 1 })).items[0]?.position
  const followers: FollowerInfo[] = []
  for (let after: string | undefined; ;) {
    const asked = { limit: pageSize, ...(after === undefined ? {} : { after }) }
    const page = await ask.followers(asked)
    followers.push(...page.items)
    after = page.next
    const isCut = after !== undefined && followers.length >= fleetMax
    const fleet = { followers: [...followers], head: headOf(newest, followers), isCut }
    if (after === undefined || isCut) return fleet
    onPart(fleet)
  }
}
