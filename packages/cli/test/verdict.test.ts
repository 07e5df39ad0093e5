import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import { decodeJwt } from '../src/token/given-token.ts'
import { verdictOn } from '../src/token/verdict.ts'

let issuer: TestIssuer
let verifier: Verifier<undefined>

before(async () => {
  issuer = await createTestIssuer({ network: false })
  const { fetch } = issuer
  const common = { issuer: issuer.issuer, audience: 'orders', fetch } as const
  verifier = createVerifier({ ...common, revocation: 'untilExpiry' })
  await verifier.ready()
})

after(async () => {
  await verifier.close()
  await issuer.close()
})

type Members = Readonly<Record<string, unknown>>

const now = Math.floor(Date.now() / 1000)

const cases: readonly (readonly [
  what: string,
  refusal: string,
  claims: Members,
  header?: Members,
])[] = [
  ['of another type', 'wrong-type', {}, { typ: 'JWT' }],
  ['without a type', 'wrong-type', {}, { typ: undefined }],
  ['of no algorithm', 'algorithm-not-allowed', {}, { alg: 'none' }],
  ['of a secret', 'algorithm-not-allowed', {}, { alg: 'HS256' }],
  ['with an extension', 'unsupported-extension', {}, { crit: ['b64'], b64: false }],
  ['without a key', 'missing-key-id', {}, { kid: undefined }],
  ['without a subject', 'malformed-claims', { sub: undefined }],
  ['whose end is a text', 'malformed-claims', { exp: String(now + 60) }],
  ['that was over before it began', 'malformed-claims', { iat: now, exp: now }],
  ['for another service', 'wrong-audience', { aud: 'reviews' }],
  ['for others', 'wrong-audience', { aud: ['reviews', 'orders2'] }],
  ['that was over a minute ago', 'expired', { iat: now - 120, exp: now - 60 }],
  ['that is just over', 'expired', { iat: now - 120, exp: now - 6 }],
  ['that begins in a minute', 'not-yet-valid', { nbf: now + 60, exp: now + 120 }],
  ['that was issued in a minute', 'not-yet-valid', { iat: now + 60, exp: now + 120 }],
  ['that lives for two hours', 'lives-too-long', { iat: now, exp: now + 7200 }],
]

for (const [what, refusal, claims, header] of cases) {
  test(`of a token ${what} it says what a service says`, async () => {
    const token = issuer.mint(claims, header)
    assert.equal(refusalOf(token), refusal)
    await assert.rejects(verifier.verify(token), (error: unknown) => {
      assert.ok(error instanceof VerifyError)
      assert.equal(error.reason, refusal)
      return true
    })
  })
}

test('it has nothing against a token that a service lets in', async () => {
  for (const claims of [{}, { aud: ['reviews', 'orders'] }, { iat: now - 600, exp: now - 2 }]) {
    const token = issuer.mint(claims)
    await verifier.verify(token)
    assert.equal(refusalOf(token), undefined)
  }
})

function refusalOf(token: string): string | undefined {
  const jws = decodeJwt(token)
  assert.ok(jws !== undefined)
  return verdictOn(jws, 'orders', Date.now()).refusal
}
