import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VerifyErrorCode } from '@portcullis/verify'
import { problemOf, responseHeadersOf, VerifyError } from '@portcullis/verify'

test('each code has its status, its challenge and its problem', () => {
  const table: Readonly<
    Record<VerifyErrorCode, readonly [number, string | undefined, VerifyErrorCode]>
  > = {
    'missing-token': [401, 'Bearer realm="orders"', 'missing-token'],
    'invalid-token': [401, 'invalid_token', 'invalid-token'],
    'invalid-request': [400, 'invalid_request', 'invalid-request'],
    'invalid-dpop-proof': [401, 'invalid_dpop_proof', 'invalid-dpop-proof'],
    'use-dpop-nonce': [401, 'use_dpop_nonce', 'use-dpop-nonce'],
    'insufficient-user-authentication': [
      401,
      'insufficient_user_authentication',
      'insufficient-user-authentication',
    ],
    'insufficient-scope': [403, 'insufficient_scope', 'insufficient-scope'],
    'cross-origin': [403, undefined, 'cross-origin'],
    'keys-unavailable': [503, undefined, 'keys-unavailable'],
    'clocks-disagree': [503, undefined, 'clocks-disagree'],
    'proofs-unavailable': [503, undefined, 'proofs-unavailable'],
    'feed-unavailable': [503, undefined, 'feed-unavailable'],
    'client-refused': [503, undefined, 'feed-unavailable'],
    'issuer-unreachable': [503, undefined, 'feed-unavailable'],
  }
  for (const code of Object.keys(table) as readonly VerifyErrorCode[]) {
    const [status, challenge, problemCode] = table[code]
    const error = new VerifyError(code, 'why', { realm: 'orders', retryAfterSeconds: 3 })
    const problem = problemOf(error)
    const headers = responseHeadersOf(error)
    assert.equal(error.status, status)
    assert.equal(problem.status, status)
    assert.equal(problem.code, problemCode)
    assert.equal(problem.detail, 'why')
    assert.equal(headers['content-type'], 'application/problem+json')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['retry-after'], '3')
    assert.equal(headers['www-authenticate'], error.challenge)
    if (challenge === undefined) assert.equal(error.challenge, undefined)
    else assert.ok(error.challenge?.includes(challenge))
  }
})

test('a challenge without credentials carries no error (RFC 6750 section 3.1)', () => {
  const error = new VerifyError('missing-token', 'no token', { realm: 'orders' })
  assert.equal(error.challenge, 'Bearer realm="orders"')
})

test('whatever the audience and the roles are, the challenge is one line of safe characters', () => {
  const nasty = 'a"b\\c\r\nSet-Cookie: x=1\u0000\u00e9\u{1f600}'
  const error = new VerifyError('insufficient-scope', nasty, { realm: nasty, scopes: [nasty] })
  assert.match(error.challenge ?? '', /^[\x20-\x7e]+$/)
  assert.equal(error.challenge?.match(/"/g)?.length, 8)
  assert.ok(!error.challenge.includes('\\'))
  assert.ok(new Headers({ 'www-authenticate': error.challenge }).has('www-authenticate'))
})

test('a stale token is told by one word, which clients look for', () => {
  const facts = { realm: 'orders', reason: 'stale' } as const
  const error = new VerifyError('invalid-token', 'nobody has vouched for it recently', facts)
  assert.equal(
    error.challenge,
    'Bearer realm="orders", error="invalid_token", error_description="stale"',
  )
  assert.equal(problemOf(error).detail, 'nobody has vouched for it recently')
})

test('what a service tells in its challenges is added, and nothing else changes', () => {
  const facts = { realm: 'orders', scopes: ['a', 'b'], reason: 'expired' } as const
  const error = new VerifyError('invalid-token', 'the token has expired', facts)
  assert.equal(error.withChallengeFacts({}).challenge, error.challenge)
  const resourceMetadata = 'https://orders.example/.well-known/oauth-protected-resource'
  const located = error.withChallengeFacts({ resourceMetadata })
  const { challenge } = located
  assert.equal(challenge, `${error.challenge}, resource_metadata="${resourceMetadata}"`)
  assert.deepEqual([located.code, located.reason], ['invalid-token', 'expired'])
  assert.equal(located.message, error.message)
  const bound = located.withChallengeFacts({ dpopAlgorithms: ['ES256', 'EdDSA'] })
  assert.equal(bound.challenge, `${challenge?.replace('Bearer', 'DPoP')}, algs="ES256 EdDSA"`)
  assert.equal(located.withChallengeFacts({ dpopAlgorithms: [] }).challenge, challenge)

  const cause = new Error('for the operator')
  const outage = new VerifyError('keys-unavailable', 'no keys', { retryAfterSeconds: 3, cause })
  const same = outage.withChallengeFacts({ resourceMetadata, dpopAlgorithms: ['ES256'] })
  assert.deepEqual([same.challenge, same.retryAfterSeconds, same.cause], [undefined, 3, cause])
})
