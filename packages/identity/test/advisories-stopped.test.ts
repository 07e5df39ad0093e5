import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { NewClient } from '../src/index.ts'
import { newClientCredential, newRandomSecret } from '../src/index.ts'
import { randomIdentifier } from '../src/domain/random.ts'
import type { DeclaredClient } from '../src/store/clients.ts'
import { createClientStore, synchroniseClients } from '../src/store/clients.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import { createMailbox, tokenIn } from './mailbox.ts'
import { openStoreAt } from './opened-store.ts'
import type { RunningIdentity, RunningIdentityOptions } from './running-identity.ts'
import { alice, basic, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  call,
  isWelcome,
  positionOf,
  refreshWith,
  signInHere,
  tokensOf,
} from './signed-in.ts'

/** What others were caught with when people and machines were stopped, each by its published id. */
const carol = { identifier: 'carol@mail.example', password: newRandomSecret() }
const follower: NewClient = {
  ...newClientCredential(),
  name: 'follower',
  audiences: ['orders'],
  scopes: ['revocations.read'],
}

async function start(
  t: TestContext,
  engine: Engine,
  more: RunningIdentityOptions = {},
): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({
    database: await engine.createStore(t),
    accounts: [alice, admin],
    clients: [follower],
    ...more,
  })
  t.after(identity.close)
  return identity
}

testOnEngines('CVE-2026-1609: no way leads a blocked account to a token', async (t, engine) => {
  const mailbox = createMailbox()
  const file = { accounts: { selfRegistration: 'open' } }
  const identity = await start(t, engine, { mailer: mailbox, file })
  const { access: token } = await signInHere(identity, admin)
  assert.equal((await call(identity, 'POST /accounts', { body: carol })).status, 201)
  await mailbox.next()
  identity.clock.advanceMs(60_000)
  const blocked = await signInHere(identity, carol)
  // From before the block.
  await call(identity, 'POST /account/reset', { body: { identifier: carol.identifier } })
  const link = tokenIn(await mailbox.next())
  const reason = { reason: 'left the company' }
  positionOf(
    await call(identity, `POST /admin/accounts/${blocked.accountId}/block`, {
      token,
      body: reason,
    }),
  )

  const { password } = carol
  const another = newRandomSecret()
  assertProblem(await identity.login(carol), 403, 'account-blocked')
  await assertNoRefresh(identity, blocked.refresh)
  for (const [route, body] of [
    ['POST /account/reauthenticate', { password }],
    ['POST /account/password', { current: password, new: another }],
    ['POST /sessions/end-others', {}],
    ['POST /account/verify-email', {}],
    ['GET /account', undefined],
  ] as const) {
    const asked = { token: blocked.access, ...(body && { body }) }
    assertChallenged(await call(identity, route, asked))
  }
  const confirmed = { token: link, new: another }
  assertProblem(
    await call(identity, 'POST /account/reset/confirm', { body: confirmed }),
    400,
    'invalid-link',
  )
  for (const grantType of ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'password']) {
    const form = { grant_type: grantType, assertion: blocked.access, username: carol.identifier }
    const answer = await identity.token({ ...form, password })
    assert.equal(answer.members()['error'], 'unsupported_grant_type')
  }
  assertProblem(await identity.login(carol), 403, 'account-blocked')
})

testOnEngines(
  'CVE-2025-64521, CVE-2024-47000: a machine that was stopped gets no token, and none that it has is good',
  async (t, engine) => {
    const identity = await start(t, engine)
    const form = { grant_type: 'client_credentials', audience: identity.issuer }
    const credential = basic(follower.clientId, follower.clientSecret)
    const granted = await identity.token(form, credential)
    const token = String(granted.members()['access_token'])
    const feed = 'GET /revocations/snapshot'
    assert.equal((await call(identity, feed, { token })).status, 200)
    await identity.query(`UPDATE clients SET enabled = 0 WHERE name = '${follower.name}'`)
    assertChallenged(await call(identity, feed, { token }))
    for (const audience of [identity.issuer, 'orders']) {
      const refused = await identity.token({ ...form, audience }, credential)
      assert.deepEqual([refused.status, refused.members()['error']], [401, 'invalid_client'])
    }
  },
)

testOnEngines(
  'CVE-2026-8922: what was taken back from an account stays so when its client is taken back too',
  async (t, engine) => {
    const identity = await start(t, engine)
    const stopClient = (): Promise<unknown> =>
      identity.query("UPDATE clients SET generation = generation + 1 WHERE name = 'web'")
    const endEverywhere = async (token: string): Promise<void> => {
      positionOf(await call(identity, 'POST /logout/everywhere', { token }))
    }
    const first = await signInHere(identity)
    await stopClient()
    assert.ok(!(await isWelcome(identity, first.access)))
    const second = tokensOf(await refreshWith(identity, first.refresh))
    await endEverywhere(second.access)
    for (const { access } of [first, second]) assert.ok(!(await isWelcome(identity, access)))

    const third = await signInHere(identity)
    await endEverywhere(third.access)
    const fourth = await signInHere(identity)
    await stopClient()
    for (const { access } of [third, fourth]) assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, third.refresh)
    const fresh = tokensOf(await refreshWith(identity, fourth.refresh))
    assert.ok(await isWelcome(identity, fresh.access))
    for (const { access } of [first, second, third, fourth]) {
      assert.ok(!(await isWelcome(identity, access)))
    }
  },
)

testOnEngines(
  'CVE-2026-107623: nodes that write a client at the same time never undo that its tokens were taken back',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const nodes = [await openStoreAt(url), await openStoreAt(url)]
    for (const { database } of nodes) t.after(database.close)
    const [{ database, log } = assert.fail()] = nodes
    await synchroniseClients(log.transaction, ['web', 'till'].map(declared))
    const { id } = (await createClientStore(database).find('till')) ?? assert.fail()
    const [made] = await database.read('SELECT base FROM revocation_head')
    const base = Number(made?.['base'])
    let stopped = 0
    for (let round = 0; round < 5; round += 1) {
      await synchroniseClients(log.transaction, ['web', 'till'].map(declared))
      await Promise.all(
        nodes.flatMap((node) => [
          synchroniseClients(node.log.transaction, ['web'].map(declared)),
          synchroniseClients(node.log.transaction, ['web', 'till'].map(declared)),
        ]),
      )
      const [row] = await database.read('SELECT generation FROM clients WHERE id = $1', [id])
      const { records } = await log.since(0)
      assert.deepEqual(
        records.map(({ kind, floor }) => [kind, floor]),
        Array.from({ length: Number(row?.['generation']) }, (_, at) => ['client', base + at + 1]),
      )
      assert.ok(records.length > stopped, 'it was not stopped in this round')
      stopped = records.length
    }
  },
)

function declared(name: string): DeclaredClient {
  const newId = randomIdentifier(randomBytes)
  return { name, newId, isPublic: true, grants: ['login'], audiences: ['orders'], scopes: [] }
}
