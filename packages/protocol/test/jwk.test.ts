import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import {
  algorithmNamed,
  algorithms,
  parseVerificationKey,
  publicJwk,
} from '@portcullis/protocol/jws'
import { readSharedVectors } from './shared-vectors.ts'

// RFC 8037 appendix A.2: a public Ed25519 key.
const ed25519 = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
}
// RFC 7515 appendix A.3.1: a public P-256 key.
const p256 = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}

function faultOf(jwk: unknown): string {
  const parsed = parseVerificationKey(jwk)
  return parsed.kind === 'unusable' ? parsed.why : parsed.key.algorithm.name
}

test('the kid is the RFC 7638 thumbprint: the example of RFC 8037 appendix A.3', () => {
  const key = createPublicKey({ key: ed25519, format: 'jwk' })
  assert.equal(publicJwk(key, 'EdDSA').kid, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})

test('the kid is the RFC 7638 thumbprint: every published example', (context) => {
  const file = readSharedVectors(context, 'rfc-appendix/vectors.json')
  if (file === undefined) return
  const { vectors } = file as {
    readonly vectors: readonly {
      readonly id: string
      readonly kind: string
      readonly jwk: Readonly<Record<string, string>>
      readonly expect: string
    }[]
  }
  const thumbprints = vectors.filter(({ kind }) => kind === 'thumbprint')
  assert.ok(thumbprints.length >= 3)
  for (const { id, jwk, expect } of thumbprints) {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    assert.equal(publicJwk(key, 'RS256').kid, expect, id)
  }
})

for (const name of algorithms.keys()) {
  test(`${name}: a published key is public, names its one algorithm and is read back`, () => {
    const { publicKey, privateKey } = algorithmNamed(name).generateKeyPair()
    const jwk = publicJwk(privateKey, name)
    assert.deepEqual(jwk, publicJwk(publicKey, name))
    assert.equal(jwk.alg, name)
    assert.equal(jwk.use, 'sig')
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) {
      assert.equal(jwk[member], undefined)
    }
    const parsed = parseVerificationKey(jwk)
    assert.ok(parsed.kind === 'key')
    assert.equal(parsed.key.kid, jwk.kid)
    assert.equal(parsed.key.algorithm.name, name)
    assert.ok(parsed.key.publicKey.equals(publicKey))
  })
}

const cases: readonly (readonly [string, unknown, string])[] = [
  ['an Ed25519 key without alg', { ...ed25519, kid: 'k' }, 'EdDSA'],
  ['a P-256 key without alg', { ...p256, kid: 'k' }, 'ES256'],
  ['a key for verifying', { ...p256, kid: 'k', use: 'sig', key_ops: ['verify'] }, 'ES256'],
  ['nothing', null, 'it is not an object'],
  ['a list', [], 'it is not an object'],
  ['no kid', p256, 'it has no kid'],
  ['an empty kid', { ...p256, kid: '' }, 'it has no kid'],
  ['a private key', { ...p256, kid: 'k', d: 'AA' }, 'it holds a private or symmetric key'],
  ['a symmetric key', { kty: 'oct', kid: 'k', k: 'AA' }, 'it holds a private or symmetric key'],
  ['a key for encryption', { ...p256, kid: 'k', use: 'enc' }, 'its use is not sig'],
  ['a key for signing', { ...p256, kid: 'k', key_ops: ['sign'] }, 'its key_ops leave out verify'],
  ['key_ops as a text', { ...p256, kid: 'k', key_ops: 'verify' }, 'its key_ops leave out verify'],
  ['an unknown algorithm', { ...p256, kid: 'k', alg: 'ES384' }, 'its algorithm is not supported'],
  ['none', { ...p256, kid: 'k', alg: 'none' }, 'its algorithm is not supported'],
  ['an alg of another type', { ...p256, kid: 'k', alg: 'RS256' }, 'its algorithm is not supported'],
  ['a point of another curve', { ...p256, kid: 'k', crv: 'P-384' }, 'its parameters are not a key'],
  ['an unknown curve', { ...p256, kid: 'k', crv: 'secp256k1' }, 'its algorithm is not supported'],
  ['an Ed25519 key by its new name', { ...ed25519, kid: 'k', alg: 'Ed25519' }, 'Ed25519'],
  ['HMAC over a public key', { ...p256, kid: 'k', alg: 'HS256' }, 'its algorithm is not supported'],
  ['Ed448', { ...ed25519, kid: 'k', crv: 'Ed448' }, 'its algorithm is not supported'],
  ['an unknown type', { kty: 'LMS', kid: 'k' }, 'its algorithm is not supported'],
  ['a point off the curve', { ...p256, kid: 'k', y: p256.x }, 'its parameters are not a key'],
  ['the point at zero', { ...p256, kid: 'k', x: 'AA', y: 'AA' }, 'its parameters are not a key'],
  ['no point', { kty: 'EC', crv: 'P-256', kid: 'k' }, 'its parameters are not a key'],
]

for (const [name, jwk, fault] of cases) {
  test(`a key set entry that is ${name}: ${fault}`, () => assert.equal(faultOf(jwk), fault))
}
