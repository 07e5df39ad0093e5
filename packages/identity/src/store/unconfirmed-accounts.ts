import { buryAccount } from './accounts.ts'
import { text } from './columns.ts'
import type { Query } from './database.ts'
import { appendEvent } from './events.ts'

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

/** Accounts that one step takes away: others wait while it lasts. */
const forgottenMax = 100

/**
 * Takes away accounts that nobody has confirmed in `unconfirmedMs`, and answers whether there may be more. Those
 * that somebody else has locked are left for the next time: a step waits for nobody.
 */
export async function forgetUnconfirmed(query: Query, unconfirmedMs: number): Promise<boolean> {
  const expired = await query(
    `SELECT id FROM accounts WHERE unconfirmed = 1 AND created_at <= statement_now() - $1
     ORDER BY created_at LIMIT ${forgottenMax} FOR UPDATE SKIP LOCKED`,
    [unconfirmedMs],
  )
  for (const row of expired) await forget(query, text(row, 'id'))
  return expired.length === forgottenMax
}

/**
 * Strangers make as many as they like, so nothing stays of them, an event least of all: nobody ever signed in, no
 * service has seen the id, and whoever asks what became of an account had none. Only where an administrator
 * has decided something about it, which they do not do by the thousand, there is a grave for his events to point to.
 */
async function forget(query: Query, accountId: string): Promise<void> {
  const decisions = await query(
    'SELECT id FROM events WHERE account_id = $1 AND actor IS NOT NULL LIMIT 1',
    [accountId],
  )
  if (decisions.length > 0) {
    await buryAccount(query, accountId)
    await appendEvent(query, { kind: 'account-deleted', accountId, reason: 'nobody confirmed it' })
    return
  }
  await query('DELETE FROM account_links WHERE account_id = $1', [accountId])
  await query('DELETE FROM events WHERE account_id = $1 AND chain IS NULL', [accountId])
  await query('DELETE FROM accounts WHERE id = $1', [accountId])
}
