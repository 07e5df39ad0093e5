import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { StartError } from '@portcullis/runtime'
import type { NewAccount } from '../src/index.ts'
import { bootstrap, newClientCredential, newRandomSecret } from '../src/index.ts'
import { synchroniseClients } from '../src/store/clients.ts'
import { startMs } from './chosen-clock.ts'
import { alice, machine } from './running-identity.ts'
import { openStoreAt } from './opened-store.ts'
import type { FillOrder } from './store-process.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

function databaseOf(t: TestContext): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  return join(folder.path, 'identity.db')
}

function columnOf(path: string, table: string, column: string): readonly unknown[] {
  const database = new DatabaseSync(path, { readOnly: true })
  const rows = database.prepare(`SELECT ${column} FROM ${table} ORDER BY rowid`).all()
  database.close()
  return rows.map((row) => row[column])
}

test('an empty store gets its first accounts and clients, and a second caller changes nothing', async (t) => {
  const path = databaseOf(t)
  const database = `sqlite:${path}`
  const first = await bootstrap({ database, accounts: [alice], clients: [machine] }, startMs)
  assert.deepEqual(first, { kind: 'bootstrapped' })
  const bob: NewAccount = { ...alice, identifier: 'bob' }
  const second = await bootstrap({ database, accounts: [bob], clients: [] }, startMs)
  assert.deepEqual(second, { kind: 'not-empty' })
  assert.deepEqual(columnOf(path, 'accounts', 'identifier'), ['alice'])
  assert.deepEqual(columnOf(path, 'clients', 'id'), [machine.clientId])
  assert.deepEqual(columnOf(path, 'accounts', 'created_at'), [startMs])
})

test('identifiers are normalised, and passwords and secrets are kept as hashes only', async (t) => {
  const path = databaseOf(t)
  const accounts = [{ ...alice, identifier: 'ＡＬＩＣＥ' }]
  await bootstrap({ database: `sqlite:${path}`, accounts, clients: [machine] }, startMs)
  assert.deepEqual(columnOf(path, 'accounts', 'identifier'), ['alice'])
  const [passwordHash] = columnOf(path, 'accounts', 'password_hash')
  assert.match(String(passwordHash), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  const [secretHash] = columnOf(path, 'clients', 'secret_hash')
  assert.match(String(secretHash), /^[A-Za-z0-9_-]{43}$/)
  assert.notEqual(secretHash, machine.clientSecret)
})

test('it is all or nothing: an account that cannot be made leaves none behind', async (t) => {
  const path = databaseOf(t)
  const database = `sqlite:${path}`
  const twins = [alice, { ...alice, identifier: 'bob' }, { ...alice, identifier: 'ALICE' }]
  await assert.rejects(bootstrap({ database, accounts: twins, clients: [machine] }, startMs))
  assert.deepEqual(columnOf(path, 'accounts', 'id'), [])
  assert.deepEqual(columnOf(path, 'clients', 'id'), [])
  const outcome = await bootstrap({ database, accounts: [alice], clients: [] }, startMs)
  assert.equal(outcome.kind, 'bootstrapped')
})

const refusedAccounts: readonly (readonly [Partial<NewAccount>, RegExp])[] = [
  [{ password: 'short' }, /the password of alice must have at least 8 characters/],
  [{ password: 'x'.repeat(257) }, /the password of alice must not have more than 256/],
  [{ identifier: '' }, /the identifier must not be empty/],
  [{ identifier: 'al ice' }, /the identifier must not contain spaces/],
]

test('a password or an identifier that will not do is a StartError, and makes no file', async (t) => {
  const path = databaseOf(t)
  assert.ok(refusedAccounts.length > 0)
  for (const [wrong, message] of refusedAccounts) {
    const accounts = [{ ...alice, ...wrong }]
    await assert.rejects(
      bootstrap({ database: `sqlite:${path}`, accounts, clients: [] }),
      (error) => error instanceof StartError && message.test(error.message),
    )
  }
  assert.equal(existsSync(path), false)
})

test('a client name that the settings file has taken is a StartError, and changes nothing', async (t) => {
  const path = databaseOf(t)
  const store = await openStoreAt(path)
  const web = { name: 'web', newId: 'web-id', isPublic: true, audiences: [], scopes: [] }
  await synchroniseClients(store.log.transaction, [{ ...web, grants: ['login'] }], startMs)
  store.database.close()
  const clients = [{ ...machine, name: 'web' }]
  await assert.rejects(
    bootstrap({ database: `sqlite:${path}`, accounts: [alice], clients }, startMs),
    (error) => error instanceof StartError && error.message.includes('web'),
  )
  assert.deepEqual(columnOf(path, 'clients', 'id'), ['web-id'])
  assert.deepEqual(columnOf(path, 'accounts', 'id'), [])
})

/** Processes of their own, which fill a store when they are told to. */
async function startProcesses(t: TestContext, count: number): Promise<readonly ChildProcess[]> {
  const entry = fileURLToPath(new URL('./store-process.ts', import.meta.url))
  const children = Array.from({ length: count }, () => fork(entry))
  t.after(() => {
    for (const child of children) child.kill()
  })
  await Promise.all(children.map((child) => once(child, 'message')))
  return children
}

const soonMs = 5

/** Lets all of them fill one store at the same moment, each with accounts that bear its number. */
async function fillAtOnce(
  children: readonly ChildProcess[],
  path: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const startsAtMs = Date.now() + soonMs
  const answers = children.map((child) => once(child, 'message'))
  for (const [number, child] of children.entries()) {
    const identifiers = names.map((name) => `${name}-${number}`)
    child.send({ database: `sqlite:${path}`, identifiers, startsAtMs } satisfies FillOrder)
  }
  return (await Promise.all(answers)).map(([answer]: unknown[]) => String(answer))
}

test('of several processes that fill one fresh store at once, exactly one does', async (t) => {
  const path = databaseOf(t)
  const children = await startProcesses(t, 3)
  const outcomes = await fillAtOnce(children, path, ['one', 'two', 'three'])
  assert.deepEqual(outcomes.toSorted(), ['bootstrapped', 'not-empty', 'not-empty'])
  const identifiers = columnOf(path, 'accounts', 'identifier').map(String)
  const winner = outcomes.indexOf('bootstrapped')
  assert.deepEqual(identifiers, [`one-${winner}`, `two-${winner}`, `three-${winner}`])

  // Without passwords to hash all of them reach the file in the same millisecond.
  for (let round = 0; round < 40; round += 1) {
    const opened = await fillAtOnce(children, `${path}-${round}`, [])
    assert.deepEqual(opened, ['bootstrapped', 'bootstrapped', 'bootstrapped'])
  }
})

test('new credentials are random, long enough, and safe in a URL', () => {
  const credentials = Array.from({ length: 50 }, newClientCredential)
  for (const { clientId, clientSecret } of credentials) {
    assert.match(clientId, /^[A-Za-z0-9_-]{22}$/)
    assert.match(clientSecret, /^[A-Za-z0-9_-]{43}$/)
  }
  assert.equal(new Set(credentials.map(({ clientId }) => clientId)).size, 50)
  assert.match(newRandomSecret(), /^[A-Za-z0-9_-]{43}$/)
})
