import assert from 'node:assert/strict'
import { Client } from 'pg'
import { StoreUnavailableError } from '../src/domain/store-unavailable.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { testOnPostgres } from './engines.ts'

testOnPostgres(
  'a connection that breaks between two statements fails their change and nothing else',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const database = await openDatabase(url)
    const change = database.transaction(async (query) => {
      const [own] = await query('SELECT pg_backend_pid() AS pid')
      await endBackend(url, Number(own?.['pid']))
      return query('SELECT 1 AS one')
    })
    await assert.rejects(change, StoreUnavailableError)
    assert.deepEqual(await database.read('SELECT 2 AS two'), [{ two: 2 }])
    await database.close()
  },
)

/** Resolves when that connection is gone, and heard to be. */
async function endBackend(url: string, pid: number): Promise<void> {
  const client = new Client(url)
  await client.connect()
  const waitMs = 5000
  await client.query('SELECT pg_terminate_backend($1, $2)', [pid, waitMs])
  await client.end()
}
