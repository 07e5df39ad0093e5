import type { LogHead } from './revocations.ts'

/** What was made of the present end of the log, by name. It is forgotten with the first look at another one. */
export interface HeadCache<Made> {
  /** Makes it unless it is there. What fails is made again by the next one. */
  readonly get: (head: LogHead, name: string, make: () => Promise<Made>) => Promise<Made>
}

export function createHeadCache<Made>(): HeadCache<Made> {
  let known: string | undefined
  let made = new Map<string, Promise<Made>>()
  return {
    get: async (head, name, make) => {
      const { epoch, seq, chain, at, kids } = head
      const text = JSON.stringify([epoch, seq, chain, at, kids])
      if (known !== text) made = new Map()
      known = text
      const ofThisHead = made
      const found = ofThisHead.get(name) ?? make()
      ofThisHead.set(name, found)
      try {
        return await found
      } catch (error) {
        ofThisHead.delete(name)
        throw error
      }
    },
  }
}
