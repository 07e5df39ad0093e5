import type { SteadyStep } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'

export interface SteadyRemoval extends Omit<SteadyStep, 'step'> {
  /** Takes a bounded number of things away, and answers whether there may be more. */
  readonly remove: () => Promise<boolean>
}

/**
 * Takes away at regular times, until the returned function has been called, and goes on while there is more: whatever
 * a flood has left is gone as quickly.
 */
export function removeSteadily({ remove, ...steady }: SteadyRemoval): () => Promise<void> {
  const over = new AbortController()
  const stop = takeSteadySteps({
    ...steady,
    step: async () => {
      while (!over.signal.aborted && (await remove())) continue
      return undefined
    },
  })
  return () => {
    over.abort()
    return stop()
  }
}
