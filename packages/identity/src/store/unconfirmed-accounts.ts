import { buryAccount } from './accounts.ts'
import { text } from './columns.ts'
import type { Query } from './database.ts'

export interface InsertedOver<Inserted> {
  /** Undefined when the identifier is somebody's. */
  readonly inserted: Inserted | undefined
  /** The account that gave way. Its event is left to the caller: events come after all accounts. */
  readonly buried: string | undefined
}

/**
 * Inserts an account that an administrator makes, over one with its identifier that a stranger has registered and
 * nobody confirmed: whoever types an address first must not decide what becomes of its owner. Nobody could sign
 * in to that one, so nothing is revoked. `insert` answers nothing where the identifier is taken.
 */
export async function insertOverUnconfirmed<Inserted>(
  query: Query,
  identifier: string,
  insert: () => Promise<Inserted | undefined>,
): Promise<InsertedOver<Inserted>> {
  const inserted = await insert()
  if (inserted !== undefined) return { inserted, buried: undefined }
  // Locked, as by the link that would confirm it: whichever comes first has it.
  const [waiting] = await query(
    'SELECT id FROM accounts WHERE identifier = $1 AND unconfirmed = 1 FOR UPDATE',
    [identifier],
  )
  if (waiting === undefined) return { inserted: undefined, buried: undefined }
  const buried = text(waiting, 'id')
  await buryAccount(query, buried)
  return { inserted: await insert(), buried }
}
