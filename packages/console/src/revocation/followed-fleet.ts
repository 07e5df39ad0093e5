import { useRef, useState } from 'preact/hooks'
import type { Loading } from '../data/load.ts'
import { useLoaded } from '../data/load.ts'
import { administration } from '../session/session.ts'
import { useClientNames } from './client-names.ts'
import type { Fleet } from './fleet.ts'
import { loadFleet } from './fleet.ts'

const everySeconds = 5

/** Shows the first pages while the next are asked for; after that all of it is renewed at once. */
export function useFleet(): Loading<Fleet> {
  useClientNames()
  const [soFar, setSoFar] = useState<Fleet>()
  const isLoaded = useRef(false)
  const { revocations, followers } = administration
  const loading = useLoaded(
    'followers',
    async () => {
      const fleet = await loadFleet(
        { revocations: revocations.page, followers: followers.page },
        (part) => {
          if (!isLoaded.current) setSoFar(part)
        },
      )
      isLoaded.current = true
      return fleet
    },
    { everySeconds },
  )
  return { ...loading, value: loading.value ?? soFar }
}
