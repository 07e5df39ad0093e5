import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { VerifyError } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'

test('after close nothing is fetched, watches end, and no token is accepted', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  t.after(verifier.close)
  const token = issuer.mint()
  // Until it is remembered.
  for (let time = 0; time < 3; time += 1) await verifier.verify(token)
  const watch = verifier.watch(await verifier.verify(token))
  await Promise.all([verifier.close(), verifier.close()])
  assert.equal((watch.signal.reason as VerifyError).code, 'feed-unavailable')
  const before = { ...issuer.feedRequests }
  await assert.rejects(verifier.ready(), { code: 'feed-unavailable' })
  for (const one of [token, issuer.mint()]) {
    await assert.rejects(verifier.verify(one), { code: 'feed-unavailable', status: 503 })
  }
  await setTimeout(300)
  assert.deepEqual(issuer.feedRequests, before)
})
