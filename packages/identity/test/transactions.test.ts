import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { insertAccount } from './opened-store.ts'

async function open(t: TestContext, url: string): Promise<Database> {
  const database = await openDatabase(url)
  t.after(database.close)
  return database
}

/** One store as two nodes have it, with these accounts. */
async function openTwice(
  t: TestContext,
  engine: Engine,
  ...ids: readonly string[]
): Promise<readonly [Database, Database]> {
  const url = await engine.createStore(t)
  const nodes = [await open(t, url), await open(t, url)] as const
  for (const id of ids) await nodes[0].write(insertAccount, [id, `name of ${id}`])
  return nodes
}

async function idsIn({ read }: Database): Promise<readonly unknown[]> {
  return (await read('SELECT id FROM accounts ORDER BY id')).map(({ id }) => id)
}

testOnEngines('a transaction that throws undoes all of its steps', async (t, engine) => {
  const [database] = await openTwice(t, engine)
  const failed = database.transaction(async (query) => {
    await query(insertAccount, ['one', 'alice'])
    await query(insertAccount, ['two', 'alice'])
  })
  await assert.rejects(failed, /unique constraint/i)
  const given = new Error('the steps themselves')
  const thrown = database.transaction(async (query) => {
    await query(insertAccount, ['one', 'alice'])
    throw given
  })
  await assert.rejects(thrown, given)
  assert.deepEqual(await idsIn(database), [])
  await database.transaction((query) => query(insertAccount, ['three', 'alice']))
  assert.deepEqual(await idsIn(database), ['three'])
})

testOnEngines(
  'of changes that are asked for at once one that fails undoes only itself',
  async (t, engine) => {
    const [database] = await openTwice(t, engine, 'taken')
    const change = (id: string): Promise<string> =>
      database.transaction(async (query) => {
        await query(insertAccount, [id, id])
        if (id.startsWith('bad')) await query(insertAccount, ['taken', `${id} again`])
        return id
      })
    const ids = ['a', 'bad 1', 'b', 'bad 2', 'bad 3', 'c']
    const outcomes = await Promise.allSettled(ids.map(change))
    for (const [at, outcome] of outcomes.entries()) {
      const id = ids[at]
      if (id?.startsWith('bad') === true) assert.equal(outcome.status, 'rejected', id)
      else assert.deepEqual(outcome, { status: 'fulfilled', value: id })
    }
    assert.deepEqual(await idsIn(database), ['a', 'b', 'c', 'taken'])
  },
)

/** Reads and writes back, which loses a count whenever another transaction gets in between. */
function raiseGeneration(database: Database): Promise<unknown> {
  return database.transaction(async (query) => {
    const [row] = await query('SELECT generation FROM accounts FOR UPDATE')
    return query('UPDATE accounts SET generation = $1', [Number(row?.['generation']) + 1])
  })
}

testOnEngines(
  'transactions that start together from two nodes lose no count',
  async (t, engine) => {
    const nodes = await openTwice(t, engine, 'one')
    await Promise.all(Array.from({ length: 25 }, () => nodes.map(raiseGeneration)).flat())
    const [row] = await nodes[1].read('SELECT generation FROM accounts')
    assert.equal(row?.['generation'], 50)
  },
)

testOnEngines(
  'a read sees nothing of a transaction that is under way, on whatever node',
  async (t, engine) => {
    const nodes = await openTwice(t, engine, 'one')
    const idsEverywhere = (): Promise<unknown> => Promise.all(nodes.map(idsIn))
    const before = [['one'], ['one']]
    await nodes[0].transaction(async (query) => {
      await query(insertAccount, ['two', 'two'])
      assert.deepEqual(await idsEverywhere(), before)
      await query("DELETE FROM accounts WHERE id = 'one'")
      assert.deepEqual(await idsEverywhere(), before)
      const own = await query('SELECT id FROM accounts')
      assert.deepEqual(
        own.map(({ id }) => id),
        ['two'],
      )
    })
    assert.deepEqual(await idsEverywhere(), [['two'], ['two']])
  },
)

testOnEngines('what is exclusive runs alone among all nodes', async (t, engine) => {
  const nodes = await openTwice(t, engine)
  let inside = 0
  let runs = 0
  const runAlone = ({ exclusive }: Database): Promise<void> =>
    exclusive(async (query) => {
      inside += 1
      assert.equal(inside, 1)
      // Nothing in it would make two of them wait for each other.
      for (let many = 0; many < 3; many += 1) await query('SELECT id FROM accounts')
      inside -= 1
      runs += 1
    })
  await Promise.all(Array.from({ length: 10 }, () => nodes.map(runAlone)).flat())
  assert.equal(runs, 20)
})

/** How an engine is made to find out only at the commit that a session has no account. */
const deferForeignKeys = {
  SQLite: 'PRAGMA defer_foreign_keys = ON',
  PostgreSQL: `ALTER TABLE sessions ALTER CONSTRAINT sessions_account_id_fkey DEFERRABLE INITIALLY DEFERRED,
                                    ALTER CONSTRAINT sessions_client_id_fkey DEFERRABLE INITIALLY DEFERRED`,
}

testOnEngines('a commit that fails answers nobody, and has changed nothing', async (t, engine) => {
  const [database] = await openTwice(t, engine)
  let hasRun = false
  const failed = database.transaction(async (query) => {
    await query(insertAccount, ['one', 'alice'])
    await query(deferForeignKeys[engine.name])
    await query(
      `INSERT INTO sessions (id, account_id, client_id, audiences, generation, seed, counter,
                             authenticated_at, last_used_at, idle_expires_at, expires_at)
       VALUES ('orphan', 'nobody', 'none', '[]', 0, '', 0, 0, 0, 0, 0)`,
    )
    hasRun = true
  })
  await assert.rejects(failed, /foreign key constraint/i)
  assert.ok(hasRun)
  assert.deepEqual(await idsIn(database), [])
  await database.write(insertAccount, ['two', 'alice'])
  assert.deepEqual(await idsIn(database), ['two'])
})

testOnEngines(
  'what comes when the database is closed is refused, and nothing worse',
  async (t, engine) => {
    const [database] = await openTwice(t, engine)
    const closing = database.close()
    const late = [database.write(insertAccount, ['late', 'late']), database.read('SELECT 1')]
    await closing
    const later = [
      database.write(insertAccount, ['later', 'later']),
      database.transaction((query) => query(insertAccount, ['later', 'later'])),
      database.read('SELECT id FROM accounts'),
    ]
    const outcomes = await Promise.allSettled([...late, ...later])
    assert.deepEqual(
      outcomes.slice(late.length).map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
  },
)
