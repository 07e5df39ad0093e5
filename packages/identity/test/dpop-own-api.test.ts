import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newClientCredential } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import { askJson, countUsedProofs, createKeyHolder } from './key-holder.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import { admin, assertProblem, call, signInHere, tokensOf } from './signed-in.ts'

const follower = { ...machine, ...newClientCredential(), name: 'follower', audiences: [] }
const identity = await startRunningIdentity({
  accounts: [alice, admin],
  clients: [machine, { ...follower, scopes: ['revocations.read'] }],
})
after(identity.close)
const owner = createKeyHolder(identity)
const here = { audience: identity.issuer }

test('identity takes a bound token with a proof of its key, at every route of the owner', async () => {
  const { access, sessionId } = await owner.signIn(here)
  for (const route of ['GET /account', 'HEAD /account', 'GET /sessions', 'GET /sessions?limit=1']) {
    const answer = await owner.call(route, access)
    assert.equal(answer.status, 200, `${route}: ${answer.body}`)
  }
  const { sessions } = (await owner.call('GET /sessions', access)).members()
  assert.ok(Array.isArray(sessions))
  const mine = sessions.find((one: { id: string }) => one.id === sessionId)
  assert.equal((mine as { bound: unknown }).bound, true)
  assert.equal((await owner.call(`DELETE /sessions/${sessionId}`, access)).status, 200)
  assert.equal((await owner.call('GET /account', access)).status, 401)
})

test('as a bearer token it is refused everywhere, with and without a proof beside it', async () => {
  const { access } = await owner.signIn(here)
  const { identifier, password } = admin
  const { access: adminAccess } = await owner.signIn({ ...here, identifier, password })
  const routes = [
    ['GET /account', access],
    ['GET /sessions', access],
    ['POST /sessions/end-others', access],
    ['POST /logout', access],
    ['POST /logout/everywhere', access],
    ['GET /admin/keys', adminAccess],
  ] as const
  for (const [route, token] of routes) {
    for (const more of [{}, { dpop: owner.prove(route, { accessToken: token }) }]) {
      const answer = await askJson(identity, route, { authorization: `Bearer ${token}`, ...more })
      assertProblem(answer, 401, 'invalid-token')
      assert.match(String(answer.headers['www-authenticate']), /^DPoP realm="/)
    }
  }
  assert.equal((await owner.call('GET /admin/keys', adminAccess)).status, 200)
  assert.equal((await owner.call('POST /logout', access)).status, 200)
})

test('a proof for another token, method, path or key is refused, and a bearer token under DPoP too', async () => {
  const { access } = await owner.signIn(here)
  const other = await owner.signIn(here)
  const thief = createKeyHolder(identity)
  const ask = (proof: string, token = access): Promise<Answer> =>
    owner.call('GET /account', token, undefined, proof)
  const refused = [
    [await ask(owner.prove('GET /account')), 'invalid-dpop-proof'],
    [await ask(owner.prove('GET /account', { accessToken: other.access })), 'invalid-dpop-proof'],
    [await ask(owner.prove('DELETE /account', { accessToken: access })), 'invalid-dpop-proof'],
    [await ask(owner.prove('GET /sessions', { accessToken: access })), 'invalid-dpop-proof'],
    [await ask(thief.prove('GET /account', { accessToken: access })), 'invalid-token'],
  ] as const
  for (const [answer, code] of refused) assertProblem(answer, 401, code)
  const plain = await signInHere(identity)
  const unbound = await ask(
    owner.prove('GET /account', { accessToken: plain.access }),
    plain.access,
  )
  assertProblem(unbound, 401, 'invalid-token')

  const proof = owner.prove('GET /account', { accessToken: access })
  assert.equal((await ask(proof)).status, 200)
  assertProblem(await ask(proof), 401, 'invalid-dpop-proof')
})

/** Every route that hands out tokens of a session which goes on. */
const handingOut: readonly (readonly [route: string, body: object | undefined])[] = [
  ['POST /account/reauthenticate', { password: alice.password }],
  ['POST /sessions/end-others', undefined],
  ['POST /account/password', { current: alice.password, new: `${alice.password}x` }],
  ['POST /account/password', { current: `${alice.password}x`, new: alice.password }],
]

test('every token that a bound session gets is bound to its key', async () => {
  let current: Tokens = await owner.signIn(here)
  await owner.signIn(here)
  for (const [route, body] of handingOut) {
    const used = await countUsedProofs(identity)
    const answer = await owner.call(route, current.access, body)
    assert.equal(answer.status, 200, answer.body)
    assert.equal(await countUsedProofs(identity), used + 1, 'one proof, for both of its purposes')
    const { access_token: fresh, token_type: type } = answer.members()
    assert.equal(type, 'DPoP', route)
    const { cnf } = decodeToken(fresh).claims
    assert.deepEqual(cnf, { jkt: owner.key.thumbprint })
    const { refresh_token: refreshToken = current.refresh } = answer.members()
    const next = await owner.refresh(String(refreshToken), here)
    current = tokensOf(next)
  }
})

test('an unbound session may prove a key for the token that it gets, and only with a good proof', async () => {
  const bearer = await signInHere(identity)
  const route = 'POST /account/reauthenticate'
  const body = { password: alice.password }
  const ask = (proof: string): Promise<Answer> =>
    askJson(identity, route, { authorization: `Bearer ${bearer.access}`, dpop: proof }, body)
  const proof = owner.prove(route)
  const stepped = await ask(proof)
  assert.equal(stepped.members()['token_type'], 'DPoP', stepped.body)
  assert.deepEqual(decodeToken(stepped.members()['access_token']).claims['cnf'], {
    jkt: owner.key.thumbprint,
  })
  assertProblem(await ask(proof), 401, 'invalid-dpop-proof')
  assertProblem(await ask('nonsense'), 401, 'invalid-dpop-proof')
  const used = await countUsedProofs(identity)
  const unknown = await askJson(
    identity,
    route,
    { authorization: 'Bearer nonsense', dpop: owner.prove(route) },
    body,
  )
  assertProblem(unknown, 401, 'invalid-token')
  assert.equal(await countUsedProofs(identity), used)
  const plain = await call(identity, route, { token: bearer.access, body })
  assert.equal(plain.members()['token_type'], 'Bearer')
})

async function followerToken(): Promise<string> {
  const { clientId, clientSecret } = follower
  const headers = { ...basic(clientId, clientSecret), dpop: owner.prove('POST /token') }
  const answer = await identity.token({ grant_type: 'client_credentials' }, headers)
  assert.equal(answer.members()['token_type'], 'DPoP', answer.body)
  return String(answer.members()['access_token'])
}

test('a follower reads the feed with a bound token and a proof, and not with the token alone', async () => {
  const token = await followerToken()
  const [head] = await identity.query('SELECT epoch, seq FROM revocation_head')
  const ahead = `${String(head?.['epoch'])}:${Number(head?.['seq']) + 1}`
  for (const [route, status] of [
    ['GET /revocations/snapshot', 200],
    [`GET /revocations/stream?after=${ahead}`, 410],
  ] as const) {
    assert.equal((await owner.call(route, token)).status, status)
    assertProblem(await call(identity, route, { token }), 401, 'invalid-token')
    const [, proof] = [await owner.call(route, token), owner.prove(route)]
    assertProblem(await owner.call(route, token, undefined, proof), 401, 'invalid-dpop-proof')
  }
})
