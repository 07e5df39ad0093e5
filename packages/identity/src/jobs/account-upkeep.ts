import type { Log, Repeat } from '@portcullis/runtime'
import type { LinkStore } from '../domain/account-links.ts'
import { removeSteadily } from './steady-removal.ts'

const everyMs = 60_000
/** A link to confirm an account is good for a day; whoever comes back from a long week asks for another. */
const unconfirmedMs = 7 * 24 * 3_600_000

/**
 * Takes away what nobody can use any more, from the start on and until the returned function has been called. What
 * has expired is refused long before that. It goes on while there is more: whatever strangers register in a
 * minute is gone as quickly.
 */
export function startAccountUpkeep(
  { tidy }: Pick<LinkStore, 'tidy'>,
  log: Log,
  repeat?: Repeat,
): () => Promise<void> {
  return removeSteadily({
    remove: () => tidy(unconfirmedMs),
    everyMs,
    isAtOnce: true,
    trouble: 'expired links and accounts that nobody confirmed cannot be taken away',
    recovery: 'expired links and accounts that nobody confirmed are taken away again',
    log,
    repeat,
  })
}
