import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import { askJson, assertOAuthError, createKeyHolder } from './key-holder.ts'
import {
  alice,
  basic,
  machine,
  ordersAndReviews,
  startRunningIdentity,
} from './running-identity.ts'
import { assertProblem, call, refreshWith, signIn, tokensOf } from './signed-in.ts'

const { audiences } = ordersAndReviews
const identity = await startRunningIdentity({
  file: { audiences: { ...audiences, reviews: { ...audiences.reviews, dpop: 'required' } } },
})
after(identity.close)
const owner = createKeyHolder(identity)

const wanted = /^tokens for reviews are bound to a key: send a DPoP proof of one$/

test('an audience that requires bound tokens is named to whoever signs in without a proof (ASVS 10.4.14, RFC 9700 O10)', async () => {
  const { identifier, password } = alice
  for (const more of [{}, { audience: 'reviews' }, { password: 'a wrong password' }]) {
    const answer = await identity.login({ identifier, password, ...more })
    assertProblem(answer, 401, 'invalid-dpop-proof')
    assert.match(String(answer.members()['detail']), wanted)
    assert.match(String(answer.headers['www-authenticate']), /^DPoP .*algs="/)
  }
  assert.equal(await identity.countRows('sessions'), 0)
  assert.equal((await identity.login({ identifier, password, audience: 'orders' })).status, 200)
  const { access } = await owner.signIn()
  const { aud, cnf } = decodeToken(access).claims
  assert.deepEqual([aud, cnf], [['orders', 'reviews'], { jkt: owner.key.thumbprint }])
})

test('so it is for machine clients', async () => {
  const { clientId, clientSecret } = machine
  const ask = (audience: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    identity.token(
      { grant_type: 'client_credentials', audience },
      { ...basic(clientId, clientSecret), ...more },
    )
  assertOAuthError(await ask('reviews'), 'invalid_dpop_proof', wanted)
  assertOAuthError(await ask('orders reviews'), 'invalid_dpop_proof', wanted)
  assert.equal((await ask('orders')).members()['token_type'], 'Bearer')
  const bound = await ask('reviews', { dpop: owner.prove('POST /token') })
  assert.equal(bound.members()['token_type'], 'DPoP')
})

test('a session from before the rule gets tokens for the others, and with a proof for this one', async () => {
  // A login for orders alone is asked for no key.
  const { refresh } = await signIn(identity, alice, { audience: ['orders'] })
  assert.equal((await refreshWith(identity, refresh)).status, 200)
  const { sessionId, refresh: stored } = await owner.signIn()
  await identity.query(`UPDATE sessions SET dpop_jkt = NULL WHERE id = '${sessionId}'`)
  assertOAuthError(await refreshWith(identity, stored), 'invalid_dpop_proof', wanted)
  const narrowed = await refreshWith(identity, stored, { audience: 'orders' })
  const { refresh: next } = tokensOf(narrowed)
  tokensOf(await owner.refresh(next, { audience: 'reviews' }))
})

test('and nothing of an account changes where no token could be handed out for want of a proof', async () => {
  const { sessionId, refresh } = await owner.signIn()
  await identity.query(`UPDATE sessions SET dpop_jkt = NULL WHERE id = '${sessionId}'`)
  const { access } = tokensOf(await refreshWith(identity, refresh, { audience: identity.issuer }))
  const { password } = alice
  const changes = [
    ['POST /account/password', { current: password, new: `${password}x` }],
    ['POST /account/reauthenticate', { password }],
  ] as const
  for (const [route, body] of changes) {
    const refused = await call(identity, route, { token: access, body })
    assertProblem(refused, 401, 'invalid-dpop-proof')
    assert.match(String(refused.members()['detail']), wanted)
  }
  const headers = {
    authorization: `Bearer ${access}`,
    dpop: owner.prove('POST /account/reauthenticate'),
  }
  const stepped = await askJson(identity, 'POST /account/reauthenticate', headers, { password })
  assert.equal(stepped.members()['token_type'], 'DPoP', stepped.body)
})
