import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'

const everyMs = 1000

/**
 * Looks every second whether the store has lost history, until the returned function has been called. New
 * connections are looked at before they are used; this is for the pooler in between, behind which a server
 * can be replaced while the connections stay.
 */
export function startHistoryWatch(
  lookForLoss: () => Promise<void>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return takeSteadySteps({
    step: async () => {
      await lookForLoss()
      return undefined
    },
    everyMs,
    trouble: 'whether the database has lost history cannot be told',
    recovery: 'whether the database has lost history can be told again',
    log,
    repeat,
  })
}
