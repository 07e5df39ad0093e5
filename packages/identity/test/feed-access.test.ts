import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { NewClient } from '../src/index.ts'
import { newClientCredential } from '../src/index.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { assertChallenged, assertProblem, call, signInHere } from './signed-in.ts'

const service: NewClient = {
  ...newClientCredential(),
  name: 'orders-service',
  audiences: ['orders'],
  scopes: ['revocations.read', 'orders:read'],
}
const clients = [machine, service]

const secure = await startRunningIdentity({ clients })
after(secure.close)
const development = await startRunningIdentity({
  clients,
  file: { issuer: 'http://127.0.0.1:4000' },
})
after(development.close)

const snapshot = 'GET /revocations/snapshot'
/** Behind the head of nobody's epoch: whoever may follow is told so by 410. */
const stream = `GET /revocations/stream?after=${'A'.repeat(22)}:0`

async function tokenOf(
  identity: RunningIdentity,
  { clientId, clientSecret }: NewClient,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const form = { grant_type: 'client_credentials', audience: identity.issuer, ...more }
  const answer = await identity.token(form, basic(clientId, clientSecret))
  assert.equal(answer.status, 200, answer.body)
  return String(answer.members()['access_token'])
}

test('the feed of an issuer on https wants a token with its scope, for the issuer alone', async () => {
  const token = await tokenOf(secure, service)
  assert.equal((await call(secure, snapshot, { token })).status, 200)
  assertProblem(await call(secure, stream, { token }), 410, 'position-gone')
  const withoutScope = await tokenOf(secure, machine)
  const ofPerson = (await signInHere(secure)).access
  const forOrders = await tokenOf(secure, service, { audience: 'orders' })
  for (const route of [snapshot, stream]) {
    assertChallenged(await call(secure, route))
    for (const wrong of [forOrders, 'nonsense', `${token.slice(0, -8)}AAAAAAAA`]) {
      assertChallenged(await call(secure, route, { token: wrong }))
    }
    for (const weak of [withoutScope, ofPerson]) {
      const answer = await call(secure, route, { token: weak })
      assertProblem(answer, 403, 'insufficient-scope')
      assert.match(String(answer.headers['www-authenticate']), /scope="revocations\.read"/)
    }
  }
})

test('the tokens of a follower end with their time, and with their client', async () => {
  const name = service.name
  const old = await tokenOf(secure, service)
  await secure.query(`UPDATE clients SET generation = generation + 1 WHERE name = '${name}'`)
  assertChallenged(await call(secure, snapshot, { token: old }))
  const token = await tokenOf(secure, service)
  assert.equal((await call(secure, snapshot, { token })).status, 200)
  await secure.query(`UPDATE clients SET enabled = 0 WHERE name = '${name}'`)
  assertChallenged(await call(secure, snapshot, { token }))
  await secure.query(`UPDATE clients SET enabled = 1 WHERE name = '${name}'`)
  assert.equal((await call(secure, snapshot, { token })).status, 200)
  secure.clock.advanceMs(906_000)
  assertChallenged(await call(secure, snapshot, { token }))
})

test('an issuer on loopback answers without a token, and still refuses a bad one', async () => {
  assert.equal((await call(development, snapshot)).status, 200)
  assertProblem(await call(development, stream), 410, 'position-gone')
  const weak = await tokenOf(development, machine)
  for (const route of [snapshot, stream]) {
    assertChallenged(await call(development, route, { token: 'nonsense' }))
    assertProblem(await call(development, route, { token: weak }), 403, 'insufficient-scope')
  }
})

test('no role of a person can carry the scope of the feed', async () => {
  const { identifier, password } = alice
  const asked = { identifier, password, audience: secure.issuer, scope: 'revocations.read' }
  const answer = await secure.login(asked)
  assert.equal(answer.members()['scope'], '')
  const file = { roles: { customer: { [secure.issuer]: ['revocations.read'] } } }
  await assert.rejects(startRunningIdentity({ file }), /roles/)
})
