import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import { authenticate, requireRecentAuth } from '@portcullis/verify/fetch'
import { startMs } from './chosen-clock.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertProblem,
  bob,
  call,
  positionOf,
  refreshWith,
  revokedKinds,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

const identity = await startRunningIdentity({ accounts: [alice, bob] })
after(identity.close)
const { clock, issuer } = identity
const route = 'POST /account/reauthenticate'

function stepUp(token: string, password: string = alice.password): Promise<Answer> {
  return call(identity, route, { token, body: { password } })
}

function authTimeOf(token: string): number {
  return Number(decodeToken(token).claims['auth_time'])
}

/** A service of the audience `orders` that wants a sign-in of the last five minutes. */
const verifier = createVerifier({
  issuer,
  audience: 'orders',
  revocation: 'untilExpiry',
  now: clock.now,
  fetch: async (url) => {
    const { status, headers, body } = await identity.ask({ path: new URL(url).pathname })
    const type = { 'content-type': String(headers['content-type']) }
    return new Response(body, { status, headers: type })
  },
})
const recent = requireRecentAuth({ seconds: 300, now: clock.now })
const payOut = authenticate(verifier)(() => new Response('paid'), recent)

function askService(token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` }
  return payOut(new Request('https://orders.example/payout', { method: 'POST', headers }))
}

test('a service that wants a recent sign-in says so, and a step-up is what it takes', async () => {
  const { refresh } = await signIn(identity)
  clock.advanceMs(301_000)
  const stale = tokensOf(await refreshWith(identity, refresh, { audience: 'orders' }))
  const refused = await askService(stale.access)
  assert.equal(refused.status, 401)
  const challenge = refused.headers.get('www-authenticate') ?? ''
  assert.match(challenge, /error="insufficient_user_authentication"/)
  assert.match(challenge, /max_age="300"/)

  const own = tokensOf(await refreshWith(identity, refresh, { audience: issuer }))
  const answer = await stepUp(own.access)
  assert.equal(answer.status, 200, answer.body)
  const fresh = tokensOf(await refreshWith(identity, refresh, { audience: 'orders' }))
  assert.equal((await askService(fresh.access)).status, 200)
  assert.equal((await askService(stale.access)).status, 401, 'the older token is as old as it was')
  clock.advanceMs(301_000)
  const late = tokensOf(await refreshWith(identity, fresh.refresh, { audience: 'orders' }))
  assert.equal((await askService(late.access)).status, 401, 'a refresh is no sign-in')
})

test('a step-up answers an access token of the same session, and no refresh token', async () => {
  const { access, sessionId, accountId } = await signIn(identity, alice, { audience: issuer })
  clock.advanceMs(60_000)
  const answer = await stepUp(access)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { access_token: token, ...members } = answer.members()
  assert.deepEqual(members, {
    token_type: 'Bearer',
    expires_in: 900,
    scope: '',
    session_id: sessionId,
  })
  const { claims } = decodeToken(token)
  assert.deepEqual([claims['sid'], claims['sub']], [sessionId, accountId])
  assert.equal(claims['auth_time'], Math.floor(clock.now() / 1000))
  const listed = (await call(identity, 'GET /sessions', { token: access })).members()['sessions']
  const [session] = listed as { id: string; created_at: string }[]
  assert.equal(session?.id, sessionId)
  assert.equal(session.created_at, new Date(clock.now() - 60_000).toISOString())
})

test('only the own password does it, in a body of the right form, with a token for identity alone', async () => {
  const { access } = await signInHere(identity)
  const before = (await revokedKinds(identity)).length
  const wrong = await stepUp(access, bob.password)
  assertProblem(wrong, 401, 'bad-credentials')
  assert.match(String(wrong.headers['www-authenticate']), /^Password realm=/)
  for (const body of [{}, { password: '' }, { password: 1 }, { password: 'x', more: 1 }]) {
    assertProblem(await call(identity, route, { token: access, body }), 400, 'malformed')
  }
  assertChallenged(await stepUp((await signIn(identity)).access))
  assertChallenged(await call(identity, route, { body: { password: alice.password } }))
  const over = await signInHere(identity)
  positionOf(await call(identity, 'POST /logout', { token: over.access }))
  assertChallenged(await stepUp(over.access))
  assert.deepEqual((await revokedKinds(identity)).slice(before), ['session'], 'the one logout')
  assert.ok(!identity.logged().includes(alice.password))
})

test('a login is a sign-in of this moment, so that it meets every max_age', async () => {
  const { identifier, password } = alice
  assert.ok(clock.now() > startMs)
  for (const maxAge of [0, 1, 300, 2 ** 40]) {
    clock.advanceMs(10_000)
    const { access } = tokensOf(await identity.login({ identifier, password, max_age: maxAge }))
    assert.equal(authTimeOf(access), Math.floor(clock.now() / 1000))
  }
  for (const maxAge of [-1, 0.5, '300', null, true]) {
    const answer = await identity.login({ identifier, password, max_age: maxAge })
    assertProblem(answer, 400, 'malformed')
    const [error] = answer.members()['errors'] as { field: string }[]
    assert.equal(error?.field, '/max_age')
  }
})
