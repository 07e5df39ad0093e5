import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'
import * as z from 'zod'

test('what a schema makes of the claims is typed, frozen, and the same at the second request', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256', feed: false })
  t.after(issuer.close)
  const claims = z.object({ tenant: z.string().toUpperCase(), seats: z.number().default(5) })
  const settings = { issuer: issuer.issuer, audience: 'orders', revocation: 'untilExpiry' } as const
  const verifier = createVerifier({ ...settings, claims })
  const token = issuer.mint({ tenant: 'acme' })
  const { own } = await verifier.verify(token)
  const seats: number = own.seats
  assert.deepEqual([own, seats], [{ tenant: 'ACME', seats: 5 }, 5])
  assert.ok(Object.isFrozen(own))
  assert.deepEqual((await verifier.verify(token)).own, own)
  assert.deepEqual((await verifier.withAudience('orders').verify(token)).own, own)

  const refused = await verifier.verify(issuer.mint({ tenant: 7 })).catch((error: unknown) => error)
  assert.ok(refused instanceof Error)
  assert.match(refused.message, /: tenant$/)
  await assert.rejects(verifier.verify(issuer.mint({ tenant: 7 })), {
    code: 'invalid-token',
    reason: 'unfit-own-claims',
  })

  const slow = claims.refine(async ({ tenant }) => Promise.resolve(tenant !== 'EVIL'))
  const patient = createVerifier({ ...settings, claims: slow })
  assert.equal((await patient.verify(token)).own.tenant, 'ACME')
  await assert.rejects(patient.verify(issuer.mint({ tenant: 'evil' })), {
    reason: 'unfit-own-claims',
  })
})

test('a token that is revoked while a schema takes its time is refused', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const gate = Promise.withResolvers<boolean>()
  const claims = z.object({ jti: z.string() }).refine(async () => gate.promise)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders', claims })
  t.after(verifier.close)
  await verifier.ready()
  const verified = verifier.verify(issuer.mint({ jti: 'slow' }))
  await untilApplied(verifier, issuer.revoke({ jti: 'slow' }))
  gate.resolve(true)
  await assert.rejects(verified, { reason: 'revoked' })
})

test('what cannot be frozen is made anew for every request', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256', feed: false })
  t.after(issuer.close)
  const claims = z.object({ rights: z.string().array() }).transform(({ rights }) => new Set(rights))
  const settings = { issuer: issuer.issuer, audience: 'orders', revocation: 'untilExpiry' } as const
  const verifier = createVerifier({ ...settings, claims })
  const token = issuer.mint({ rights: ['read'] })
  for (let times = 0; times < 4; times += 1) {
    const { own } = await verifier.verify(token)
    assert.deepEqual([...own], ['read'])
    own.add('admin')
  }
})

test('a list of options makes one verifier of several issuers', async (t) => {
  const options = { algorithm: 'ES256', feed: false } as const
  const issuers = await Promise.all([createTestIssuer(options), createTestIssuer(options)])
  const settings = { audience: 'orders', revocation: 'untilExpiry' } as const
  const both = createVerifier(issuers.map(({ issuer }) => ({ issuer, ...settings })))
  assert.deepEqual(
    both.issuers,
    issuers.map(({ issuer }) => issuer),
  )
  for (const issuer of issuers) {
    t.after(issuer.close)
    assert.equal((await both.verify(issuer.mint())).claims.iss, issuer.issuer)
  }
  await both.close()
})
