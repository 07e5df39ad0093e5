import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'

interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

async function publishedBy(issuer: TestIssuer): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${issuer.issuer}/.well-known/jwks.json`)
  const [entry] = ((await response.json()) as KeySet).keys
  assert.ok(entry)
  return entry
}

const { now } = createClock()
const issuer = await createTestIssuer({ now })
// Has a key that is always good, so that the set as a whole stays usable.
const other = await createTestIssuer({ algorithm: 'ES256' })
after(async () => {
  await issuer.close()
  await other.close()
})
const ownEntry = await publishedBy(issuer)
const otherEntry = await publishedBy(other)

/** How a token of the issuer fares when the key set is made of its entry in this way. */
async function fateWith(
  keySetOf: (entry: Readonly<Record<string, unknown>>) => readonly unknown[],
  token: string = issuer.mint(),
): Promise<string> {
  const keys = [otherEntry, ...keySetOf(ownEntry)]
  issuer.publish({ keys })
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now,
  })
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof VerifyError ? (error.reason ?? error.code) : ''),
  )
}

const broken = [
  null,
  'key',
  {},
  { kty: 'RSA', kid: 'a' },
  { kty: 'EC', crv: 'P-256', kid: 'b', x: 'AA', y: 'AA' },
]

test('entries that are broken are left out and the others stay', async () => {
  assert.equal(await fateWith((entry) => [...broken, entry, ...broken]), 'accepted')
})

test('a kid that stands there twice is left out altogether', async () => {
  assert.equal(await fateWith((entry) => [entry, entry]), 'unknown-key')
  assert.equal(await fateWith((entry) => [entry, { kid: entry['kid'] }]), 'unknown-key')
})

function filler(entries: number): readonly unknown[] {
  return Array.from({ length: entries }, () => ({}))
}

test('a set of 32 entries is read, and one of 33 is not', async () => {
  // Two entries more: the other issuer's and the issuer's own.
  assert.equal(await fateWith((entry) => [...filler(30), entry]), 'accepted')
  assert.equal(await fateWith((entry) => [...filler(31), entry]), 'keys-unavailable')
})

for (const [name, change] of [
  ['for encryption', { use: 'enc' }],
  ['whose operations leave out verify', { key_ops: ['encrypt'] }],
  ['with its private part', { d: 'AQAB' }],
  ['with a symmetric part', { k: 'AQAB' }],
  ['for an algorithm that is not supported', { alg: 'RSA-OAEP' }],
  ['for HMAC', { alg: 'HS256' }],
  ['for an algorithm of another key type', { alg: 'ES256' }],
  ['of 1024 bits', { n: `${'x'.repeat(170)}w` }],
  ['with the exponent 1', { e: 'AQ' }],
  ['with an even exponent', { e: 'AQAA' }],
  ['with the modulus 0', { n: 'AA' }],
  ['with a kid that is a number', { kid: 1 }],
] as const) {
  test(`a key ${name} verifies nothing`, async () => {
    const fate = await fateWith((entry) => [{ ...entry, ...change }])
    assert.equal(fate, 'unknown-key')
  })
}

function withoutAlg(entry: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { alg: _alg, ...remaining } = entry
  return [remaining]
}

test('an RSA key without alg verifies RS256, and neither PS256 nor HMAC', async () => {
  assert.equal(await fateWith(withoutAlg), 'accepted')
  const asPs256 = await fateWith(
    withoutAlg,
    issuer.forge({ header: { set: { alg: 'PS256' } }, signature: 'own-key-PS256' }),
  )
  assert.equal(asPs256, 'key-does-not-fit')
  const asHmac = await fateWith(
    withoutAlg,
    issuer.forge({ header: { set: { alg: 'HS256' } }, signature: 'hmac-pem' }),
  )
  assert.equal(asHmac, 'algorithm-not-allowed')
})
