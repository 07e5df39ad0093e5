import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestContext } from 'node:test'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { listen } from '@portcullis/runtime'
import type { Identity } from '../src/index.ts'
import { bootstrap, parseIdentitySettings, startIdentity } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import { ask } from './http-client.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import {
  alice,
  basic,
  createLogInMemory,
  formToken,
  jsonLogin,
  machine,
  ordersAndReviews,
  startRunningIdentity,
} from './running-identity.ts'
import { startError } from './start-error.ts'
import { createTemporaryFolder } from './temporary-folder.ts'
import { createPepper } from '../src/domain/refresh-tokens.ts'

const jwksPath = '/.well-known/jwks.json'

const ownSealingKey = randomBytes(32)
const ownPepper = createPepper(randomBytes(32))

/** A store with an account, a machine client and keys, of which each test gets a copy. */
const template = createTemporaryFolder()
after(template.remove)
const templatePath = join(template.path, 'identity.db')
const templateUrl = `sqlite:${templatePath}`
await bootstrap(
  { database: templateUrl, accounts: [alice], clients: [machine] },
  { now: () => startMs },
)
await (await startOn(templatePath, {})).close()

interface Change {
  readonly file?: object
  readonly sealingKey?: Buffer
  readonly now?: () => number
}

async function startOn(
  path: string,
  { file, sealingKey, now = createChosenClock().now }: Change,
): Promise<Identity> {
  const members = { ...ordersAndReviews, database: `sqlite:${path}`, ...file }
  const settings = parseIdentitySettings(members, 'the test')
  const { log } = createLogInMemory()
  return startIdentity(settings, {
    sealingKey: sealingKey ?? ownSealingKey,
    peppers: [ownPepper],
    log,
    now,
  })
}

/** One store, on which issuers are started. */
interface Installation {
  readonly databasePath: string
  readonly start: (change?: Change) => Promise<Identity>
}

function install(t: TestContext): Installation {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const databasePath = join(folder.path, 'identity.db')
  copyFileSync(templatePath, databasePath)
  // Without its mark it would have lost history.
  copyFileSync(`${templatePath}.high-water`, `${databasePath}.high-water`)
  return {
    databasePath,
    start: async (change = {}) => {
      const identity = await startOn(databasePath, change)
      t.after(identity.close)
      return identity
    },
  }
}

function alterStore(databasePath: string, sql: string): void {
  const database = new DatabaseSync(databasePath)
  database.exec(sql)
  database.close()
}

async function signIn(port: number): Promise<ReturnType<typeof decodeToken>> {
  const { identifier, password } = alice
  const answer = await ask(port, jsonLogin(JSON.stringify({ identifier, password })))
  assert.equal(answer.status, 200, answer.body)
  return decodeToken(answer.members()['access_token'])
}

test('a restart keeps accounts, clients and keys: the same sub, client_id and kid', async (t) => {
  const { start } = install(t)
  const first = await start()
  const old = await signIn(first.port)
  const keySet = (await ask(first.port, { path: jwksPath })).body
  await first.close()
  const second = await start()
  const young = await signIn(second.port)
  assert.equal(young.header['kid'], old.header['kid'])
  assert.equal(young.claims['sub'], old.claims['sub'])
  assert.equal(young.claims['client_id'], old.claims['client_id'])
  assert.equal((await ask(second.port, { path: jwksPath })).body, keySet)
})

test('two issuers on one store publish the same keys and take the same passwords', async (t) => {
  const { start } = install(t)
  const nodes = [await start(), await start()]
  const [one, other] = await Promise.all(nodes.map(({ port }) => ask(port, { path: jwksPath })))
  assert.equal(one?.body, other?.body)
  const [token, otherToken] = await Promise.all(nodes.map(({ port }) => signIn(port)))
  assert.equal(token?.claims['client_id'], otherToken?.claims['client_id'])
  assert.equal(token?.header['kid'], otherToken?.header['kid'])
})

test('running issuers rotate keys of age without a restart, and publish and use the same ones', async (t) => {
  const { start } = install(t)
  const { now, advanceMs } = createChosenClock()
  const nodes = [await start({ now }), await start({ now })]
  const keySets = (): Promise<readonly string[]> =>
    Promise.all(nodes.map(async ({ port }) => (await ask(port, { path: jwksPath })).body))
  const [before = ''] = await keySets()
  const old = await Promise.all(nodes.map(({ port }) => signIn(port)))
  advanceMs(30 * 24 * 3600 * 1000)
  const deadline = performance.now() + 10_000
  let [one = '', other = ''] = await keySets()
  while ((one === before || one !== other) && performance.now() < deadline) {
    await setTimeout(100)
    ;[one = '', other = ''] = await keySets()
  }
  assert.notEqual(one, before)
  assert.equal(one, other)
  const young = await Promise.all(nodes.map(({ port }) => signIn(port)))
  assert.equal(young[0]?.header['kid'], young[1]?.header['kid'])
  assert.notEqual(young[0]?.header['kid'], old[0]?.header['kid'])
})

test('an issuer that was closed answers nobody, and closing it twice is allowed', async (t) => {
  const { start } = install(t)
  const { port, operationsPort, close } = await start()
  await Promise.all([close(), close()])
  await close()
  await assert.rejects(ask(port, { path: jwksPath }), /ECONNREFUSED/)
  await assert.rejects(ask(operationsPort, { path: '/health/live' }), /ECONNREFUSED/)
})

test('a port that is in use is a StartError that names it, and nothing stays open', async (t) => {
  const { start } = install(t)
  const squatter = createServer()
  const port = await listen(squatter, { host: '127.0.0.1', port: 0 }, 'the squatter')
  t.after(() => squatter.close())

  const busy = new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`)
  await assert.rejects(start({ file: { listen: { port } } }), startError(busy))
  const { port: freed, close } = await start()
  await close()
  const halfStarted = start({ file: { listen: { port: freed }, operations: { port } } })
  await assert.rejects(halfStarted, startError(busy))
  await assert.rejects(ask(freed, { path: jwksPath }), /ECONNREFUSED/)
})

test('another sealing key is a StartError that names the key, and changes nothing', async (t) => {
  const { start } = install(t)
  const first = await start()
  const { kid } = (await signIn(first.port)).header
  await first.close()
  const stranger = start({ sealingKey: randomBytes(32) })
  await assert.rejects(stranger, startError(/was sealed with another sealing key/))
  const again = await start()
  assert.equal((await signIn(again.port)).header['kid'], kid)
})

test('a damaged key is a StartError of its own', async (t) => {
  const { start, databasePath } = install(t)
  await (await start()).close()
  alterStore(databasePath, "UPDATE signing_keys SET sealed_private_key = 'v1.damaged'")
  await assert.rejects(start(), startError(/stored signing key [\w-]{43} is damaged/))
})

test('a client name of the file that the store has made for a machine is a StartError', async (t) => {
  const { start } = install(t)
  const clients = { machine: { public: true, grants: ['login'], audiences: [] } }
  await assert.rejects(start({ file: { clients } }), startError(/already has a client machine/))
  const { port } = await start()
  const asMachine = basic(machine.clientId, machine.clientSecret)
  const answer = await ask(port, formToken('grant_type=client_credentials', asMachine))
  assert.equal(answer.status, 200)
})

// ASVS 6.3.2.
test('an empty store starts too: keys are published, and nobody can sign in yet', async (t) => {
  const { start, databasePath } = install(t)
  alterStore(databasePath, 'DELETE FROM accounts; DELETE FROM signing_keys')
  const { port } = await start()
  assert.equal((await ask(port, { path: jwksPath })).status, 200)
  const { identifier, password } = alice
  const answer = await ask(port, jsonLogin(JSON.stringify({ identifier, password })))
  assert.equal(answer.members()['code'], 'bad-credentials')
})

test('a store without accounts is said to be one, by its address: it may not be the one that was meant', async (t) => {
  const empty = await startRunningIdentity({ accounts: [], clients: [] })
  t.after(empty.close)
  assert.match(empty.logged(), /"database":"sqlite:.*identity is ready/)
  assert.match(empty.logged(), /this store has no accounts/)
  const filled = await startRunningIdentity()
  t.after(filled.close)
  assert.doesNotMatch(filled.logged(), /no accounts/)
})

test('health is on the operations listener only, and tells when the database is gone', async (t) => {
  const { start, databasePath } = install(t)
  const { port, operationsPort } = await start()
  const readyStatus = async (): Promise<number> =>
    (await ask(operationsPort, { path: '/health/ready' })).status
  assert.equal(await readyStatus(), 200)
  assert.equal((await ask(port, { path: '/health/ready' })).status, 404)
  assert.equal((await ask(operationsPort, { path: jwksPath })).status, 404)

  alterStore(databasePath, 'ALTER TABLE accounts RENAME TO elsewhere')
  const answer = await ask(operationsPort, { path: '/health/ready' })
  assert.equal(answer.status, 503)
  assert.deepEqual(answer.members(), { status: 'not-ready', missing: ['database'] })
  assert.equal((await ask(operationsPort, { path: '/health/live' })).status, 200)

  alterStore(databasePath, 'ALTER TABLE elsewhere RENAME TO accounts')
  assert.equal(await readyStatus(), 200)
})

test('a fault of ours is a 500 that tells nothing of it, and the issuer goes on', async (t) => {
  const { start, databasePath } = install(t)
  const { port } = await start()
  alterStore(databasePath, 'ALTER TABLE sessions RENAME TO elsewhere')
  const { identifier, password } = alice
  const login = jsonLogin(JSON.stringify({ identifier, password }))
  const answer = await ask(port, login)
  assert.deepEqual(answer.members(), {
    type: 'urn:portcullis:problem:internal',
    title: 'Something went wrong here',
    status: 500,
    code: 'internal',
  })
  alterStore(
    databasePath,
    'ALTER TABLE elsewhere RENAME TO sessions; ALTER TABLE clients RENAME TO c',
  )
  const asMachine = basic(machine.clientId, machine.clientSecret)
  const granted = await ask(port, formToken('grant_type=client_credentials', asMachine))
  assert.equal(granted.status, 500)
  assert.equal(granted.body, '{"error":"server_error"}')
  alterStore(databasePath, 'ALTER TABLE c RENAME TO clients')
  assert.equal((await ask(port, login)).status, 200)
})
