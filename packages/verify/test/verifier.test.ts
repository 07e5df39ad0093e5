import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, hasRole, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'

async function start(
  context: TestContext,
  options: Partial<VerifierOptions> = {},
): Promise<{ readonly clock: Clock; readonly issuer: TestIssuer; readonly verifier: Verifier }> {
  const clock = createClock()
  const issuer = await createTestIssuer({ algorithm: 'ES256', now: clock.now })
  context.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
    now: clock.now,
    ...options,
  })
  return { clock, issuer, verifier }
}

async function fateOf(verifier: Verifier, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
  )
}

test('a verified token answers its claims and the audience it was accepted for', async (context) => {
  const { issuer, verifier } = await start(context)
  const verified = await verifier.verify(issuer.mint({ sub: 'alice', aud: ['reviews', 'orders'] }))
  assert.equal(verified.claims.sub, 'alice')
  assert.equal(verified.claims.iss, issuer.issuer)
  assert.deepEqual(verified.claims.roles, ['customer'])
  assert.equal(verified.audience, 'orders')
})

test('what a caller does to the claims changes nothing', async (context) => {
  const { issuer, verifier } = await start(context)
  const act = { sub: 'support', act: { sub: 'tool' } }
  const verified = await verifier.verify(issuer.mint({ act }))
  assert.ok(Object.isFrozen(verified))
  assert.throws(() => Object.assign(verified.claims, { sub: 'mallory' }), TypeError)
  assert.throws(() => Object.assign(verified.claims.roles ?? {}, { 0: 'admin' }), TypeError)
  assert.throws(() => Object.assign(verified.claims.act?.['act'] ?? {}, { sub: 'x' }), TypeError)
  assert.deepEqual(verified.claims.act, act)
})

test('members of the prototype are no claims', async (context) => {
  const { issuer, verifier } = await start(context)
  const token = issuer.forge({
    payload: { remove: ['roles'], text: '{<members>,"__proto__":{"roles":["admin"]}}' },
  })
  const auth = await verifier.verify(token)
  assert.equal(hasRole(auth, 'admin'), false)
  assert.equal(auth.claims.roles, undefined)
  assert.equal(Object.getPrototypeOf(auth.claims), Object.prototype)
})

// ASVS 9.2.1.
test('a token is dead on its exp, counted with the leeway', async (context) => {
  const { clock, issuer, verifier } = await start(context)
  const token = issuer.mint()
  clock.advanceSeconds(900 + 4.999)
  assert.equal(await fateOf(verifier, token), 'accepted')
  clock.advanceSeconds(0.001)
  assert.equal(await fateOf(verifier, token), 'expired')
})

test('leewaySeconds: 0 takes the times as they stand', async (context) => {
  const { clock, issuer, verifier } = await start(context, { leewaySeconds: 0 })
  const token = issuer.mint()
  assert.equal(await fateOf(verifier, token), 'accepted')
  clock.advanceSeconds(-0.001)
  assert.equal(await fateOf(verifier, token), 'not-yet-valid')
  clock.advanceSeconds(900)
  assert.equal(await fateOf(verifier, token), 'accepted')
  clock.advanceSeconds(0.001)
  assert.equal(await fateOf(verifier, token), 'expired')
})

// ASVS 9.2.1.
test('nbf and iat are believed up to the leeway ahead', async (context) => {
  const { clock, issuer, verifier } = await start(context)
  const token = issuer.mint()
  clock.advanceSeconds(-5)
  assert.equal(await fateOf(verifier, token), 'accepted')
  clock.advanceSeconds(-0.001)
  assert.equal(await fateOf(verifier, token), 'not-yet-valid')
})

test('lifetimeSecondsMax bounds the whole lifetime of a token', async (context) => {
  const { issuer, verifier } = await start(context, { lifetimeSecondsMax: 60 })
  const iat = Math.floor(issuer.now() / 1000)
  assert.equal(await fateOf(verifier, issuer.mint({ iat, exp: iat + 60 })), 'accepted')
  assert.equal(await fateOf(verifier, issuer.mint({ iat, exp: iat + 61 })), 'lives-too-long')
})

// ASVS 9.1.2. RFC 8725bis J1.
test('algorithms narrows what is accepted', async (context) => {
  const { issuer, verifier } = await start(context, { algorithms: ['RS256', 'EdDSA'] })
  assert.equal(await fateOf(verifier, issuer.mint()), 'algorithm-not-allowed')
  assert.deepEqual(issuer.requests, { metadata: 0, jwks: 0, token: 0 })
})

// ASVS 9.1.1.
test('claims are judged only after the signature', async (context) => {
  const { issuer, verifier } = await start(context)
  for (const set of [{ exp: 1 }, { aud: 'reviews' }, { iss: 'x' }, { sub: 1 }, { cnf: {} }]) {
    const token = issuer.forge({ payload: { set }, signature: 'stranger' })
    assert.equal(await fateOf(verifier, token), 'bad-signature')
  }
})

test('what is not a string is not a token', async (context) => {
  const { issuer, verifier } = await start(context)
  const token = issuer.mint()
  assert.equal(await fateOf(verifier, token), 'accepted')
  const disguises: readonly unknown[] = [
    undefined,
    null,
    0,
    [token],
    { token },
    Buffer.from(token),
    Object(token),
    { toString: () => token },
  ]
  for (const disguise of disguises) {
    assert.equal(await fateOf(verifier, disguise as string), 'malformed')
  }
})

test('the same token at two verifiers is judged by each for itself', async (context) => {
  const { issuer, verifier } = await start(context)
  const token = issuer.mint()
  const strict = verifier.withAudience('reviews')
  const fates = await Promise.all([fateOf(verifier, token), fateOf(strict, token)])
  assert.deepEqual(fates, ['accepted', 'wrong-audience'])
  assert.equal(strict.issuer, verifier.issuer)
  assert.throws(() => verifier.withAudience(''), /option "audience"/)
})

test('a claim that is missing or has a wrong form is named', async (t) => {
  const { issuer, verifier } = await start(t)
  for (const [claim, value] of [
    ['jti', undefined],
    ['scope', ['orders:read']],
    ['exp', 1e15],
  ] as const) {
    await assert.rejects(verifier.verify(issuer.mint({ [claim]: value })), {
      reason: 'malformed-claims',
      message: `the claim ${claim} of the token is missing or has a wrong form`,
    })
  }
})

test('a clock that answers no number lets nothing in', async (t) => {
  const { issuer } = await start(t)
  for (const reading of [Number.NaN, Infinity, '2026-01-01', undefined]) {
    const now = (): number => reading as number
    const build = (): unknown =>
      createVerifier({
        issuer: issuer.issuer,
        audience: 'orders',
        revocation: 'untilExpiry',
        now,
      }).verify(issuer.mint())
    await assert.rejects(async () => build(), { name: 'TypeError', message: /option "now"/ })
  }
})

test('a second argument that is no proof is a mistake that is named', async (t) => {
  const { issuer, verifier } = await start(t)
  const token = issuer.mint()
  for (const wrong of [0, null, {}, 'proof', { proofs: 'x', method: 'GET' }]) {
    const proof = wrong as unknown as undefined
    await assert.rejects(verifier.verify(token, proof), { message: /second argument of verify/ })
  }
})
