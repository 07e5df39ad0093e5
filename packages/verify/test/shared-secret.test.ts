import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHmac, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { VerifierOptions } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'

const issuer = 'https://id.example'
const secret = randomBytes(32)

function mint(key: Uint8Array, header: object = {}): string {
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now, exp: now + 900 }
  const claims = { iss: issuer, sub: 'a', aud: 'orders', jti: 'j', client_id: 'c', ...times }
  const parts = [{ alg: 'HS256', typ: 'at+jwt', kid: 'shared', ...header }, claims]
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signature = createHmac('sha256', key).update(input.join('.')).digest('base64url')
  return [...input, signature].join('.')
}

const options: VerifierOptions = {
  issuer,
  audience: 'orders',
  algorithms: ['HS256'],
  sharedSecret: { kid: 'shared', secret },
  revocation: 'untilExpiry',
  fetch: () => assert.fail('nothing is to be fetched'),
}

test('a secret that was named verifies HS256, and no key set is asked for', async () => {
  const verifier = createVerifier(options)
  await verifier.ready()
  const { claims } = await verifier.verify(mint(secret))
  assert.equal(claims.sub, 'a')
  await assert.rejects(verifier.verify(mint(randomBytes(32))), { reason: 'bad-signature' })
  await assert.rejects(verifier.verify(mint(secret, { kid: 'other' })), { reason: 'unknown-key' })
  for (const alg of ['none', 'HS384', 'RS256']) {
    const token = mint(secret, { alg })
    await assert.rejects(verifier.verify(token), { reason: 'algorithm-not-allowed' })
  }
})

// RFC 8725bis J11: a secret is octets, as many as the digest has, and no text that somebody could have thought of.
const mistakes: readonly (readonly [string, Partial<Record<keyof VerifierOptions, unknown>>])[] = [
  ['HS256 without a secret', { sharedSecret: undefined }],
  ['a secret without HS256', { algorithms: undefined }],
  ['HS256 beside an asymmetric algorithm', { algorithms: ['HS256', 'RS256'] }],
  ['a secret for another algorithm', { algorithms: ['RS256'] }],
  ['a secret that is a text', { sharedSecret: { kid: 'shared', secret: 'x'.repeat(32) } }],
  ['a secret that is too short', { sharedSecret: { kid: 'shared', secret: randomBytes(31) } }],
  ['a kid that is no text', { sharedSecret: { kid: 7, secret } }],
  ['a file for keys that are never fetched', { keySetFile: '/nowhere' }],
  ['a kid that no token may have', { sharedSecret: { kid: 'k'.repeat(257), secret } }],
  ['a misspelt member', { sharedSecret: { kid: 'shared', secret, secrets: secret } }],
]
for (const [what, changed] of mistakes) {
  test(`${what} is a mistake that names the option`, () => {
    const given = { ...options, ...changed } as VerifierOptions
    assert.throws(() => createVerifier(given), {
      name: 'TypeError',
      message: /option.*(?:algorithms|sharedSecret)/,
    })
  })
}
