import { clockDifferenceMsMax } from '../domain/followers.ts'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'

/** A store that has lost history, and how this was found. */
export interface LostHistory {
  /** Undefined in a store without a log. */
  readonly epoch: string | undefined
  /** Of the server that answers now. */
  readonly lineage: string | undefined
  readonly why: string
}

/** Nothing is done with this store before another epoch has begun in it. */
export class HistoryLostError extends StoreUnavailableError {
  readonly waitMs: number

  constructor({ why }: LostHistory, waitMs: number) {
    super(`history was lost (${why}): a new epoch begins in ${Math.ceil(waitMs / 1000)} s`)
    this.waitMs = waitMs
  }
}

/** As far as two clocks may be apart, and a second more: bases go by whole seconds, and must differ. */
const waitMsMax = clockDifferenceMsMax + 1_000
/** By then it was answered, or nobody asks any more: what is found after that is another loss. */
const answeredMs = 60_000

export interface RenewalWait {
  /** Throws a `HistoryLostError` while it is too early. */
  readonly permit: (lost: LostHistory) => void
}

/**
 * A loss is answered once it has been there for longer than two clocks may be apart. The base of an epoch goes by the
 * clock of its server, so it is above that of one which another server has begun meanwhile and lost in its turn, with
 * all who remember it but its followers: they would refuse what is minted below it.
 */
export function createRenewalWait(
  monotonic: () => number,
  onFound: (lost: LostHistory, waitMs: number) => void,
): RenewalWait {
  const foundMs = new Map<string, number>()
  return {
    permit: (lost) => {
      const nowMs = monotonic()
      for (const [history, since] of foundMs) {
        if (nowMs - since > answeredMs) foundMs.delete(history)
      }
      // Of each by itself: while servers change, connections lead to several.
      const history = `${lost.epoch} ${lost.lineage}`
      if (!foundMs.has(history)) {
        foundMs.set(history, nowMs)
        onFound(lost, waitMsMax)
      }
      const waitMs = (foundMs.get(history) ?? nowMs) + waitMsMax - nowMs
      if (waitMs > 0) throw new HistoryLostError(lost, waitMs)
    },
  }
}

/** Opens as soon as it is permitted: for a start, which can do nothing before. */
export async function openAfterWait<Opened>(
  open: () => Promise<Opened>,
  pause: (ms: number) => Promise<unknown>,
): Promise<Opened> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof HistoryLostError)) throw error
      await pause(error.waitMs)
    }
  }
}
