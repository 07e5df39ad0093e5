import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { StartError } from '@portcullis/runtime'
import type { NewAccount, NewClient } from '../src/index.ts'
import { bootstrap, ensureClients, newClientCredential, newRandomSecret } from '../src/index.ts'
import { synchroniseClients } from '../src/store/clients.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { alice, machine } from './running-identity.ts'
import { openStoreAt } from './opened-store.ts'
import type { FillOrder } from './store-process.ts'
import { queryStore } from './store-query.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const chosen = { now: createChosenClock().now }

async function columnOf(
  database: string,
  table: string,
  column: string,
): Promise<readonly unknown[]> {
  const rows = await queryStore(database, `SELECT ${column} FROM ${table} ORDER BY ${column}`)
  return rows.map((row) => row[column])
}

testOnEngines(
  'an empty store gets its first accounts and clients, and a second caller changes nothing',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const first = await bootstrap({ database, accounts: [alice], clients: [machine] }, chosen)
    assert.deepEqual(first, { kind: 'bootstrapped' })
    const bob: NewAccount = { ...alice, identifier: 'bob' }
    const second = await bootstrap({ database, accounts: [bob], clients: [] }, chosen)
    assert.deepEqual(second, { kind: 'not-empty' })
    assert.deepEqual(await columnOf(database, 'accounts', 'identifier'), ['alice'])
    assert.deepEqual(await columnOf(database, 'clients', 'id'), [machine.clientId])
    const times = await columnOf(database, 'accounts', 'created_at')
    assert.deepEqual(times.map(Number), [startMs])
  },
)

testOnEngines(
  'an identifier that is an address is where mail goes, so that its owner can reset the password',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const carol = { ...alice, identifier: 'Carol@Mail.Example' }
    await bootstrap({ database, accounts: [alice, carol], clients: [] }, chosen)
    const rows = await queryStore(database, 'SELECT email FROM accounts ORDER BY identifier')
    assert.deepEqual(
      rows.map(({ email }) => email),
      [null, 'carol@mail.example'],
    )
  },
)

testOnEngines(
  'identifiers are normalised, and passwords and secrets are kept as hashes only',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const accounts = [{ ...alice, identifier: 'ＡＬＩＣＥ' }]
    await bootstrap({ database, accounts, clients: [machine] }, chosen)
    assert.deepEqual(await columnOf(database, 'accounts', 'identifier'), ['alice'])
    const [passwordHash] = await columnOf(database, 'accounts', 'password_hash')
    assert.match(String(passwordHash), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    const [secretHash] = await columnOf(database, 'clients', 'secret_hash')
    assert.match(String(secretHash), /^[A-Za-z0-9_-]{43}$/)
    assert.notEqual(secretHash, machine.clientSecret)
  },
)

testOnEngines(
  'it is all or nothing: an account that cannot be made leaves none behind',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const twins = [alice, { ...alice, identifier: 'bob' }, { ...alice, identifier: 'ALICE' }]
    await assert.rejects(bootstrap({ database, accounts: twins, clients: [machine] }, chosen))
    assert.deepEqual(await columnOf(database, 'accounts', 'id'), [])
    assert.deepEqual(await columnOf(database, 'clients', 'id'), [])
    const outcome = await bootstrap({ database, accounts: [alice], clients: [] }, chosen)
    assert.equal(outcome.kind, 'bootstrapped')
  },
)

const refusedAccounts: readonly (readonly [Partial<NewAccount>, RegExp])[] = [
  [{ password: 'short' }, /the password of alice must have at least 8 characters/],
  [{ password: 'x'.repeat(257) }, /the password of alice must not have more than 256/],
  [{ password: 'Password123' }, /the password of alice is among the passwords that are guessed/],
  [{ password: 'alice in chains' }, /the password of alice must not contain the identifier/],
  [{ identifier: '' }, /the identifier must not be empty/],
  [{ identifier: 'al ice' }, /the identifier must not contain spaces/],
]

test('a password or an identifier that will not do is a StartError, and makes no file', async (t) => {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, 'identity.db')
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

testOnEngines(
  'hashes of another system are taken over as they are, and one that cannot be read is a StartError',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const passwordHash = '$2b$05$Z17AXnnlpzddNUvnC6cZNOSwMA/8oNiKnHTHTwLlBijfucQQlHjaG'
    const importing = (hash: string): Promise<unknown> =>
      bootstrap({
        database,
        accounts: [{ identifier: 'Carol', passwordHash: hash, roles: [] }],
        clients: [],
      })
    const faults: readonly (readonly [string, string])[] = [
      [passwordHash.slice(1), 'unknown-format'],
      [passwordHash.slice(0, -1), 'damaged'],
      [passwordHash.replace('$05$', '$31$'), 'too-costly'],
    ]
    for (const [hash, why] of faults) {
      await assert.rejects(
        importing(hash),
        (error) =>
          error instanceof StartError &&
          error.message === `the password hash of carol cannot be taken over: it is ${why}`,
      )
    }
    assert.deepEqual(await importing(passwordHash), { kind: 'bootstrapped' })
    assert.deepEqual(await columnOf(database, 'accounts', 'password_hash'), [passwordHash])
  },
)

testOnEngines(
  'a client whose credential the store does not let in is told apart: another one, an exchanged one and a deleted one',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const ensure = (client: NewClient): Promise<unknown> => ensureClients(database, [client])
    assert.deepEqual(await ensure(machine), [])
    assert.deepEqual(await ensure(machine), [])
    const other = [{ name: machine.name, why: 'other-credential' }]
    assert.deepEqual(await ensure({ ...machine, clientId: 'another' }), other)
    assert.deepEqual(await ensure({ ...machine, clientSecret: 'another' }), other)
    const exchange = `UPDATE clients SET former_secret_hash = secret_hash, secret_hash = 'next', former_secret_until =`
    const until = Date.now() + 60_000
    await queryStore(database, `${exchange} ${until}`)
    assert.deepEqual(await ensure(machine), [], 'the one before is still good')
    await queryStore(database, 'UPDATE clients SET former_secret_until = 1')
    assert.deepEqual(await ensure(machine), other)
    await queryStore(database, "UPDATE clients SET name = 'deleted ' || id, deleted_at = 1")
    assert.deepEqual(await ensure(machine), [{ name: machine.name, why: 'deleted' }])
    assert.deepEqual(await columnOf(database, 'clients', 'id'), [machine.clientId])
  },
)

testOnEngines(
  'a client name that the settings file has taken is a StartError, and changes nothing',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const store = await openStoreAt(database)
    const web = { name: 'web', newId: 'web-id', isPublic: true, audiences: [], scopes: [] }
    await synchroniseClients(store.log.transaction, [{ ...web, grants: ['login'] }])
    await store.database.close()
    const clients = [{ ...machine, name: 'web' }]
    await assert.rejects(
      bootstrap({ database, accounts: [alice], clients }, chosen),
      (error) => error instanceof StartError && error.message.includes('web'),
    )
    assert.deepEqual(await columnOf(database, 'clients', 'id'), ['web-id'])
    assert.deepEqual(await columnOf(database, 'accounts', 'id'), [])
  },
)

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
  database: string,
  names: readonly string[],
): Promise<readonly string[]> {
  const startsAtMs = Date.now() + soonMs
  const answers = children.map((child) => once(child, 'message'))
  for (const [number, child] of children.entries()) {
    const identifiers = names.map((name) => `${name}-${number}`)
    child.send({ database, identifiers, startsAtMs } satisfies FillOrder)
  }
  return (await Promise.all(answers)).map(([answer]: unknown[]) => String(answer))
}

/** A database of a server takes longer to make than a file. */
const rounds = { SQLite: 40, PostgreSQL: 10 }

testOnEngines(
  'of several processes that fill one fresh store at once, exactly one does',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const children = await startProcesses(t, 3)
    const outcomes = await fillAtOnce(children, database, ['one', 'two', 'three'])
    assert.deepEqual(outcomes.toSorted(), ['bootstrapped', 'not-empty', 'not-empty'])
    const identifiers = await columnOf(database, 'accounts', 'identifier')
    const winner = outcomes.indexOf('bootstrapped')
    assert.deepEqual(identifiers, [`one-${winner}`, `three-${winner}`, `two-${winner}`])

    // Without passwords to hash all of them reach the store in the same millisecond.
    for (let round = 0; round < rounds[engine.name]; round += 1) {
      const opened = await fillAtOnce(children, await engine.createStore(t), [])
      assert.deepEqual(opened, ['bootstrapped', 'bootstrapped', 'bootstrapped'])
    }
  },
)

test('new credentials are random, long enough, and safe in a URL', () => {
  const credentials = Array.from({ length: 50 }, newClientCredential)
  for (const { clientId, clientSecret } of credentials) {
    assert.match(clientId, /^[A-Za-z0-9_-]{22}$/)
    assert.match(clientSecret, /^[A-Za-z0-9_-]{43}$/)
  }
  assert.equal(new Set(credentials.map(({ clientId }) => clientId)).size, 50)
  assert.match(newRandomSecret(), /^[A-Za-z0-9_-]{43}$/)
})
