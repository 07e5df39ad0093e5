import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Verifier, VerifierOptions } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'

interface Tenant {
  readonly issuer: TestIssuer
  readonly verifier: Verifier
}

async function startTenant(
  context: TestContext,
  revocation: NonNullable<VerifierOptions['revocation']> = 'untilExpiry',
): Promise<Tenant> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  context.after(issuer.close)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', revocation })
  context.after(verifier.close)
  return { issuer, verifier }
}

async function fateOf({ verifier }: Tenant, token: string): Promise<string> {
  return verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => (error instanceof VerifyError ? String(error.reason) : String(error)),
  )
}

async function publishedBy({ issuer }: TestIssuer): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(`${issuer}/.well-known/jwks.json`)
  const [entry] = ((await response.json()) as { readonly keys: readonly object[] }).keys
  assert.ok(entry)
  return { ...entry }
}

// RFC 8725bis J14.
test('V39 a key of one issuer under a kid of another verifies no token of the other', async (context) => {
  const [good, evil] = [await startTenant(context), await startTenant(context)]
  const { kid } = good.issuer
  evil.issuer.publish({ keys: [{ ...(await publishedBy(evil.issuer)), kid }] })
  const forged = evil.issuer.mint({ iss: good.issuer.issuer }, { kid })

  // Whichever of the two the process has seen first.
  assert.equal(await fateOf(evil, evil.issuer.mint({}, { kid })), 'accepted')
  assert.equal(await fateOf(good, forged), 'bad-signature')
  assert.equal(await fateOf(good, good.issuer.mint()), 'accepted')
  assert.equal(await fateOf(good, forged), 'bad-signature')
  assert.equal(await fateOf(evil, forged), 'wrong-issuer')
  assert.equal(await fateOf(evil, good.issuer.mint()), 'bad-signature')
})

test('V63 one key that two issuers publish joins nothing but their keys', async (context) => {
  const [good, other] = [await startTenant(context), await startTenant(context)]
  other.issuer.publish({ keys: [await publishedBy(good.issuer)] })
  const { issuer } = good.issuer
  assert.equal(await fateOf(good, good.issuer.mint()), 'accepted')
  assert.equal(await fateOf(other, good.issuer.mint()), 'wrong-issuer')
  assert.equal(await fateOf(other, good.issuer.mint({ iss: other.issuer.issuer })), 'accepted')
  assert.equal(await fateOf(good, good.issuer.mint({ iss: `${issuer}/t/other` })), 'wrong-issuer')
})

test('V86 V92 keys and tokens that one verifier knows are unknown to every other', async (context) => {
  const [first, second] = [await startTenant(context), await startTenant(context)]
  const token = first.issuer.mint()
  assert.equal(await fateOf(first, token), 'accepted')
  assert.equal(await fateOf(second, token), 'unknown-key')
  assert.equal(await fateOf(first, token), 'accepted')
  const reviews = { ...first, verifier: first.verifier.withAudience('reviews') }
  assert.equal(await fateOf(reviews, token), 'wrong-audience')
  assert.equal(await fateOf(first, token), 'accepted')
})

test('V46 the other spelling of a revoked token is revoked as well', async (context) => {
  const tenant = await startTenant(context, { whenStale: 'refuse' })
  const { issuer, verifier } = tenant
  await verifier.ready()
  const recipe = { payload: { set: { jti: 'a-stolen-one' } } }
  const twin = issuer.forge({ ...recipe, signature: 'ecdsa-twin' })
  assert.equal(await fateOf(tenant, issuer.forge(recipe)), 'accepted')
  assert.equal(await fateOf(tenant, twin), 'accepted')
  await untilApplied(verifier, issuer.revoke({ jti: 'a-stolen-one' }))
  assert.equal(await fateOf(tenant, issuer.forge(recipe)), 'revoked')
  assert.equal(await fateOf(tenant, twin), 'revoked')
  const neverSeen = issuer.forge({ ...recipe, signature: 'ecdsa-twin' })
  assert.equal(await fateOf(tenant, neverSeen), 'revoked')
})

test('V91 a verdict does not depend on what was asked before', async (context) => {
  const tenant = await startTenant(context)
  const good = tenant.issuer.mint()
  const bad = tenant.issuer.mint({ aud: 'reviews' })
  for (let round = 0; round < 50; round += 1) {
    assert.equal(await fateOf(tenant, good), 'accepted')
    assert.equal(await fateOf(tenant, bad), 'wrong-audience')
  }
})
