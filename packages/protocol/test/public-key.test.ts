import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import {
  algorithmNamed,
  algorithms,
  parsePublicKey,
  publicJwk,
  thumbprintOf,
} from '@portcullis/protocol/jws'

// RFC 8037 appendix A.2 and A.3: a public Ed25519 key and its thumbprint.
const ed25519 = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
}
const thumbprint = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'

function fateOf(jwk: unknown, name: AlgorithmName = 'EdDSA'): string {
  const parsed = parsePublicKey(jwk, algorithmNamed(name))
  return parsed.kind === 'unusable' ? parsed.why : thumbprintOf(parsed.publicKey)
}

assert.ok(algorithms.size >= 4)
for (const algorithm of algorithms.values()) {
  test(`${algorithm.name}: a key without a kid is read for its algorithm`, () => {
    const { publicKey, privateKey } = algorithm.generateKeyPair()
    const { kid, use: _use, alg: _alg, ...bare } = publicJwk(publicKey, algorithm.name)
    assert.equal(fateOf(bare, algorithm.name), kid)
    assert.equal(fateOf({ ...bare, alg: algorithm.name, use: 'sig' }, algorithm.name), kid)
    assert.equal(thumbprintOf(privateKey), kid)
    const secret = { ...privateKey.export({ format: 'jwk' }) }
    assert.equal(fateOf(secret, algorithm.name), 'it holds a private or symmetric key')
  })
}

const cases: readonly (readonly [string, unknown, string])[] = [
  ['as it is published', ed25519, thumbprint],
  ['with a name', { ...ed25519, kid: 'x' }, thumbprint],
  ['nothing', undefined, 'it is not an object'],
  ['a text', JSON.stringify(ed25519), 'it is not an object'],
  ['a list', [ed25519], 'it is not an object'],
  ['of another type', { ...ed25519, kty: 'EC' }, 'it is for another algorithm'],
  ['on another curve', { ...ed25519, crv: 'X25519' }, 'it is for another algorithm'],
  ['for another algorithm', { ...ed25519, alg: 'ES256' }, 'it is for another algorithm'],
  ['for encryption', { ...ed25519, use: 'enc' }, 'its use is not sig'],
  ['for signing', { ...ed25519, key_ops: ['sign'] }, 'its key_ops leave out verify'],
  ['without a point', { kty: 'OKP', crv: 'Ed25519' }, 'its parameters are not a key'],
]
for (const [name, jwk, fate] of cases) {
  test(`a key that stands alone, ${name}: ${fate}`, () => assert.equal(fateOf(jwk), fate))
}

for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
  test(`a key with the private member ${member} is refused, whatever is in it`, () => {
    assert.equal(fateOf({ ...ed25519, [member]: null }), 'it holds a private or symmetric key')
  })
}
