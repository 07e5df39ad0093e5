import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { StoreUnavailableError } from '../src/domain/store-unavailable.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { createSessionStore } from '../src/store/sessions.ts'
import { testOnEngines } from './engines.ts'
import { insertAccount, openStoreAt } from './opened-store.ts'
import { startError } from './start-error.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

function folderOf(t: TestContext): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return folder.path
}

async function open(t: TestContext, path: string): Promise<Database> {
  const database = await openDatabase(`sqlite:${path}`)
  t.after(database.close)
  return database
}

test('a file is made, in a folder that is made for it, and both can be read by their owner only', async (t) => {
  const folder = join(folderOf(t), 'deep', 'state')
  const database = await open(t, join(folder, 'identity.db'))
  await database.write(insertAccount, ['one', 'alice'])
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  const files = readdirSync(folder).toSorted()
  assert.deepEqual(files, ['identity.db', 'identity.db-shm', 'identity.db-wal'])
  for (const file of files) assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
})

test('every acknowledged change is on the disk: full synchronisation, write-ahead log', async (t) => {
  const database = await open(t, join(folderOf(t), 'identity.db'))
  // Asked of the connection that writes.
  const settingOf = async (name: string): Promise<unknown> =>
    Object.values((await database.write(`PRAGMA ${name}`))[0] ?? {})[0]
  assert.equal(await settingOf('journal_mode'), 'wal')
  assert.equal(await settingOf('synchronous'), 2)
  assert.equal(await settingOf('foreign_keys'), 1)
})

test('a file that is no database, or no longer one, is refused', async (t) => {
  const folder = folderOf(t)
  const text = join(folder, 'text.db')
  writeFileSync(
    text,
    'this is a text and no database, and it is long enough for a header'.repeat(9),
  )
  await assert.rejects(open(t, text), startError(/text\.db cannot be used/))

  const cut = join(folder, 'cut.db')
  const whole = await open(t, cut)
  for (let at = 0; at < 200; at += 1) await whole.write(insertAccount, [`${at}`, `name ${at}`])
  await whole.close()
  const { size } = statSync(cut)
  truncateSync(cut, size - 8192)
  await assert.rejects(open(t, cut), startError(/cut\.db cannot be used/))
})

test('a place where no database can be is refused with what stands in the way', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  mkdirSync(join(folder, 'identity.db'))
  await assert.rejects(
    open(t, join(file, 'identity.db')),
    startError(/cannot be opened: E(NOTDIR|EXIST)/),
  )
  await assert.rejects(open(t, join(folder, 'identity.db')), startError(/cannot be opened: EISDIR/))
})

test('an address of another kind is refused and names what would do', async () => {
  for (const url of [
    '',
    'sqlite:',
    'identity.db',
    'mysql://db/identity',
    'postgres:identity',
    'POSTGRES://db/identity',
    'SQLite:identity.db',
  ]) {
    await assert.rejects(openDatabase(url), startError(/is not supported/), url)
  }
})

test('a change for which there is no room is refused as such, and what is there stays readable', async (t) => {
  const database = await open(t, join(folderOf(t), 'identity.db'))
  await database.write(insertAccount, ['one', 'alice'])
  const [size] = await database.write('PRAGMA page_count')
  await database.write(`PRAGMA max_page_count = ${Number(size?.['page_count'])}`)
  const long = database.write(insertAccount, ['two', 'x'.repeat(100_000)])
  await assert.rejects(long, StoreUnavailableError)
  assert.equal((await database.read('SELECT id FROM accounts')).length, 1)
  await database.write('PRAGMA max_page_count = 1000000')
  await database.write(insertAccount, ['two', 'x'.repeat(100_000)])
  assert.equal((await database.read('SELECT id FROM accounts')).length, 2)
})

testOnEngines('a session belongs to an account and a client that exist', async (t, engine) => {
  const { database, log } = await openStoreAt(await engine.createStore(t))
  t.after(database.close)
  await database.write(insertAccount, ['one', 'alice'])
  const orphan = createSessionStore(database, log.transaction).open({
    id: 's',
    accountId: 'one',
    clientId: 'none',
    audiences: [],
    scopes: undefined,
    generation: Number.MAX_SAFE_INTEGER,
    seed: '',
    authenticatedAt: 0,
    idleExpiresAt: 0,
    expiresAt: 0,
    device: undefined,
    network: undefined,
    delivery: 'body',
    keyThumbprint: undefined,
  })
  await assert.rejects(orphan, /foreign key constraint/i)
  assert.deepEqual(await database.read('SELECT id FROM sessions'), [])
})
