import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Requirement } from '@portcullis/verify'
import { createVerifier, hasScope } from '@portcullis/verify'
import { authenticate } from '@portcullis/verify/fetch'
import { createTestIssuer } from '@portcullis/verify/testing'

const wrong: readonly (readonly [string, unknown])[] = [
  ['waits', async () => Promise.reject(new Error('too late'))],
  ['answers false', (auth: Parameters<Requirement>[0]) => hasScope(auth, 'nope')],
  ['answers true', () => true],
  ['is that of another framework', () => () => undefined],
]

for (const [what, requirement] of wrong) {
  test(`a requirement that ${what} lets nobody in`, async (t) => {
    const issuer = await createTestIssuer({ algorithm: 'ES256', network: false, feed: false })
    t.after(issuer.close)
    const verifier = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      revocation: 'untilExpiry',
      fetch: issuer.fetch,
    })
    let calls = 0
    const handle = authenticate(verifier)(() => {
      calls += 1
      return new Response('let in')
    }, requirement as Requirement)
    const headers = { authorization: `Bearer ${issuer.mint()}` }
    const request = new Request('https://orders.example/', { headers })
    await assert.rejects(handle(request), { name: 'TypeError', message: /throws to refuse/ })
    assert.equal(calls, 0)
  })
}
