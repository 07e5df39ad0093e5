import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { AttemptStore } from '../domain/login-attempts.ts'

/** Each step removes a thousand at most, which is more than a flood of logins leaves behind in the time. */
const everyMs = 5000

/** Makes room where failed logins have expired, until the returned function has been called. */
export function startForgettingAttempts(
  attempts: Pick<AttemptStore, 'forget'>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return takeSteadySteps({
    step: async () => {
      await attempts.forget()
      return undefined
    },
    everyMs,
    trouble:
      'failed logins that have expired cannot be removed; they count for nothing, and take room',
    recovery: 'failed logins that have expired are removed again',
    log,
    repeat,
  })
}
