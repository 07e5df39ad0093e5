import type { TooOften } from '../domain/sessions.ts'
import { endingPace } from '../domain/sessions.ts'
import type { Query } from './database.ts'
import { spend } from './pace.ts'

/** Counts one more end of other sessions, unless there were too many: then nothing may be ended now. */
export function countEnding(query: Query, accountId: string): Promise<TooOften | undefined> {
  const place = { table: 'accounts', column: 'endings_paid_until', id: accountId } as const
  return spend(query, place, endingPace)
}
