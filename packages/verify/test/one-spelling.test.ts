import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createClock } from './clock.ts'

const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"{\u00e9'

for (const algorithm of ['RS256', 'ES256', 'EdDSA'] as const) {
  test(`${algorithm}: a token with any one character changed, removed or added is refused`, async (context) => {
    const { now } = createClock()
    const issuer = await createTestIssuer({ algorithm, now })
    context.after(issuer.close)
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      revocation: 'untilExpiry',
      now,
    })
    const token = issuer.mint()
    await verifier.verify(token)

    const edits = fc.record({
      at: fc.nat(token.length - 1),
      removed: fc.constantFrom(0, 1),
      added: fc.constantFrom('', ...characters.split('')),
    })
    let edited = 0
    await fc.assert(
      fc.asyncProperty(edits, async ({ at, removed, added }) => {
        const other = token.slice(0, at) + added + token.slice(at + removed)
        if (other === token) return
        edited += 1
        const error: unknown = await verifier.verify(other).then(
          () => assert.fail('accepted'),
          (reason: unknown) => reason,
        )
        assert.ok(error instanceof VerifyError)
        assert.equal(error.code, 'invalid-token')
      }),
      { numRuns: 500 },
    )
    assert.ok(edited >= 350)
  })
}

test('whatever text comes as a token, the answer is a refusal and never a crash', async (context) => {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  const part = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
    fc.constantFrom('', 'e30', issuer.mint().split('.')[0] ?? ''),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
      await assert.rejects(verifier.verify(parts.join('.')), { code: 'invalid-token' })
    }),
    { numRuns: 300 },
  )
})
