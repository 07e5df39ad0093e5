import { openDatabase } from '../../packages/identity/src/store/open-database.ts'
import type { Database } from '../../packages/identity/src/store/database.ts'
import { untilItWorks } from '../patience.ts'
import type { StoreView } from './store-view.ts'
import { viewOf } from './store-view.ts'

/** What a kill has left in PostgreSQL, read through the store's own connections. */
export async function readStoreServer(url: string): Promise<StoreView> {
  return { ...(await over(url, ({ read }) => viewOf(read))), highWater: undefined }
}

/** Resolves when no connection of this name is left: each ends when it has done what it was sent. */
export function untilNobodyIs(name: string, url: string): Promise<void> {
  return over(url, ({ read }) =>
    untilItWorks(async () => {
      const rows = await read('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
        name,
      ])
      if (rows.length > 0) throw new Error(`${rows.length} connections of ${name} go on`)
    }),
  )
}

async function over<Result>(
  url: string,
  use: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(url)
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}
