import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import {
  algorithmNamed,
  algorithms,
  isAlgorithmName,
  parseCompactJws,
  sharedSecretKey,
} from '@portcullis/protocol/jws'
import { readSharedVectors } from './shared-vectors.ts'

test('the table holds the asymmetric algorithms, and no name reaches past it', () => {
  assert.deepEqual(
    [...algorithms.keys()].join(' '),
    'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519',
  )
  for (const name of [
    'none',
    'HS256',
    'rs256',
    '__proto__',
    'constructor',
    '',
    1,
    null,
    ['RS256'],
  ]) {
    assert.equal(isAlgorithmName(name), false, String(name))
  }
})

for (const algorithm of algorithms.values()) {
  const { name } = algorithm
  const { publicKey, privateKey } = algorithm.generateKeyPair()
  const stranger = algorithm.generateKeyPair()

  test(`${name}: a signature verifies what was signed, by that key, and nothing else`, () => {
    const signature = algorithm.sign(privateKey, 'a.b')
    assert.equal(algorithm.verify(publicKey, 'a.b', signature), true)
    assert.equal(algorithm.verify(publicKey, 'a.c', signature), false)
    assert.equal(algorithm.verify(stranger.publicKey, 'a.b', signature), false)
    assert.equal(algorithm.keyFault(publicKey), undefined)
  })

  test(`${name}: whatever the octets of a signature are, the answer is no and not a crash`, () => {
    const valid = algorithm.sign(privateKey, 'a.b')
    const sameLength = { minLength: valid.length, maxLength: valid.length }
    const octets = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array(sameLength))
    fc.assert(
      fc.property(octets, (bytes) => {
        assert.equal(algorithm.verify(publicKey, 'a.b', Buffer.from(bytes)), false)
      }),
      { numRuns: 300 },
    )
    for (const edge of [0x00, 0xff]) {
      const filled = Buffer.alloc(valid.length, edge)
      assert.equal(algorithm.verify(publicKey, 'a.b', filled), false)
    }
  })

  test(`${name}: a compact JWS that was signed with it is read back and verifies`, () => {
    const parts = [{ alg: name }, { sub: 'a' }].map((part) => Buffer.from(JSON.stringify(part)))
    const input = parts.map((part) => part.toString('base64url')).join('.')
    const signature = algorithm.sign(privateKey, input).toString('base64url')
    const parsed = parseCompactJws(`${input}.${signature}`)
    assert.ok(parsed.kind === 'jws')
    assert.deepEqual(parsed.payload, { sub: 'a' })
    assert.equal(algorithm.verify(publicKey, parsed.signingInput, parsed.signature), true)
  })
}

for (const [name, signatureBytes] of [
  ['ES256', 64],
  ['ES384', 96],
  ['ES512', 132],
] as const) {
  test(`${name}: signatures are ${signatureBytes} octets whatever their integers are`, () => {
    const { sign, verify, generateKeyPair } = algorithmNamed(name)
    const { publicKey, privateKey } = generateKeyPair()
    // One in 256 integers is short, and half of them need a zero octet in DER.
    for (let count = 0; count < 600; count += 1) {
      const signature = sign(privateKey, `message ${count}`)
      assert.equal(signature.length, signatureBytes)
      assert.ok(verify(publicKey, `message ${count}`, signature))
    }
  })
}

// RFC 8725bis J7 would have both alike: OpenSSL, as Node has it, takes a fresh random number for each ECDSA signature.
test('of two signatures of one text those of ECDSA differ, and those of Ed25519 are the same', () => {
  for (const [name, signaturesMin] of [
    ['ES256', 8],
    ['ES384', 8],
    ['ES512', 8],
    ['EdDSA', 1],
    ['RS256', 1],
  ] as const) {
    const { sign, generateKeyPair } = algorithmNamed(name)
    const { privateKey } = generateKeyPair()
    const signatures = Array.from({ length: 8 }, () => sign(privateKey, 'a.b').toString('hex'))
    assert.equal(new Set(signatures).size, signaturesMin, name)
  }
})

const secret = Buffer.from('a secret of thirty-two octets ..')

test('HS256 verifies what was signed with its secret, and nothing else', () => {
  const { algorithm, publicKey, kid } = sharedSecretKey('s', secret)
  const signature = createHmac('sha256', secret).update('a.b').digest()
  assert.equal(kid, 's')
  assert.equal(algorithm.name, 'HS256')
  assert.equal(algorithm.verify(publicKey, 'a.b', signature), true)
  assert.equal(algorithm.verify(publicKey, 'a.c', signature), false)
  assert.equal(algorithm.verify(publicKey, 'a.b', signature.subarray(1)), false)
  assert.equal(algorithm.verify(publicKey, 'a.b', Buffer.alloc(0)), false)
  const other = sharedSecretKey('s', Buffer.alloc(32))
  assert.equal(other.algorithm.verify(other.publicKey, 'a.b', signature), false)
})

// RFC 8725bis J11.
test('a shared secret that is shorter than its digest is refused', () => {
  assert.throws(() => sharedSecretKey('s', secret.subarray(1)), { message: /32 bytes or more/ })
})

interface Group {
  readonly publicKeyPem: string
  readonly tests: readonly {
    readonly tcId: number
    readonly comment: string
    readonly msg: string
    readonly sig: string
    readonly result: 'valid' | 'invalid' | 'acceptable'
  }[]
}

const wycheproof: readonly (readonly [AlgorithmName, string, number])[] = [
  ['RS256', 'rsa_signature_2048_sha256_test.json', 150],
  ['PS256', 'rsa_pss_2048_sha256_mgf1_32_test.json', 60],
  ['ES256', 'ecdsa_secp256r1_sha256_p1363_test.json', 150],
  ['ES384', 'ecdsa_secp384r1_sha384_p1363_test.json', 150],
  ['ES512', 'ecdsa_secp521r1_sha512_p1363_test.json', 150],
  ['EdDSA', 'ed25519_test.json', 80],
]

for (const [name, file, testsMin] of wycheproof) {
  test(`${name}: the Wycheproof vectors are judged as they say`, (context) => {
    const vectors = readSharedVectors(context, `wycheproof/${file}`)
    if (vectors === undefined) return
    const { testGroups } = vectors as { readonly testGroups: readonly Group[] }
    let judged = 0
    for (const { publicKeyPem, tests } of testGroups) {
      const key = createPublicKey(publicKeyPem)
      for (const { tcId, comment, msg, sig, result } of tests) {
        const message = Buffer.from(msg, 'hex')
        // Signing inputs are ASCII; other messages cannot occur in a JWS.
        if (message.some((octet) => octet > 0x7f) || result === 'acceptable') continue
        const isValid = algorithmNamed(name).verify(
          key,
          message.toString('latin1'),
          Buffer.from(sig, 'hex'),
        )
        assert.equal(isValid, result === 'valid', `${tcId} ${comment}`)
        judged += 1
      }
    }
    assert.ok(judged >= testsMin, `only ${judged} vectors were judged`)
  })
}

test('the signatures in the appendices of the RFCs verify', (context) => {
  const file = readSharedVectors(context, 'rfc-appendix/vectors.json')
  if (file === undefined) return
  const { vectors } = file as {
    readonly vectors: readonly {
      readonly id: string
      readonly kind: string
      readonly jwk?: Readonly<Record<string, string>>
      readonly jws: string
    }[]
  }
  let verified = 0
  for (const { id, kind, jwk, jws } of vectors) {
    if (kind !== 'jws' || jwk === undefined || jwk['kty'] === 'oct') continue
    const [header = '', payload = '', signature = ''] = jws.split('.')
    const name = (JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: AlgorithmName })
      .alg
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const octets = Buffer.from(signature, 'base64url')
    assert.ok(algorithmNamed(name).verify(key, `${header}.${payload}`, octets), id)
    verified += 1
  }
  assert.ok(verified >= 3)
})
