import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { before, test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { Client } from 'pg'
import type { PostgresServer } from '../../../tools/postgres-server.ts'
import { startPostgres } from '../../../tools/postgres-server.ts'
import { StoreUnavailableError } from '../src/domain/store-unavailable.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/** A server of this file's own: it is ended and started again. */
let server: PostgresServer | undefined
before(async () => {
  server = await startPostgres({ isDurable: false })
})
test.after(() => server?.remove())

function sortedLines(rows: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return rows.map((row) => String(row['line'])).toSorted()
}

let databases = 0

/** A test with an empty database of that server; left out aloud where there is none. */
function testOnServer(
  sentence: string,
  body: (t: TestContext, parts: { url: string; server: PostgresServer }) => Promise<void>,
): void {
  test(sentence, async (t) => {
    if (server === undefined) {
      t.skip('npm has no PostgreSQL for this machine')
      return
    }
    databases += 1
    const name = `database_${databases}`
    await ask(server.url, `CREATE DATABASE ${name}`)
    const url = new URL(server.url)
    url.pathname = `/${name}`
    await body(t, { url: url.href, server })
  })
}

async function ask(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

async function open(t: TestContext, url: string): Promise<Database> {
  const database = await openDatabase(url)
  t.after(database.close)
  return database
}

async function tryToOpen(url: string): Promise<StartError> {
  const error: unknown = await openDatabase(url).then(
    () => assert.fail('it was opened'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof StartError, String(error))
  return error
}

const insertAccount =
  'INSERT INTO accounts (id, identifier, password_hash, roles, generation, created_at) ' +
  "VALUES ($1, $1, 'hash', '[]', 0, 0)"

function raise(accountId: string): [string, string[]] {
  return ['UPDATE accounts SET generation = generation + 1 WHERE id = $1', [accountId]]
}

testOnServer('both engines have the same tables with the same columns', async (t, { url }) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const sqlite = await openDatabase(`sqlite:${folder.path}/identity.db`)
  t.after(sqlite.close)
  const postgres = await open(t, url)
  const embedded = await sqlite.read(
    `SELECT tables.name || '.' || columns.name || CASE columns."notnull" + columns.pk WHEN 0 THEN '' ELSE ' required' END AS line
     FROM pragma_table_list AS tables JOIN pragma_table_info(tables.name) AS columns
     WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'`,
  )
  const cluster = await postgres.read(
    `SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN '' ELSE ' required' END AS line
     FROM information_schema.columns WHERE table_schema = 'public'`,
  )
  assert.ok(embedded.length > 50, `only ${embedded.length} columns were found`)
  assert.deepEqual(sortedLines(cluster), sortedLines(embedded))
})

testOnServer(
  'nodes that open one empty database at once agree on its schema',
  async (t, { url }) => {
    const nodes = await Promise.all(Array.from({ length: 5 }, () => open(t, url)))
    const [steps] = await Promise.all(nodes.map((node) => node.read('SELECT id FROM migrations')))
    assert.deepEqual(steps?.map((row) => row['id']).slice(0, 2), [3, 4])
  },
)

testOnServer(
  'a server that acknowledges what is not on its disk is refused',
  async (_t, { url }) => {
    const name = new URL(url).pathname.slice(1)
    await ask(url, `ALTER DATABASE ${name} SET synchronous_commit = off`)
    const { message, remedy } = await tryToOpen(url)
    assert.match(message, /synchronous_commit is off/)
    assert.match(remedy, /Set it to on/)
  },
)

testOnServer(
  'an address that leads nowhere says why, and never the password',
  async (_t, { url }) => {
    const nowhere = new URL(url)
    nowhere.password = 'a-secret-word'
    nowhere.port = '1'
    const unknown = new URL(url)
    unknown.password = 'a-secret-word'
    unknown.pathname = '/no_such_database'
    for (const [address, why] of [
      [nowhere.href, /cannot be used: ECONNREFUSED/],
      [unknown.href, /"no_such_database" does not exist/],
    ] as const) {
      const { message, remedy, cause } = await tryToOpen(address)
      assert.match(message, why)
      assert.ok(!`${message} ${remedy} ${String(cause)}`.includes('a-secret-word'))
    }
  },
)

/** The children of a killed server follow it, and on a busy machine not at once. */
async function untilRefused(attempt: () => Promise<unknown>): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      await attempt()
    } catch {
      return
    }
    assert.ok(performance.now() < deadline, 'the server still answers')
  }
}

testOnServer(
  'while the server is gone it says so, and it is back without a restart',
  async (t, opened) => {
    const database = await open(t, opened.url)
    await database.write(insertAccount, ['one'])
    await opened.server.kill()
    await untilRefused(() => database.read('SELECT id FROM accounts'))
    for (const attempt of [
      () => database.read('SELECT id FROM accounts'),
      () => database.write(...raise('one')),
      () => database.transaction((query) => query(...raise('one'))),
      () => database.exclusive((query) => query(...raise('one'))),
    ]) {
      await assert.rejects(attempt, StoreUnavailableError)
    }
    await opened.server.start()
    await database.write(...raise('one'))
    assert.deepEqual(
      (await database.read('SELECT id, generation FROM accounts')).map((row) => ({ ...row })),
      [{ id: 'one', generation: 1 }],
    )
  },
)

testOnServer(
  'a transaction that is cut off in the middle has changed nothing',
  async (t, { url }) => {
    const database = await open(t, url)
    await database.write(insertAccount, ['one'])
    const cut = database.transaction(async (query) => {
      await query(...raise('one'))
      const [row] = await query('SELECT pg_backend_pid() AS pid')
      await ask(url, `SELECT pg_terminate_backend(${String(row?.['pid'])})`)
      await query(...raise('one'))
    })
    await assert.rejects(cut, StoreUnavailableError)
    const [row] = await database.read('SELECT generation FROM accounts')
    assert.equal(row?.['generation'], 0)
  },
)

testOnServer(
  'of two that lock each other out one is run again, and both are done',
  async (t, { url }) => {
    const database = await open(t, url)
    for (const id of ['one', 'two']) await database.write(insertAccount, [id])
    let runs = 0
    let locks = 0
    const { promise: meeting, resolve: bothHaveOne } = Promise.withResolvers<void>()
    const raiseBoth = (first: string, second: string): Promise<unknown> =>
      database.transaction(async (query) => {
        runs += 1
        await query(...raise(first))
        locks += 1
        if (locks === 2) bothHaveOne()
        await meeting
        await query(...raise(second))
      })
    await Promise.all([raiseBoth('one', 'two'), raiseBoth('two', 'one')])
    assert.ok(runs > 2, 'they did not lock each other out')
    const rows = await database.read('SELECT generation FROM accounts')
    assert.deepEqual(
      rows.map((row) => row['generation']),
      [2, 2],
    )
  },
)

testOnServer(
  'steps that overlook a failed statement are told that nothing was done',
  async (t, { url }) => {
    const database = await open(t, url)
    const overlooking = database.transaction(async (query) => {
      await query(insertAccount, ['one'])
      await query(insertAccount, ['one']).catch(() => undefined)
    })
    await assert.rejects(overlooking, /a failed statement was overlooked/)
    assert.deepEqual(await database.read('SELECT id FROM accounts'), [])
  },
)

testOnServer(
  'the clock of a read is from before its rows, that of a waiting change from after the wait',
  async (t, { url }) => {
    const database = await open(t, url)
    await database.write(insertAccount, ['one'])
    let waiting: Promise<number> | undefined
    const slow = await database.transaction(async (query) => {
      await query(...raise('one'))
      waiting = database.transaction(async (other) => {
        const [begun] = await other('SELECT transaction_now() AS now')
        await other('SELECT id FROM accounts WHERE id = $1 FOR UPDATE', ['one'])
        const [later] = await other('SELECT transaction_now() AS begun, statement_now() AS now')
        assert.equal(later?.['begun'], begun?.['now'])
        return Number(later?.['now']) - Number(begun?.['now'])
      })
      await query('SELECT pg_sleep(0.5)')
    })
    assert.equal(slow, undefined)
    assert.ok(Number(await waiting) > 50, 'the lock was not waited for')
  },
)
