import type { TooOften } from '../domain/sessions.ts'
import { endingPace } from '../domain/sessions.ts'
import { integer } from './columns.ts'
import type { Query } from './database.ts'

/** Counts one more end of other sessions, unless there were too many: then nothing may be ended now. */
export async function countEnding(query: Query, accountId: string): Promise<TooOften | undefined> {
  const { burst, refillMs } = endingPace
  const aheadMsMax = (burst - 1) * refillMs
  const counted = await query(
    `UPDATE accounts SET endings_paid_until = greatest(endings_paid_until, statement_now()) + $2
     WHERE id = $1 AND endings_paid_until <= statement_now() + $3 RETURNING id`,
    [accountId, refillMs, aheadMsMax],
  )
  if (counted.length === 1) return undefined
  const [row] = await query(
    'SELECT endings_paid_until - statement_now() AS ahead_ms FROM accounts WHERE id = $1',
    [accountId],
  )
  const waitMs = row === undefined ? refillMs : integer(row, 'ahead_ms') - aheadMsMax
  return { kind: 'too-often', retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) }
}
