import type { Asker } from '../domain/turnstile.ts'
import { shareOfStrangers } from '../domain/turnstile.ts'

/** Room for one mail until it is sent or given up. */
export interface Place {
  readonly free: () => void
}

export interface WaitingPlaces {
  /** Undefined when all are taken. */
  readonly take: (asker: Asker) => Place | undefined
}

/** Strangers have a share of the places, so that no flood of theirs takes those of an administrator. */
export function createWaitingPlaces(max: number): WaitingPlaces {
  const strangersMax = shareOfStrangers(max)
  const taken: Record<Asker, number> = { known: 0, strangers: 0 }
  return {
    take: (asker) => {
      const isShareTaken = asker === 'strangers' && taken.strangers >= strangersMax
      if (isShareTaken || taken.known + taken.strangers >= max) return undefined
      taken[asker] += 1
      return {
        free: () => {
          taken[asker] -= 1
        },
      }
    },
  }
}
