import type { SerialQueue } from './serial-queue.ts'

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export interface SharedTurnParts<Item, Shared, Result> {
  readonly inTurn: SerialQueue
  /** So many share a turn. */
  readonly max: number
  /** The answer for one that needs no turn any more. */
  readonly answerWithout: (item: Item) => Result | undefined
  /** Read once for all who share the turn, after the last of them has come. */
  readonly read: () => Promise<Shared>
  readonly take: (item: Item, shared: Shared) => Promise<Result>
  /** Lets everybody else have a turn: what comes to its own meanwhile goes before the next of these. */
  readonly giveWay: () => Promise<void>
}

/** Lets those who wait share their turn and what is read for it, so that a thousand who come at a time hold up nobody for long. */
export function createSharedTurns<Item, Shared, Result>({
  inTurn,
  max,
  answerWithout,
  read,
  take,
  giveWay,
}: SharedTurnParts<Item, Shared, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = []
  let isUnderWay = false

  const nextOnes = (): readonly Waiting<Item, Result>[] => {
    const next: Waiting<Item, Result>[] = []
    while (next.length < max) {
      const one = waiting.shift()
      if (one === undefined) break
      const answer = answerWithout(one.item)
      if (answer === undefined) next.push(one)
      else one.resolve(answer)
    }
    return next
  }
  const takeSome = async (): Promise<void> => {
    const taken = nextOnes()
    if (taken.length === 0) return
    try {
      const shared = await read()
      for (const { item, resolve } of taken) resolve(await take(item, shared))
    } catch (error) {
      // Told to all who have no answer yet: what fails takes seconds, and would fail for each of them.
      for (const { reject } of taken) reject(error)
    }
  }
  const takeAll = async (): Promise<void> => {
    isUnderWay = true
    while (waiting.length > 0) {
      await inTurn(takeSome)
      await giveWay()
    }
    isUnderWay = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!isUnderWay) void takeAll()
    })
}
