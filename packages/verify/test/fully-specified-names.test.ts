import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'

// RFC 8725bis J8, RFC 9864: a name that says its curve too, which is another name than the older one.
test('tokens and keys named Ed25519 are taken where that is named, and EdDSA is not the same', async (t) => {
  for (const [algorithm, other] of [
    ['Ed25519', 'EdDSA'],
    ['EdDSA', 'Ed25519'],
  ] as const) {
    const { issuer, mint, close } = await createTestIssuer({ algorithm })
    t.after(close)
    const options = { issuer, audience: 'orders', revocation: 'untilExpiry' } as const
    const verifier = createVerifier({ ...options, algorithms: [algorithm] })
    assert.equal((await verifier.verify(mint())).claims.iss, issuer)
    await assert.rejects(createVerifier({ ...options, algorithms: [other] }).verify(mint()), {
      reason: 'algorithm-not-allowed',
    })
  }
})
