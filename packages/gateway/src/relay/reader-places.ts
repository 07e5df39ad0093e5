import type { RelayLimits } from './settings.ts'

/** Counts who reads, so that nobody takes all the room there is. */
export interface ReaderPlaces {
  /** How to leave; undefined where there is no room. */
  readonly take: (client: string | undefined) => (() => void) | undefined
}

/** Whoever has no name is counted among all and not alone. */
export function createReaderPlaces({ followers, followersPerClient }: RelayLimits): ReaderPlaces {
  let open = 0
  const openOf = new Map<string | undefined, number>()
  const add = (client: string | undefined, change: 1 | -1): void => {
    open += change
    const left = (openOf.get(client) ?? 0) + change
    if (left === 0) openOf.delete(client)
    else openOf.set(client, left)
  }
  return {
    take: (client) => {
      const own = client === undefined ? 0 : (openOf.get(client) ?? 0)
      if (open >= followers || own >= followersPerClient) return undefined
      add(client, 1)
      let isLeft = false
      return () => {
        if (!isLeft) add(client, -1)
        isLeft = true
      }
    },
  }
}
