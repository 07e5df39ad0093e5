import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Database, Row } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { insertAccount } from './opened-store.ts'
import { startError } from './start-error.ts'
import { queryStore } from './store-query.ts'

async function open(t: TestContext, url: string): Promise<Database> {
  const database = await openDatabase(url, { now: () => startMs })
  t.after(database.close)
  return database
}

/** A store as a program leaves it, and what somebody else then did to it. */
async function alteredStore(t: TestContext, url: string, ...sql: readonly string[]): Promise<void> {
  await (await open(t, url)).close()
  for (const statement of sql) await queryStore(url, statement)
}

/** What each engine calls its tables, and which steps it has. */
const listTables = {
  SQLite: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  PostgreSQL: "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
}
const stepsOf = { SQLite: [1, 2, 3, 4, 5, 6, 7, 9], PostgreSQL: [3, 4, 5, 6, 7, 9] }

function copyOf(rows: readonly Row[]): readonly Row[] {
  return rows.map((row) => ({ ...row }))
}

testOnEngines('a fresh database gets every table', async (t, engine) => {
  const database = await open(t, await engine.createStore(t))
  const tables = (await database.read(listTables[engine.name])).map((row) => String(row['name']))
  assert.deepEqual(tables.toSorted(), [
    'account_links',
    'accounts',
    'clients',
    'events',
    'login_counters',
    'migrations',
    'revocation_head',
    'revocations',
    'sessions',
    'signing_keys',
  ])
})

testOnEngines('opening again keeps the rows and applies no step twice', async (t, engine) => {
  const url = await engine.createStore(t)
  const first = await open(t, url)
  await first.write(insertAccount, ['one', 'alice'])
  await first.close()
  const second = await open(t, url)
  assert.equal((await second.read('SELECT id FROM accounts')).length, 1)
  const steps = await second.read('SELECT id, additive, applied_at FROM migrations ORDER BY id')
  assert.deepEqual(
    copyOf(steps),
    stepsOf[engine.name].map((id) => ({ id, additive: id >= 4 ? 1 : 0, applied_at: startMs })),
  )
})

testOnEngines(
  'a store of the release before gets what it lacks, and keeps what it has',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const first = await open(t, url)
    await first.write(insertAccount, ['one', 'alice'])
    await first.close()
    await queryStore(url, 'DELETE FROM migrations WHERE id = 4')
    await queryStore(url, 'ALTER TABLE migrations DROP COLUMN additive')
    await queryStore(url, 'ALTER TABLE revocation_head DROP COLUMN lineage')
    const second = await open(t, url)
    assert.equal((await second.read('SELECT id FROM accounts')).length, 1)
    assert.deepEqual(await second.read('SELECT lineage FROM revocation_head'), [])
    const additive = await second.read('SELECT id FROM migrations WHERE additive = 1')
    assert.deepEqual(copyOf(additive), [{ id: 4 }])
  },
)

const future = 'INSERT INTO migrations (id, name, checksum, applied_at, additive) VALUES'

testOnEngines(
  'a store of a newer release that has only added to it is gone on with',
  async (t, engine) => {
    const url = await engine.createStore(t)
    await alteredStore(
      t,
      url,
      `${future} (98, 'from the future', 'x', 0, 1), (99, 'from later', 'x', 0, 1)`,
    )
    const database = await open(t, url)
    await database.write(insertAccount, ['one', 'alice'])
    const steps = await database.read('SELECT id FROM migrations ORDER BY id')
    assert.deepEqual(
      steps.map(({ id }) => id),
      [...stepsOf[engine.name], 98, 99],
    )
  },
)

testOnEngines('a store of a newer release that has changed it is left alone', async (t, engine) => {
  const url = await engine.createStore(t)
  await alteredStore(
    t,
    url,
    `${future} (98, 'from the future', 'x', 0, 1), (99, 'from later', 'x', 0, 0)`,
    'DELETE FROM migrations WHERE id = 4',
  )
  const before = await queryStore(url, 'SELECT * FROM migrations ORDER BY id')
  await assert.rejects(open(t, url), startError(/newer release \(schema step 99\)/))
  assert.deepEqual(await queryStore(url, 'SELECT * FROM migrations ORDER BY id'), before)
})

testOnEngines(
  'a schema step with different SQL is refused, and nothing is changed',
  async (t, engine) => {
    const url = await engine.createStore(t)
    await alteredStore(t, url, "UPDATE migrations SET checksum = 'other'")
    const before = await queryStore(url, 'SELECT * FROM migrations ORDER BY id')
    const [first] = stepsOf[engine.name]
    const refusal = startError(new RegExp(`schema step ${first} with different SQL`))
    await assert.rejects(open(t, url), refusal)
    assert.deepEqual(await queryStore(url, 'SELECT * FROM migrations ORDER BY id'), before)
  },
)

testOnEngines('a step that fails leaves nothing of itself behind', async (t, engine) => {
  const url = await engine.createStore(t)
  // The fourth table of the first step is there already, so the step cannot be completed.
  await queryStore(url, 'CREATE TABLE signing_keys (id text)')
  await assert.rejects(open(t, url), startError(/signing_keys"? already exists/))
  assert.deepEqual(copyOf(await queryStore(url, listTables[engine.name])), [
    { name: 'signing_keys' },
  ])
})
