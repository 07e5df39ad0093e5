import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as jose from 'jose'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'

for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
  test(`${algorithm}: tokens that jose signs are accepted here`, async (context) => {
    const issuer = await createTestIssuer({ algorithm })
    context.after(issuer.close)
    const { publicKey, privateKey } = await jose.generateKeyPair(algorithm)
    const jwk = await jose.exportJWK(publicKey)
    const kid = await jose.calculateJwkThumbprint(jwk)
    issuer.publish({ keys: [{ ...jwk, kid, alg: algorithm, use: 'sig' }] })
    const token = await new jose.SignJWT({ client_id: 'c', scope: 'orders:read' })
      .setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid })
      .setIssuer(issuer.issuer)
      .setAudience('orders')
      .setSubject('alice')
      .setJti('j')
      .setIssuedAt()
      .setExpirationTime('15m')
      .sign(privateKey)
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      revocation: 'untilExpiry',
    })
    assert.equal((await verifier.verify(token)).claims.sub, 'alice')
    await assert.rejects(verifier.verify(issuer.mint()), { reason: 'unknown-key' })
  })

  test(`${algorithm}: tokens that are signed here are accepted by jose`, async (context) => {
    const issuer = await createTestIssuer({ algorithm })
    context.after(issuer.close)
    const keys = jose.createRemoteJWKSet(new URL(`${issuer.issuer}/.well-known/jwks.json`))
    const expected = { issuer: issuer.issuer, audience: 'orders', typ: 'at+jwt' }
    const { payload, protectedHeader } = await jose.jwtVerify(issuer.mint(), keys, expected)
    assert.equal(payload['client_id'], 'c07c2b0f6a1e')
    assert.equal(protectedHeader.alg, algorithm)
    assert.equal(protectedHeader.kid, issuer.kid)
    const forged = issuer.forge({ signature: 'flipped-bit' })
    await assert.rejects(jose.jwtVerify(forged, keys, expected), jose.errors.JOSEError)
  })
}

test('an encrypted token is refused without being decrypted', async (context) => {
  const issuer = await createTestIssuer()
  context.after(issuer.close)
  const response = await fetch(`${issuer.issuer}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { readonly keys: readonly jose.JWK[] }
  const publicKey = await jose.importJWK({ ...keys[0], alg: 'RSA-OAEP-256' })
  const token = await new jose.CompactEncrypt(new TextEncoder().encode(issuer.mint()))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'at+jwt', kid: issuer.kid })
    .encrypt(publicKey)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  await assert.rejects(verifier.verify(token), { reason: 'malformed' })
})
