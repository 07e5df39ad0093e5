import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VerifierWarning } from '@portcullis/verify'
import { paths, scriptIssuer } from './scripted-issuer.ts'
import { waitUntil } from './wait-until.ts'

test('a stream that only repeats what is old is dead after three seconds', async (t) => {
  const issuer = scriptIssuer(t)
  const old = issuer.feed.eventAfter(0)
  await new Promise((resolve) => setTimeout(resolve, 5))
  await issuer.follow()
  const startedAt = performance.now()
  while (issuer.asked(paths.stream) === 1) {
    assert.ok(performance.now() - startedAt < 4_000, 'it is still read')
    issuer.send(old)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(performance.now() - startedAt > 2_500)
})

test('a stream that only repeats its last frame is dead after three seconds, and mends nothing', async (t) => {
  const issuer = scriptIssuer(t)
  const warnings: VerifierWarning[] = []
  const verifier = await issuer.follow({ onWarning: (warning) => void warnings.push(warning) })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const last = issuer.feed.eventAfter(issuer.feed.position().seq)
  issuer.send(last)
  const countsOf = (): { readonly framesApplied: number; readonly framesLate: number } => {
    const health = verifier.revocation()
    return health.followed ? health.counts : assert.fail('nothing is followed')
  }
  await waitUntil(() => countsOf().framesApplied > 0, 'the frame')
  await new Promise((resolve) => setTimeout(resolve, 100))
  const { framesApplied } = countsOf()
  issuer.answer(paths.stream, () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(last)),
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  const startedAt = performance.now()
  while (issuer.asked(paths.stream) === 1) {
    assert.ok(performance.now() - startedAt < 4_000, 'it is still read')
    issuer.send(last)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.ok(performance.now() - startedAt > 2_500)
  assert.ok(countsOf().framesLate > 20)
  assert.equal(countsOf().framesApplied, framesApplied)
  const health = verifier.revocation()
  assert.match(String(health.followed && health.failure?.why), /no frame that goes on/)
  // A stream begins with what the snapshot had, so nobody is told of it.
  assert.deepEqual(warnings, [])
})
