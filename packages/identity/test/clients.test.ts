import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { Client } from '../src/domain/clients.ts'
import { authenticateClient } from '../src/domain/client-authentication.ts'
import { hashClientSecret } from '../src/domain/clients.ts'
import { randomIdentifier } from '../src/domain/random.ts'
import type { DeclaredClient } from '../src/store/clients.ts'
import { createClientStore, insertClient, synchroniseClients } from '../src/store/clients.ts'
import type { Database } from '../src/store/database.ts'
import { createUsedProofs } from '../src/store/used-proofs.ts'
import { startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { firstBase } from './first-base.ts'
import type { OpenedStore } from './opened-store.ts'
import { openStoreAt, storeIssuer } from './opened-store.ts'

async function openStore(t: TestContext, engine: Engine): Promise<OpenedStore> {
  const store = await openStoreAt(await engine.createStore(t))
  t.after(store.database.close)
  return store
}

/** As each start declares it: with a new id, which counts only while the name is not known. */
function declared(name: string, audiences: readonly string[] = ['orders']): DeclaredClient {
  const newId = randomIdentifier(randomBytes)
  return { name, newId, isPublic: true, grants: ['login'], audiences, scopes: [] }
}

async function find(database: Database, idOrName: string): Promise<Client> {
  const client = await createClientStore(database).find(idOrName)
  assert.ok(client !== undefined, `${idOrName} was not found`)
  return client
}

testOnEngines(
  'a declared client is found by its name and by the random id it got',
  async (t, engine) => {
    const { database, log } = await openStore(t, engine)
    const web = declared('web')
    assert.deepEqual(await synchroniseClients(log.transaction, [web]), {
      kind: 'synchronised',
    })
    const client = await find(database, 'web')
    assert.deepEqual(client, {
      readAt: startMs,
      vouchedAt: startMs,
      id: web.newId,
      name: 'web',
      isPublic: true,
      secretHash: undefined,
      formerSecretHash: undefined,
      keys: [],
      grants: ['login'],
      audiences: ['orders'],
      scopes: [],
      generation: firstBase,
    })
    assert.deepEqual(await find(database, web.newId), client)
    assert.equal(await createClientStore(database).find('unknown'), undefined)
  },
)

testOnEngines(
  'a client keeps its id over restarts and takes the new wording of the file',
  async (t, engine) => {
    const { database, log } = await openStore(t, engine)
    await synchroniseClients(log.transaction, [declared('web')])
    const before = await find(database, 'web')
    await synchroniseClients(log.transaction, [declared('web', ['orders', 'reviews'])])
    const after = await find(database, 'web')
    assert.deepEqual(after, { ...before, audiences: ['orders', 'reviews'] })
  },
)

testOnEngines(
  'a client that left the file is disabled, and returns with its old id',
  async (t, engine) => {
    const { database, log } = await openStore(t, engine)
    await synchroniseClients(log.transaction, [declared('web'), declared('till')])
    const till = await find(database, 'till')
    await synchroniseClients(log.transaction, [declared('web')])
    const store = createClientStore(database)
    assert.equal(await store.find('till'), undefined)
    assert.equal(await store.find(till.id), undefined)
    await synchroniseClients(log.transaction, [declared('web'), declared('till')])
    assert.equal((await find(database, 'till')).id, till.id)
  },
)

testOnEngines(
  'a client of the store is not touched by the file, and its name cannot be taken',
  async (t, engine) => {
    const { database, log } = await openStore(t, engine)
    const machine = {
      id: 'machine-id',
      name: 'machine',
      isPublic: false,
      secretHash: hashClientSecret('secret'),
      grants: ['client_credentials'],
      audiences: ['orders'],
      scopes: ['orders:read'],
    } as const
    await database.transaction((query) => insertClient(query, machine, 'store'))
    await synchroniseClients(log.transaction, [declared('web')])
    const kept = await find(database, 'machine')
    const none = { formerSecretHash: undefined, keys: [] }
    assert.deepEqual(kept, {
      ...machine,
      ...none,
      readAt: startMs,
      vouchedAt: startMs,
      generation: firstBase,
    })

    const outcome = await synchroniseClients(log.transaction, [
      declared('till'),
      declared('machine'),
    ])
    assert.deepEqual(outcome, { kind: 'name-taken', name: 'machine' })
    assert.deepEqual(await find(database, 'machine'), kept)
    assert.equal(await createClientStore(database).find('till'), undefined)
    assert.equal((await find(database, 'web')).name, 'web')
  },
)

testOnEngines(
  'a client authenticates with its own secret, by id or by name, and with no other',
  async (t, engine) => {
    const { database, log } = await openStore(t, engine)
    const parts = {
      issuer: storeIssuer,
      clients: createClientStore(database),
      usedProofs: createUsedProofs(database),
      now: () => startMs,
    }
    const clientSecret = 'the secret of the machine'
    const secretHash = hashClientSecret(clientSecret)
    const machine = { ...declared('machine'), id: 'machine-id', isPublic: false, secretHash }
    await database.transaction((query) => insertClient(query, machine, 'store'))
    await synchroniseClients(log.transaction, [declared('web')])

    const idOf = async (clientId: string, secret: string): Promise<string | undefined> =>
      (await authenticateClient(parts, { clientId, clientSecret: secret }))?.id
    assert.equal(await idOf('machine-id', clientSecret), 'machine-id')
    assert.equal(await idOf('machine', clientSecret), 'machine-id')
    for (const [clientId, secret] of [
      ['machine', ''],
      ['machine', `${clientSecret} `],
      ['machine', secretHash],
      ['unknown', clientSecret],
      ['web', ''],
      ['web', '!'.repeat(43)],
    ] as const) {
      assert.equal(await idOf(clientId, secret), undefined, `${clientId} with ${secret}`)
    }
  },
)
