import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { CompactEncrypt } from 'jose'
import { thumbprintOf } from '@portcullis/protocol/jws'
import { createVerifier, problemOf, VerifyError } from '@portcullis/verify'
import { createProofJudge } from '@portcullis/verify/dpop'
import type { DecrypterOptions, DecryptionKey } from '@portcullis/verify/jwe'
import { createDecrypter } from '@portcullis/verify/jwe'
import { authenticate } from '@portcullis/verify/fetch'
import type { EncryptedVector } from '@portcullis/verify/testing'
import {
  buildEncryptedVector,
  createProofKey,
  createTestIssuer,
  encryptToken,
} from '@portcullis/verify/testing'

const file = new URL('../../../vectors/encrypted-tokens.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly EncryptedVector[]

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const oaep = (privateKey = rsa.privateKey): DecryptionKey => ({
  privateKey,
  algorithm: 'RSA-OAEP-256',
})
const decryption = createDecrypter({ keys: [oaep()] })
const issuer = await createTestIssuer({ algorithm: 'ES256', network: false })
after(issuer.close)
const plain = createVerifier({
  issuer: issuer.issuer,
  audience: 'orders',
  revocation: 'untilExpiry',
  fetch: issuer.fetch,
})
const verifier = createVerifier({
  issuer: issuer.issuer,
  audience: 'orders',
  revocation: 'untilExpiry',
  fetch: issuer.fetch,
  decryption,
})
const guard = authenticate(verifier)

async function answerTo(token: string): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` }
  return guard(() => new Response('let in'))(new Request('http://orders.example/', { headers }))
}

const refusals: { readonly reason: unknown; readonly body: string; readonly challenge: unknown }[] =
  []

// RFC 8725bis J9, J12, J22: both layers of each, compressed ones and those with a password among them.
for (const { id, forges, recipe, twin = {}, reason } of vectors) {
  test(`${id}: ${forges} is ${reason === undefined ? 'accepted' : 'refused'}`, async () => {
    const token = buildEncryptedVector(recipe, issuer, rsa.publicKey)
    if (reason === undefined) {
      const { claims } = await verifier.verify(token)
      assert.equal(claims.iss, issuer.issuer)
    } else {
      const error: unknown = await verifier.verify(token).catch((refusal: unknown) => refusal)
      assert.ok(error instanceof VerifyError, String(error))
      assert.deepEqual([error.code, error.status, error.reason], ['invalid-token', 401, reason])
      const answer = await answerTo(token)
      assert.equal(answer.status, 401)
      const challenge = answer.headers.get('www-authenticate')
      refusals.push({ reason, body: await answer.text(), challenge })
      for (const text of [error.message, JSON.stringify(problemOf(error)), String(challenge)]) {
        for (const part of token.split('.').filter(({ length }) => length > 16)) {
          assert.ok(!text.includes(part))
        }
      }
    }
    const good = buildEncryptedVector(twin, issuer, rsa.publicKey)
    assert.equal((await answerTo(good)).status, 200)
    // A service that decrypts nothing takes no encrypted token at all.
    await assert.rejects(plain.verify(good), { reason: 'malformed' })
  })
}

test('the whole corpus ran, and whatever cannot be opened has one and the same answer', () => {
  assert.ok(vectors.length >= 60, `only ${vectors.length} vectors were found`)
  assert.equal(new Set(vectors.map(({ id }) => id)).size, vectors.length)
  const unreadable = refusals.filter(({ reason }) => reason === 'malformed')
  assert.ok(unreadable.length >= 50, `only ${unreadable.length} refusals`)
  assert.equal(new Set(unreadable.map((refusal) => JSON.stringify(refusal))).size, 1)
})

const kinds: readonly (readonly [string, () => { privateKey: DecryptionKey['privateKey'] }])[] = [
  ['P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['X25519', () => generateKeyPairSync('x25519')],
]
for (const [curve, generate] of kinds) {
  for (const content of ['A256GCM', 'A128GCM'] as const) {
    test(`a token encrypted by another library for ${curve} and ${content} is opened`, async () => {
      const pair = generate() as ReturnType<typeof generateKeyPairSync>
      const kid = thumbprintOf(pair.publicKey as never)
      const alg = 'ECDH-ES+A256KW' as const
      const key = { privateKey: pair.privateKey as never, algorithm: alg, content }
      const service = createVerifier({
        issuer: issuer.issuer,
        audience: 'orders',
        revocation: 'untilExpiry',
        fetch: issuer.fetch,
        decryption: createDecrypter({ keys: [oaep(), key] }),
      })
      const encrypt = (header: object): Promise<string> =>
        new CompactEncrypt(Buffer.from(issuer.mint()))
          .setProtectedHeader({ alg, enc: content, cty: 'JWT', kid, ...header })
          .encrypt(pair.publicKey as never)
      assert.equal((await service.verify(await encrypt({}))).claims.iss, issuer.issuer)
      const other = content === 'A256GCM' ? 'A128GCM' : 'A256GCM'
      await assert.rejects(service.verify(await encrypt({ enc: other })), { reason: 'malformed' })
      // Both keys are there while one follows the other.
      await service.verify(encryptToken(issuer.mint(), rsa.publicKey))
    })
  }
}

test('a token that comes again is not decrypted again, and is judged again', async () => {
  let opened = 0
  let time = Date.now()
  const counted = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    fetch: issuer.fetch,
    now: () => time,
    decryption: {
      open: (token) => {
        opened += 1
        return decryption.open(token)
      },
    },
  })
  const token = encryptToken(issuer.mint(), rsa.publicKey)
  for (let turn = 0; turn < 5; turn += 1) await counted.verify(token)
  assert.equal(opened, 2)
  time += 1_000_000
  await assert.rejects(counted.verify(token), { reason: 'expired' })
})

test('a bound token is proved by its encrypted text, which is what was sent', async () => {
  const proofKey = createProofKey()
  const bound = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    fetch: issuer.fetch,
    dpop: createProofJudge(),
    decryption,
  })
  const signed = issuer.mint({ cnf: { jkt: proofKey.thumbprint } })
  const token = encryptToken(signed, rsa.publicKey)
  const request = { method: 'GET', url: 'https://orders.example/' }
  const proofOf = (accessToken: string): object => ({
    ...request,
    proofs: [proofKey.prove({ ...request, accessToken })],
  })
  await bound.verify(token, proofOf(token) as never)
  await assert.rejects(bound.verify(token, proofOf(signed) as never), {
    code: 'invalid-dpop-proof',
  })
  await assert.rejects(bound.verify(token), { reason: 'bound-to-a-key' })
})

test('of several issuers the one is asked whose token is inside, one key for all or one for each', async () => {
  const partner = await createTestIssuer({ network: false, issuer: 'https://partner.test' })
  const own = generateKeyPairSync('rsa', { modulusLength: 2048 })
  after(partner.close)
  for (const partnerKey of [rsa, own]) {
    const settings = { audience: 'orders', revocation: 'untilExpiry' } as const
    const several = createVerifier([
      { ...settings, issuer: issuer.issuer, fetch: issuer.fetch, decryption },
      {
        ...settings,
        issuer: partner.issuer,
        fetch: partner.fetch,
        decryption: createDecrypter({ keys: [oaep(partnerKey.privateKey)] }),
      },
    ])
    await several.ready()
    const asked = { ...issuer.requests }
    for (let turn = 0; turn < 3; turn += 1) {
      const ours = await several.verify(encryptToken(issuer.mint(), rsa.publicKey))
      assert.equal(ours.claims.iss, issuer.issuer)
      const theirs = encryptToken(partner.mint(), partnerKey.publicKey)
      assert.equal((await several.verify(theirs)).claims.iss, partner.issuer)
      assert.equal((await several.verify(theirs)).claims.iss, partner.issuer)
    }
    assert.deepEqual({ ...issuer.requests }, asked, 'a key of one issuer was looked for at another')
    for (const token of [issuer.mint(), partner.mint(), 'junk', 'a.b.c.d.e']) {
      await assert.rejects(several.verify(token), { reason: 'malformed' })
    }
  }
})

const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey
const agreement = 'ECDH-ES+A256KW'
const wrong: readonly (readonly [string, unknown])[] = [
  ['no key', { keys: [] }],
  ['a misspelt option', { keys: [oaep()], key: oaep() }],
  ['a misspelt member', { keys: [{ ...oaep(), alg: 'RSA-OAEP-256' }] }],
  ['a public key', { keys: [oaep(rsa.publicKey)] }],
  ['an RSA key of 1024 bits', { keys: [oaep(weak)] }],
  ['RSA1_5', { keys: [{ ...oaep(), algorithm: 'RSA1_5' }] }],
  ['an elliptic key for RSA', { keys: [oaep(elliptic)] }],
  ['an RSA key for ECDH', { keys: [{ ...oaep(), algorithm: agreement }] }],
  ['P-521', { keys: [{ privateKey: p521, algorithm: agreement }] }],
  ['an unknown content encryption', { keys: [{ ...oaep(), content: 'A128CBC-HS256' }] }],
  ['an empty kid', { keys: [{ ...oaep(), kid: '' }] }],
  ['two keys of one kid', { keys: [oaep(), oaep()] }],
]
for (const [what, options] of wrong) {
  test(`${what} is a mistake when the decrypter is made`, () => {
    assert.throws(() => createDecrypter(options as DecrypterOptions), { name: 'TypeError' })
  })
}

test('a key in PEM is as good, and what is no decrypter is a mistake of the verifier', async () => {
  const privateKey = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' })
  const opened = createDecrypter({ keys: [{ ...oaep(), privateKey }] })
  const token = issuer.mint()
  assert.equal(await opened.open(encryptToken(token, rsa.publicKey)), token)
  const options = { issuer: issuer.issuer, audience: 'orders', decryption: {} as never }
  assert.throws(() => createVerifier(options), /option "decryption"/)
})
