import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { JsonObject } from '@portcullis/protocol'
import { algorithmNamed, publicJwk } from '@portcullis/protocol/jws'
import { createVerifier } from '@portcullis/verify'
import type { Revoked, TokenRecipe } from '@portcullis/verify/testing'
import {
  buildVector,
  createTestIssuer,
  signCompactJws,
  untilApplied,
} from '@portcullis/verify/testing'

test('the key set has an ETag and a max-age, and is not sent twice', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', maxAgeSeconds: 7 })
  context.after(issuer.close)
  const address = `${issuer.issuer}/.well-known/jwks.json`
  const first = await fetch(address)
  assert.equal(first.headers.get('cache-control'), 'public, max-age=7')
  const headers = { 'if-none-match': first.headers.get('etag') ?? '' }
  assert.equal((await fetch(address, { headers })).status, 304)
  issuer.rotate()
  assert.equal((await fetch(address, { headers })).status, 200)
  assert.equal(issuer.requests.jwks, 3)
})

test('the token endpoint gives a machine client a token that verifies', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA', clients: { shop: 's3cret' } })
  context.after(issuer.close)
  const ask = (secret: string, grant = 'client_credentials'): Promise<Response> =>
    fetch(`${issuer.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`shop:${secret}`)}` },
      body: new URLSearchParams({ grant_type: grant, scope: 'orders:read' }),
    })
  const answer = (await (await ask('s3cret')).json()) as { readonly access_token: string }
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  const { claims } = await verifier.verify(answer.access_token)
  assert.equal(claims.sub, 'shop')
  assert.equal(claims.client_id, 'shop')
  assert.equal(claims.sid, undefined)
  assert.equal(claims.scope, 'orders:read')
  assert.equal((await ask('wrong')).status, 401)
  assert.equal((await ask('s3cret', 'password')).status, 400)
})

test('mint replaces claims and header parameters, and leaves out what is undefined', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(issuer.close)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'reviews' })
  const token = issuer.mint({ aud: 'reviews', roles: undefined, tenant: 't' }, { note: 1 })
  const { claims } = await verifier.verify(token)
  assert.equal(claims.roles, undefined)
  assert.equal(claims['tenant'], 't')
  const withoutType = issuer.mint({ aud: 'reviews' }, { typ: undefined })
  await assert.rejects(verifier.verify(withoutType), { reason: 'wrong-type' })
})

test('a token that is signed with a private key of the test is good for an issuer that publishes its key', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'ES384' })
  context.after(issuer.close)
  const { publicKey, privateKey } = algorithmNamed('ES384').generateKeyPair()
  const jwk = publicJwk(publicKey, 'ES384')
  issuer.publish({ keys: [jwk] })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    algorithms: ['ES384'],
    revocation: 'untilExpiry',
  })
  const [, payload = ''] = issuer.mint().split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JsonObject
  const key = { kid: jwk.kid, algorithm: 'ES384', privateKey } as const
  const token = signCompactJws({ ...claims, sub: 'signed-here' }, 'at+jwt', key)
  assert.equal((await verifier.verify(token)).claims.sub, 'signed-here')
  const header: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
  assert.deepEqual(header, { alg: 'ES384', typ: 'at+jwt', kid: jwk.kid })
  const ofAnotherType = signCompactJws(claims, 'id+jwt', key)
  await assert.rejects(verifier.verify(ofAnotherType), { reason: 'wrong-type' })
})

test('a recipe with a mistake in it is an error, not a valid token', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(issuer.close)
  const mistakes: readonly (readonly [unknown, RegExp])[] = [
    [{ headers: {} }, /no member "headers"/],
    [{ payload: { sets: {} } }, /no member "sets"/],
    [{ signature: 'forged' }, /no signature "forged"/],
    [{ token: '<heeder>' }, /no fact <heeder>/],
  ]
  for (const [recipe, message] of mistakes) {
    assert.throws(() => issuer.forge(recipe as TokenRecipe), message)
    assert.throws(() => buildVector(recipe as TokenRecipe, issuer), message)
  }
})

test('a port can be asked for', async (context) => {
  const first = await createTestIssuer({ algorithm: 'EdDSA' })
  await first.close()
  const port = Number(new URL(first.issuer).port)
  const second = await createTestIssuer({ algorithm: 'EdDSA', port })
  context.after(second.close)
  assert.equal(second.issuer, first.issuer)
})

test('revoke says what it wants, and can be waited for', async (context) => {
  const issuer = await createTestIssuer()
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  context.after(async () => {
    await verifier.close()
    await issuer.close()
  })
  await verifier.ready()
  const wrong: readonly unknown[] = [{}, { sub: 'a' }, { foo: 1 }, { sid: 1 }]
  for (const what of wrong) {
    assert.throws(() => issuer.revoke(what as Revoked), /revoke wants \{sid\}/)
  }
  const token = issuer.mint({ sid: 'A'.repeat(22) })
  await untilApplied(verifier, issuer.revoke({ sid: 'A'.repeat(22) }))
  await assert.rejects(verifier.verify(token), { reason: 'revoked' })
})
