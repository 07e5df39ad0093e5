import type { Sealer } from '../domain/sealing.ts'
import { text } from './columns.ts'
import type { Database, Query } from './database.ts'

/** A table with a column that holds sealed text, bound to the id of its row. */
interface SealedHolder {
  readonly table: string
  readonly id: string
  readonly sealed: string
}

/** Everything that is sealed. Whoever seals something else adds a line here, and it is rolled with the rest. */
const holders: readonly SealedHolder[] = [
  { table: 'signing_keys', id: 'kid', sealed: 'sealed_private_key' },
  { table: 'sealed_secrets', id: 'name', sealed: 'sealed' },
  { table: 'event_streams', id: 'id', sealed: 'sealed_authorization' },
]

/**
 * Puts everything under the present sealing key, in one step, and answers how much that was. What does not
 * open stays as it is, for whoever needs it to complain.
 */
export function reseal(database: Database, sealer: Sealer): Promise<number> {
  return database.exclusive(async (query) => {
    let resealed = 0
    for (const holder of holders) resealed += await resealTable(query, holder, sealer)
    return resealed
  })
}

async function resealTable(
  query: Query,
  { table, id, sealed }: SealedHolder,
  sealer: Sealer,
): Promise<number> {
  const rows = await query(
    `SELECT ${id} AS id, ${sealed} AS sealed FROM ${table} WHERE ${sealed} IS NOT NULL`,
  )
  let resealed = 0
  for (const row of rows) {
    const context = text(row, 'id')
    const renewed = sealer.reseal(text(row, 'sealed'), context)
    if (renewed === undefined) continue
    await query(`UPDATE ${table} SET ${sealed} = $2 WHERE ${id} = $1`, [context, renewed])
    resealed += 1
  }
  return resealed
}
