import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { faultsOfKeys } from '../src/issuer/key-faults.ts'

const nowMs = Date.parse('2026-06-01T00:00:00Z')

function jwkOf(pair: {
  readonly publicKey: { export: (options: { format: 'jwk' }) => object }
}): object {
  return pair.publicKey.export({ format: 'jwk' })
}

const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const ec = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })) as Record<string, string>
const edwards = jwkOf(generateKeyPairSync('ed25519'))

const goodRsa = { ...rsa, kid: 'a', alg: 'RS256', use: 'sig' }
const goodEc = { ...ec, kid: 'b', alg: 'ES256', key_ops: ['verify'] }
const goodEdwards = { ...edwards, kid: 'c', alg: 'EdDSA', iat: nowMs / 1000 - 86_400 }

function faultsIn(...entries: readonly unknown[]): readonly string[] {
  const { seen } = faultsOfKeys(entries, { nowMs, ageDaysMax: 180 })
  return seen.map(({ fault }) => fault)
}

test('good keys have no fault, and their age is told where they tell it', () => {
  assert.deepEqual(faultsIn(goodRsa, goodEc, goodEdwards), [])
  const { keys } = faultsOfKeys([goodRsa, goodEdwards], { nowMs, ageDaysMax: 180 })
  assert.deepEqual(
    keys.map(({ kid, bits, ageDays }) => [kid, bits, ageDays]),
    [
      ['a', 2048, undefined],
      ['c', undefined, 1],
    ],
  )
})

test('a secret in a key set is critical, whatever kind of key it is', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const whole = { ...privateKey.export({ format: 'jwk' }), kid: 'a', alg: 'RS256' }
  assert.deepEqual(faultsIn(whole), ['private-key'])
  assert.deepEqual(faultsIn({ ...goodEc, d: 'AAAA' }), ['private-key'])
  assert.deepEqual(faultsIn({ kty: 'oct', k: 'AAAA', kid: 's', alg: 'HS256' }), ['shared-secret'])
})

test('weak numbers are found', () => {
  const small = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }))
  assert.deepEqual(faultsIn({ ...small, kid: 'a', alg: 'RS256' }), ['weak-rsa'])
  assert.deepEqual(faultsIn({ ...goodRsa, e: 'AQ' }), ['weak-exponent'])
  assert.deepEqual(faultsIn({ ...goodRsa, e: 'Ag' }), ['weak-exponent'])
  assert.deepEqual(faultsIn({ ...goodRsa, e: 'Aw' }), ['small-exponent'])
  const y = Buffer.from(ec['y'] ?? '', 'base64url')
  y[0] = (y[0] ?? 0) ^ 1
  assert.deepEqual(faultsIn({ ...goodEc, y: y.toString('base64url') }), ['bad-point'])
})

test('a key with endless numbers is told in no time', () => {
  const endless = Buffer.alloc(450_000, 0xff).toString('base64url')
  const startedAt = performance.now()
  assert.deepEqual(faultsIn({ ...goodRsa, e: endless }), ['unreadable-key'])
  assert.deepEqual(faultsIn({ ...goodRsa, n: endless }), ['unreadable-key'])
  assert.deepEqual(faultsIn({ ...goodRsa, e: `${'A'.repeat(600_000)}AQAB` }), ['unreadable-key'])
  assert.deepEqual(faultsIn({ ...goodEc, x: endless }), ['unreadable-key'])
  assert.ok(performance.now() - startedAt < 1000)
})

test('what a key says about itself must fit to it', () => {
  assert.deepEqual(faultsIn({ ...goodRsa, alg: 'ES256' }), ['unfit-alg'])
  assert.deepEqual(faultsIn({ ...goodEc, alg: 'ES384' }), ['unfit-alg'])
  assert.deepEqual(faultsIn({ ...goodRsa, alg: undefined }), ['no-alg'])
  assert.deepEqual(faultsIn({ ...goodRsa, use: 'tls' }), ['unfit-use'])
  assert.deepEqual(faultsIn({ ...goodEc, key_ops: ['sign'] }), ['unfit-use'])
  assert.deepEqual(faultsIn({ ...goodRsa, kid: undefined }), ['no-kid'])
  // One for encryption is none that signs.
  assert.deepEqual(faultsIn({ ...goodRsa, use: 'enc', alg: 'RSA-OAEP-256' }), [])
})

test('what cannot be read, is there twice or is old is found', () => {
  assert.deepEqual(faultsIn('key'), ['unreadable-key'])
  assert.deepEqual(faultsIn({ kty: 'RSA', kid: 'x', alg: 'RS256' }), ['unreadable-key'])
  assert.deepEqual(faultsIn({ ...goodRsa, x5c: ['AAAA'] }), ['unreadable-key'])
  assert.deepEqual(faultsIn(goodRsa, { ...goodRsa }), ['kid-twice'])
  assert.deepEqual(faultsIn({ ...goodEc, iat: nowMs / 1000 - 200 * 86_400 }), ['old-key'])
})
