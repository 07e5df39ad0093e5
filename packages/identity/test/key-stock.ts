import { randomBytes } from 'node:crypto'
import type { Row } from '../src/store/database.ts'
import { queryStore } from './store-query.ts'

/*
 * Making an RSA key takes longer than most tests, so the issuers of one test file begin with the keys that
 * the first of them has made. They are sealed with one key, and bound to nothing else.
 */

export const sharedSealingKey: Buffer = randomBytes(32)

let stock: readonly Row[] = []

/** Puts the stock into a store that has its schema and no keys. */
export async function fillWithKeys(url: string): Promise<void> {
  for (const row of stock) {
    const columns = Object.keys(row)
    const values = Object.values(row).map(literal)
    await queryStore(
      url,
      `INSERT INTO signing_keys (${columns.join(', ')}) VALUES (${values.join(', ')})`,
    )
  }
}

/** Takes the keys of a store for those that come after it, unless there are some already. */
export async function keepKeysOf(url: string): Promise<void> {
  if (stock.length === 0) stock = await queryStore(url, 'SELECT * FROM signing_keys')
}

function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  return typeof value === 'number' ? String(value) : 'NULL'
}
