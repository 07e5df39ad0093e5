import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Auth } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { createReviewFeed } from '../src/review-feed.ts'

const review = {
  id: 'i',
  item: 'lamp',
  stars: 1,
  text: 'bright',
  createdAt: '2026-11-22T00:00:00.000Z',
  author: 'bob',
  removedBy: null,
}
const ended = new VerifyError('invalid-token', 'the token has expired', { reason: 'expired' })
const refusal = {
  message: 'the token has expired',
  extensions: { code: 'UNAUTHENTICATED', reason: 'expired' },
}

async function someAuth(t: TestContext): Promise<Auth> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'reviews' })
  t.after(verifier.close)
  return verifier.verify(issuer.mint({ aud: 'reviews' }))
}

function someResponse(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()))
}

test('a token that ends takes with it what still waited for its subscriber', async (t) => {
  const token = new AbortController()
  const watch = { signal: token.signal, close: t.mock.fn() }
  const feed = createReviewFeed({ watch: () => watch }, { lastWordMs: 1 })
  const events = feed.follow(undefined, await someAuth(t), someResponse())
  feed.publish(review)
  assert.deepEqual(await events.next(), { done: false, value: review })
  feed.publish(review)
  token.abort(ended)
  feed.publish(review)
  await assert.rejects(events.next(), refusal)
  assert.deepEqual(await events.next(), { done: true, value: undefined })
  assert.deepEqual([feed.size(), watch.close.mock.callCount()], [0, 1])
})

test('a token that ended between its check and its subscription receives nothing', async (t) => {
  const watch = { signal: AbortSignal.abort(ended), close: t.mock.fn() }
  const feed = createReviewFeed({ watch: () => watch }, { lastWordMs: 1 })
  const events = feed.follow(undefined, await someAuth(t), someResponse())
  feed.publish(review)
  await assert.rejects(events.next(), refusal)
  assert.deepEqual([feed.size(), watch.close.mock.callCount()], [0, 1])
})

test('who leaves while an event is awaited ends the wait', async (t) => {
  const watch = { signal: new AbortController().signal, close: t.mock.fn() }
  const feed = createReviewFeed({ watch: () => watch }, { lastWordMs: 1 })
  const events = feed.follow('lamp', await someAuth(t), someResponse())
  const awaited = events.next()
  await events.return?.()
  assert.deepEqual(await awaited, { done: true, value: undefined })
  assert.deepEqual([feed.size(), watch.close.mock.callCount()], [0, 1])
})
