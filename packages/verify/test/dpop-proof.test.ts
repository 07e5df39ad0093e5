import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { algorithms } from '@portcullis/protocol/jws'
import { createTestIssuer } from '@portcullis/verify/testing'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { readProofClaims } from '../src/dpop/proof-claims.ts'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import type { ProofJudgeOptions } from '../src/dpop/proof-options.ts'
import { createProofKey } from '../src/testing/proof-key.ts'
import type { TokenRecipe } from '../src/testing/recipe.ts'
import { refusal, request, startProofService } from './proof-service.ts'

assert.ok(algorithms.size >= 4)
for (const algorithm of algorithms.keys()) {
  test(`a proof signed with ${algorithm} by the key of the token is good`, async () => {
    const { fateOf, prove } = startProofService({}, algorithm)
    assert.equal(await fateOf([prove()]), 'proven')
  })
}

test('the published example of RFC 9449 section 7.1 is good, once', async () => {
  const { judge } = createProofJudge({ now: () => 1_562_262_618_000 })
  const header =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo' +
    'UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW' +
    'clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
  const payload =
    'eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxl' +
    'Lm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0Ji' +
    'MHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9'
  const signature =
    '2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA'
  const presented = {
    proofs: [`${header}.${payload}.${signature}`],
    method: 'GET',
    url: 'https://resource.example.org/protectedresource',
    accessToken: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    thumbprint: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
  }
  assert.equal((await judge(presented)).kind, 'proven')
  assert.deepEqual(await judge(presented), refusal('replayed'))
})

test('a proof that another library has made is good', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  context.after(issuer.close)
  const { publicKey, privateKey } = await generateKeyPair('EdDSA')
  const jwk = await exportJWK(publicKey)
  const thumbprint = await calculateJwkThumbprint(jwk)
  const accessToken = issuer.mint({ cnf: { jkt: thumbprint } })
  const ath = createHash('sha256').update(accessToken).digest('base64url')
  const proof = await new SignJWT({ jti: 'e1j3V', htm: 'GET', htu: 'http://[::1]:8080/', ath })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(privateKey)
  const { judge } = createProofJudge()
  const url = 'http://[::1]:8080'
  const judged = await judge({ proofs: [proof], method: 'GET', url, accessToken, thumbprint })
  assert.deepEqual(judged, { kind: 'proven', nextNonce: undefined })
})

test('a proof is for one token, one key, one method and one URL', async () => {
  const { fateOf, key, prove } = startProofService()
  const proof = prove()
  const stranger = createProofKey()
  assert.equal(await fateOf([proof], { accessToken: 'another' }), 'wrong-token')
  assert.equal(await fateOf([proof], { thumbprint: stranger.thumbprint }), 'wrong-key')
  assert.equal(await fateOf([stranger.prove(request)]), 'wrong-key')
  assert.equal(await fateOf([proof], { method: 'DELETE' }), 'wrong-method')
  assert.equal(await fateOf([proof], { url: 'https://orders.example/orders/8' }), 'wrong-url')
  assert.equal(await fateOf([proof], { url: undefined }), 'unknown-url')
  assert.equal(await fateOf([proof], { url: '/orders/7' }), 'unknown-url')
  assert.equal(await fateOf([proof], { thumbprint: key.thumbprint }), 'proven')
})

test('a request carries exactly one proof', async () => {
  const { fateOf, prove } = startProofService()
  const [one, other] = [prove(), prove()]
  assert.equal(await fateOf([]), 'missing-proof')
  assert.equal(await fateOf(['']), 'malformed')
  assert.equal(await fateOf([one, other]), 'several-proofs')
  assert.equal(await fateOf([one, one]), 'several-proofs')
  // Two fields as some frameworks join them.
  assert.equal(await fateOf([`${one}, ${other}`]), 'malformed')
  assert.equal(await fateOf([`${one} `]), 'malformed')
  assert.equal(await fateOf([one]), 'proven')
})

test('a proof is good once, and none of its spellings is good again', async () => {
  const { clock, fateOf, prove } = startProofService()
  const jti = { payload: { set: { jti: 'the-only-one' } } }
  const proof = prove(jti)
  assert.equal(await fateOf([proof]), 'proven')
  assert.equal(await fateOf([proof]), 'replayed')
  assert.equal(await fateOf([prove({ ...jti, signature: 'ecdsa-twin' })]), 'replayed')
  clock.advanceSeconds(60)
  assert.equal(await fateOf([proof]), 'replayed')
  clock.advanceSeconds(1)
  assert.equal(await fateOf([proof]), 'too-old')
  assert.equal(await fateOf([prove()]), 'proven')
})

test('of a thousand uses of one proof at once exactly one is good', async () => {
  const { fateOf, prove } = startProofService()
  const proof = prove()
  const fates = await Promise.all(Array.from({ length: 1_000 }, () => fateOf([proof])))
  assert.equal(fates.filter((fate) => fate === 'proven').length, 1)
  assert.equal(fates.filter((fate) => fate === 'replayed').length, 999)
})

test('what is forged or does not fit uses nothing up', async () => {
  const { fateOf, prove } = startProofService()
  const jti = 'mine'
  const recipes: readonly TokenRecipe[] = [
    { payload: { set: { jti } }, signature: 'stranger' },
    { payload: { set: { jti, htm: 'GET' } } },
    { payload: { set: { jti, iat: 1 } } },
  ]
  for (const recipe of recipes) assert.notEqual(await fateOf([prove(recipe)]), 'proven')
  assert.equal(await fateOf([prove({ payload: { set: { jti } } })]), 'proven')
})

test('the claims of a forged proof are not looked at', async () => {
  const { fateOf, prove } = startProofService()
  for (const set of [{ iat: 1 }, { htm: 'GET' }, { jti: '' }, { ath: 'x' }]) {
    assert.equal(
      await fateOf([prove({ payload: { set }, signature: 'stranger' })]),
      'bad-signature',
    )
  }
})

test('members of the prototype are no claims', () => {
  const claims = { jti: 'j', htm: 'GET', htu: 'https://orders.example/', iat: 1, ath: 'a' }
  assert.deepEqual(readProofClaims(claims), { ...claims, nonce: undefined })
  assert.equal(readProofClaims(Object.create(claims) as typeof claims), undefined)
})

test('algorithms narrows what proofs may be signed with', async () => {
  const narrow = startProofService({ algorithms: ['EdDSA', 'RS256'] })
  assert.equal(await narrow.fateOf([narrow.prove()]), 'algorithm-not-allowed')
  const fitting = startProofService({ algorithms: ['EdDSA', 'RS256'] }, 'EdDSA')
  assert.equal(await fitting.fateOf([fitting.prove()]), 'proven')
})

test('maxAgeSeconds and leewaySeconds are the window of iat', async () => {
  const { clock, fateOf, prove } = startProofService({ maxAgeSeconds: 10, leewaySeconds: 0 })
  const made = [prove(), prove(), prove()] as const
  clock.advanceSeconds(-0.001)
  assert.equal(await fateOf([made[0]]), 'not-yet-valid')
  clock.advanceSeconds(0.001)
  assert.equal(await fateOf([made[0]]), 'proven')
  clock.advanceSeconds(10)
  assert.equal(await fateOf([made[1]]), 'proven')
  clock.advanceSeconds(0.001)
  assert.equal(await fateOf([made[2]]), 'too-old')
})

const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
  ['nothing instead of an object', null, /^options must be an object/],
  ['an unknown name', { maxAge: 5 }, /unknown option "maxAge"/],
  ['HMAC', { algorithms: ['HS256'] }, /option "algorithms"/],
  ['no algorithm', { algorithms: [] }, /option "algorithms"/],
  ['a name as a text', { algorithms: 'ES256' }, /option "algorithms"/],
  ['no time', { maxAgeSeconds: 0 }, /option "maxAgeSeconds"/],
  ['an hour', { maxAgeSeconds: 3_600 }, /option "maxAgeSeconds"/],
  ['a fraction', { leewaySeconds: 0.5 }, /option "leewaySeconds"/],
  ['a nonce by a wish', { nonce: true }, /option "nonce"/],
  ['a key for nobody', { nonceKey: new Uint8Array(32) }, /option "nonceKey"/],
  ['a short key', { nonce: 'required', nonceKey: new Uint8Array(16) }, /option "nonceKey"/],
  ['a key as a text', { nonce: 'required', nonceKey: 'k'.repeat(32) }, /option "nonceKey"/],
  ['no store', { replays: null }, /option "replays"/],
  ['no clock', { now: 0 }, /option "now"/],
]
for (const [name, options, message] of mistakes) {
  test(`options with ${name} are a mistake at once`, () => {
    assert.throws(() => createProofJudge(options as ProofJudgeOptions), {
      name: 'TypeError',
      message,
    })
  })
}

test('what a judge tells of itself cannot be changed', () => {
  const judge = createProofJudge({ algorithms: ['ES256'] })
  assert.deepEqual(judge.algorithms, ['ES256'])
  assert.ok(Object.isFrozen(judge) && Object.isFrozen(judge.algorithms))
})
