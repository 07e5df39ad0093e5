import assert from 'node:assert/strict'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/database.ts'
import { createSessionStore } from '../src/store/sessions.ts'
import { startMs } from './chosen-clock.ts'
import { openStoreAt } from './opened-store.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

function folderOf(t: TestContext): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return folder.path
}

function open(t: TestContext, path: string): Database {
  const database = openDatabase(`sqlite:${path}`, startMs)
  t.after(database.close)
  return database
}

/** Changes a closed database behind the program's back. */
function change(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

function refusal(message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StartError, String(error))
    assert.match(error.message, message)
    assert.notEqual(error.remedy, '')
    return true
  }
}

const insertAccount =
  'INSERT INTO accounts (id, identifier, password_hash, roles, generation, created_at) ' +
  "VALUES ($1, $2, 'hash', '[]', 0, 0)"

test('a fresh database gets every table, in a folder that is made for it', async (t) => {
  const path = join(folderOf(t), 'state', 'deep', 'identity.db')
  const rows = await open(t, path).query(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
  )
  const tables = rows.map((row) => row['name'])
  assert.deepEqual(tables, [
    'accounts',
    'clients',
    'events',
    'migrations',
    'revocation_head',
    'revocations',
    'sessions',
    'signing_keys',
  ])
})

test('file, side files and folder can be read by their owner only', async (t) => {
  const folder = join(folderOf(t), 'state')
  await open(t, join(folder, 'identity.db')).query(insertAccount, ['one', 'alice'])
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  const files = readdirSync(folder).toSorted()
  assert.deepEqual(files, ['identity.db', 'identity.db-shm', 'identity.db-wal'])
  for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
})

test('opening again keeps the rows and applies no step twice', async (t) => {
  const path = join(folderOf(t), 'identity.db')
  const first = open(t, path)
  await first.query(insertAccount, ['one', 'alice'])
  first.close()
  const second = open(t, path)
  assert.equal((await second.query('SELECT id FROM accounts')).length, 1)
  const steps = await second.query('SELECT id, applied_at FROM migrations')
  assert.deepEqual(
    steps.map((step) => ({ ...step })),
    [1, 2, 3].map((id) => ({ id, applied_at: startMs })),
  )
})

test('every acknowledged change is on the disk: full synchronisation, write-ahead log', async (t) => {
  const database = open(t, join(folderOf(t), 'identity.db'))
  const settingOf = async (name: string): Promise<unknown> =>
    Object.values((await database.query(`PRAGMA ${name}`))[0] ?? {})[0]
  assert.equal(await settingOf('journal_mode'), 'wal')
  assert.equal(await settingOf('synchronous'), 2)
  assert.equal(await settingOf('foreign_keys'), 1)
})

test('a database of a newer release is left alone', (t) => {
  const path = join(folderOf(t), 'identity.db')
  open(t, path).close()
  change(path, "INSERT INTO migrations VALUES (99, 'from the future', 'x', 0)")
  assert.throws(() => open(t, path), refusal(/newer release \(schema step 99\)/))
})

test('a schema step with different SQL is refused, and nothing is changed', (t) => {
  const path = join(folderOf(t), 'identity.db')
  open(t, path).close()
  change(path, "UPDATE migrations SET checksum = 'other'")
  const before = readFileSync(path)
  assert.throws(() => open(t, path), refusal(/schema step 1 with different SQL/))
  assert.deepEqual(readFileSync(path), before)
})

test('a step that fails leaves nothing of itself behind', (t) => {
  const path = join(folderOf(t), 'identity.db')
  // The fourth table of the first step is there already, so the step cannot be completed.
  change(path, 'CREATE TABLE signing_keys (id text)')
  assert.throws(() => open(t, path), refusal(/signing_keys already exists/))
  const database = new DatabaseSync(path)
  t.after(() => database.close())
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  assert.deepEqual(
    tables.map((row) => row['name']),
    ['signing_keys'],
  )
})

test('a file that is no database, or no longer one, is refused', async (t) => {
  const folder = folderOf(t)
  const text = join(folder, 'text.db')
  writeFileSync(
    text,
    'this is a text and no database, and it is long enough for a header'.repeat(9),
  )
  assert.throws(() => open(t, text), refusal(/text\.db cannot be used/))

  const cut = join(folder, 'cut.db')
  const whole = open(t, cut)
  for (let at = 0; at < 200; at += 1) await whole.query(insertAccount, [`${at}`, `name ${at}`])
  whole.close()
  const { size } = statSync(cut)
  truncateSync(cut, size - 8192)
  assert.throws(() => open(t, cut), refusal(/cut\.db cannot be used/))
})

test('a place where no database can be is refused with what stands in the way', (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  mkdirSync(join(folder, 'identity.db'))
  assert.throws(
    () => open(t, join(file, 'identity.db')),
    refusal(/cannot be opened: E(NOTDIR|EXIST)/),
  )
  assert.throws(() => open(t, join(folder, 'identity.db')), refusal(/cannot be opened: EISDIR/))
})

test('an address that is not sqlite:PATH is refused and names what would do', () => {
  for (const url of [
    '',
    'sqlite:',
    'identity.db',
    'postgres://db/identity',
    'SQLITE:identity.db',
  ]) {
    assert.throws(() => openDatabase(url, startMs), refusal(/is not supported/), url)
  }
})

test('a transaction that throws undoes all of its steps', async (t) => {
  const database = open(t, join(folderOf(t), 'identity.db'))
  const failed = database.transaction((query) => {
    query(insertAccount, ['one', 'alice'])
    query(insertAccount, ['two', 'alice'])
  })
  await assert.rejects(failed, /UNIQUE constraint failed/)
  assert.deepEqual(await database.query('SELECT id FROM accounts'), [])
  await database.transaction((query) => query(insertAccount, ['three', 'alice']))
  assert.equal((await database.query('SELECT id FROM accounts')).length, 1)
})

/** Reads and writes back, which loses a count whenever another transaction gets in between. */
function raiseGeneration(database: Database): Promise<unknown> {
  return database.transaction((query) => {
    const [row] = query('SELECT generation FROM accounts')
    return query('UPDATE accounts SET generation = $1', [Number(row?.['generation']) + 1])
  })
}

test('transactions that start together run one after the other', async (t) => {
  const path = join(folderOf(t), 'identity.db')
  const nodes = [open(t, path), open(t, path)]
  await nodes[0]?.query(insertAccount, ['one', 'alice'])
  await Promise.all(Array.from({ length: 25 }, () => nodes.map(raiseGeneration)).flat())
  const [row] = (await nodes[1]?.query('SELECT generation FROM accounts')) ?? []
  assert.equal(row?.['generation'], 50)
})

test('a session belongs to an account and a client that exist', async (t) => {
  const { database, log } = await openStoreAt(join(folderOf(t), 'identity.db'))
  t.after(database.close)
  await database.query(insertAccount, ['one', 'alice'])
  const orphan = createSessionStore(database, log.transaction).open({
    id: 's',
    accountId: 'one',
    clientId: 'none',
    audiences: [],
    scopes: undefined,
    generation: 0,
    seed: '',
    authenticatedAt: 0,
    idleExpiresAt: 0,
    expiresAt: 0,
    device: undefined,
    network: undefined,
  })
  await assert.rejects(orphan, /FOREIGN KEY constraint failed/)
})
