/** Counts what is open, so that nobody takes all the room there is. */
export interface ClientPlaces {
  /** A place, or whose limit is reached. */
  readonly take: (client: string | undefined) => ClientPlace
}

export type ClientPlace =
  { readonly kind: 'taken'; readonly leave: () => void } | { readonly kind: 'full' | 'client-full' }

/** Without a name somebody is counted among all and not alone: development on loopback. */
export function createClientPlaces(limits: {
  readonly max: number
  readonly perClientMax: number
}): ClientPlaces {
  let open = 0
  const openOf = new Map<string, number>()
  const add = (client: string | undefined, change: 1 | -1): void => {
    open += change
    if (client === undefined) return
    const left = (openOf.get(client) ?? 0) + change
    if (left === 0) openOf.delete(client)
    else openOf.set(client, left)
  }
  return {
    take: (client) => {
      if (open >= limits.max) return { kind: 'full' }
      if (client !== undefined && (openOf.get(client) ?? 0) >= limits.perClientMax) {
        return { kind: 'client-full' }
      }
      add(client, 1)
      let isLeft = false
      return {
        kind: 'taken',
        leave: () => {
          if (!isLeft) add(client, -1)
          isLeft = true
        },
      }
    },
  }
}
