import type { Log } from '@portcullis/runtime'
import type { LinkStore } from '../domain/account-links.ts'
import type { Repeat } from './steady-step.ts'
import { takeSteadySteps } from './steady-step.ts'

const everyMs = 3_600_000
/** A link to confirm an account is good for a day; whoever comes back from a long week asks for another. */
const unconfirmedMs = 7 * 24 * 3_600_000

/** Takes away what nobody can use any more. What has expired is refused long before that. */
export function startAccountUpkeep(
  { tidy }: Pick<LinkStore, 'tidy'>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return takeSteadySteps({
    step: async () => {
      await tidy(unconfirmedMs)
      return undefined
    },
    everyMs,
    trouble: 'expired links and accounts that nobody confirmed cannot be taken away',
    recovery: 'expired links and accounts that nobody confirmed are taken away again',
    log,
    repeat,
  })
}
