import type { TooOften } from '../domain/sessions.ts'
import { integer } from './columns.ts'
import type { Query } from './database.ts'

/** Where a row says until when its holder has paid for what he did. */
export interface PaidUntil {
  readonly table: 'accounts' | 'clients'
  readonly column: 'endings_paid_until' | 'revocations_paid_until'
  readonly id: string
}

/** So many at once, and then one in so many milliseconds. */
export interface Pace {
  readonly burst: number
  readonly refillMs: number
}

/** Counts one more, unless there were too many: then it may not be done now. */
export async function spend(
  query: Query,
  { table, column, id }: PaidUntil,
  { burst, refillMs }: Pace,
): Promise<TooOften | undefined> {
  const aheadMsMax = (burst - 1) * refillMs
  const counted = await query(
    `UPDATE ${table} SET ${column} = greatest(${column}, statement_now()) + $2
     WHERE id = $1 AND ${column} <= statement_now() + $3 RETURNING id`,
    [id, refillMs, aheadMsMax],
  )
  if (counted.length === 1) return undefined
  const [row] = await query(
    `SELECT ${column} - statement_now() AS ahead_ms FROM ${table} WHERE id = $1`,
    [id],
  )
  const waitMs = row === undefined ? refillMs : integer(row, 'ahead_ms') - aheadMsMax
  return { kind: 'too-often', retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) }
}
