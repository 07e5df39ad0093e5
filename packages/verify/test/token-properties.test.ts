import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import type { Verifier } from '@portcullis/verify'
import { VerifyError } from '@portcullis/verify'
import { createClock } from './clock.ts'
import type { Signer } from './signer.ts'
import { startSigner } from './signer.ts'

const { now } = createClock()
const signers = new Map<string, Signer>()
for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA'] as const) {
  const signer = await startSigner(algorithm, now)
  after(signer.close)
  signers.set(algorithm, signer)
}

function signerOf(algorithm: string): Signer {
  const signer = signers.get(algorithm)
  assert.ok(signer)
  return signer
}

function goodToken({ token, header, claims }: Signer): string {
  return token(JSON.stringify(header), JSON.stringify(claims))
}

/** `accepted`, or the code of the refusal; anything but a `VerifyError` is a failure. */
async function fateOf(verifier: Verifier, token: unknown): Promise<string> {
  return verifier.verify(token as string).then(
    () => 'accepted',
    (error: unknown) => {
      assert.ok(error instanceof VerifyError, String(error))
      return error.code
    },
  )
}

for (const [algorithm, signer] of signers) {
  test(`${algorithm}: a token with any one bit of its octets changed is refused`, async () => {
    const token = goodToken(signer)
    assert.equal(await fateOf(signer.verifier, token), 'accepted')
    const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'))
    let bits = 0
    for (const [at, octets] of parts.entries()) {
      for (let bit = 0; bit < octets.length * 8; bit += 1) {
        const changed = Buffer.from(octets)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const other = parts.with(at, changed).map((part) => part.toString('base64url'))
        assert.equal(await fateOf(signer.verifier, other.join('.')), 'invalid-token')
        bits += 1
      }
    }
    assert.ok(bits >= 3_500, `only ${bits} bits`)
  })
}

test('whatever value comes as a token, the answer is a refusal and never a crash', async () => {
  const { verifier } = signerOf('EdDSA')
  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withTypedArray: true,
    withSparseArray: true,
  })
  await fc.assert(
    fc.asyncProperty(value, async (token) => {
      assert.equal(await fateOf(verifier, token), 'invalid-token')
    }),
    { numRuns: 1_000 },
  )
})

test('whatever a header says, the token is accepted or refused and nothing crashes', async () => {
  const signer = signerOf('EdDSA')
  const names = ['alg', 'typ', 'kid', 'crit', 'b64', 'zip', 'jwk', 'jku', 'cty', '__proto__', 'x']
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('EdDSA', 'none', 'at+jwt', true, false))
  const header = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 })
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(header, fc.boolean(), async (members, onTop) => {
      const all = onTop ? { ...signer.header, ...members } : members
      const token = signer.token(JSON.stringify(all), JSON.stringify(signer.claims))
      const fate = await fateOf(signer.verifier, token)
      if (fate !== 'accepted') return
      accepted += 1
      // `alg`, `typ` and `kid` are what they were, and nothing changes what is signed.
      const { alg, kid } = all as { readonly alg?: unknown; readonly kid?: unknown }
      assert.deepEqual({ alg, kid }, { alg: 'EdDSA', kid: signer.header['kid'] })
      for (const name of ['crit', 'b64', 'zip']) assert.ok(!Object.hasOwn(all, name))
    }),
    { numRuns: 1_000 },
  )
  assert.ok(accepted >= 20, `only ${accepted} headers were accepted`)
})

test('whatever a payload says, the token is accepted or refused, and what is accepted fits', async () => {
  const signer = signerOf('EdDSA')
  const nowSeconds = Math.floor(now() / 1000)
  const time = fc.oneof(
    fc.integer({ min: nowSeconds - 5_000, max: nowSeconds + 5_000 }),
    fc.integer({ min: nowSeconds - 20, max: nowSeconds + 20 }),
    fc.double(),
  )
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('orders', signer.issuer))
  const value = fc.oneof(time, text, fc.array(text, { maxLength: 3 }), fc.jsonValue())
  const names = [...Object.keys(signer.claims), 'nbf', 'cnf', 'act', 'acr', 'amr', 'x']
  const changes = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 })
  let accepted = 0
  await fc.assert(
    fc.asyncProperty(changes, async (members) => {
      const payload = JSON.stringify({ ...signer.claims, ...members })
      const token = signer.token(JSON.stringify(signer.header), payload)
      if ((await fateOf(signer.verifier, token)) !== 'accepted') return
      accepted += 1
      const { claims } = await signer.verifier.verify(token)
      assert.deepEqual(claims, JSON.parse(payload))
      assert.equal(claims.iss, signer.issuer)
      assert.ok([claims.aud].flat().includes('orders'))
      assert.ok(claims.exp > nowSeconds - 5 && claims.iat <= nowSeconds + 5)
      assert.ok(claims.exp > claims.iat && claims.exp - claims.iat <= 3_600)
      assert.equal(claims.cnf, undefined)
    }),
    { numRuns: 1_000 },
  )
  assert.ok(accepted >= 50, `only ${accepted} payloads were accepted`)
})

/** FIPS 186-5: the order of P-256. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

test('V46 of all that can be made of an ECDSA signature, only (r, n - s) is accepted as well', async () => {
  const signer = signerOf('ES256')
  const token = goodToken(signer)
  const input = token.slice(0, token.lastIndexOf('.') + 1)
  const signature = Buffer.from(token.slice(input.length), 'base64url')
  const r = BigInt(`0x${signature.toString('hex', 0, 32)}`)
  const s = BigInt(`0x${signature.toString('hex', 32)}`)
  const fate = (first: bigint, second: bigint): Promise<string> => {
    const hex = [first, second].map((integer) => integer.toString(16).padStart(64, '0')).join('')
    return fateOf(signer.verifier, input + Buffer.from(hex, 'hex').toString('base64url'))
  }
  assert.equal(await fate(r, s), 'accepted')
  assert.equal(await fate(r, order - s), 'accepted')

  const max = 2n ** 256n - 1n
  const integer = fc.oneof(
    fc.constantFrom(0n, 1n, r, s, order - r, order - s, order, order - 1n, order + 1n, max),
    fc.bigInt({ min: 0n, max }),
  )
  let refused = 0
  await fc.assert(
    fc.asyncProperty(integer, integer, async (first, second) => {
      if (first === r && (second === s || second === order - s)) return
      assert.equal(await fate(first, second), 'invalid-token')
      refused += 1
    }),
    { numRuns: 1_000 },
  )
  assert.ok(refused >= 800, `only ${refused} were refused`)
})
