import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { compactDecrypt } from 'jose'
import { selfSignedCertificate } from '../src/testing/certificate.ts'
import { encryptedToIssuer } from '../src/testing/encrypted.ts'
import { generateTestKey } from '../src/testing/test-key.ts'

// What recipes forge must be what it claims to be, or refusing it proves nothing.

for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
  test(`a forged certificate of an ${algorithm} key is one, signed by that key`, () => {
    const key = generateTestKey(algorithm)
    const certificate = new X509Certificate(selfSignedCertificate(key))
    assert.ok(certificate.publicKey.equals(key.publicKey))
    assert.ok(certificate.verify(key.publicKey))
    assert.equal(certificate.verify(generateTestKey(algorithm).publicKey), false)
  })
}

test('a forged encrypted token is one that the key of the issuer decrypts', async () => {
  const key = generateTestKey('RS256')

  const { plaintext } = await compactDecrypt(
    encryptedToIssuer('{"sub":"admin"}', key),
    key.privateKey,
  )
  assert.equal(Buffer.from(plaintext).toString(), '{"sub":"admin"}')
})
