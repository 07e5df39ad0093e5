import type { RevocationPosition } from '@portcullis/client'
import type { FollowerInfo } from '@portcullis/client/admin'
import { useRef, useState } from 'preact/hooks'
import type { Loading } from '../data/load.ts'
import { useLoaded } from '../data/load.ts'
import { administration } from '../session/session.ts'
import { useClientNames } from './client-names.ts'
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
const everySeconds = 5

/** Shows the first pages while the next are asked for; after that all of it is renewed at once. */
export function useFleet(): Loading<Fleet> {
  useClientNames()
  const [soFar, setSoFar] = useState<Fleet>()
  const isLoaded = useRef(false)
  const loading = useLoaded(
    'followers',
    async () => {
      const fleet = await loadFleet((part) => {
        if (!isLoaded.current) setSoFar(part)
      })
      isLoaded.current = true
      return fleet
    },
    { everySeconds },
  )
  return { ...loading, value: loading.value ?? soFar }
}

async function loadFleet(onPart: (part: Fleet) => void): Promise<Fleet> {
  // Before the followers, who might have gone on otherwise and seem to be ahead of it.
  const newest = (await administration.revocations.page({ limit: 1 })).items[0]?.position
  const followers: FollowerInfo[] = []
  for (let after: string | undefined; ;) {
    const asked = { limit: pageSize, ...(after === undefined ? {} : { after }) }
    const page = await administration.followers.page(asked)
    followers.push(...page.items)
    after = page.next
    const isCut = after !== undefined && followers.length >= fleetMax
    const fleet = { followers: [...followers], head: headOf(newest, followers), isCut }
    if (after === undefined || isCut) return fleet
    onPart(fleet)
  }
}
