import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultsOfRefusal, isSharedCacheable, offersDpop } from '../src/endpoint/answer-faults.ts'
import type { Answer } from '../src/endpoint/sender.ts'

function refusal(
  headers: readonly (readonly [string, string])[] = [['www-authenticate', 'Bearer']],
  body = '',
  status = 401,
): Answer {
  return { kind: 'answer', status, headers, body, ms: 1 }
}

const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ'

test('a proper refusal has no fault', () => {
  for (const challenge of [
    'Bearer',
    'Bearer realm="orders", error="invalid_token", error_description="a \\"b\\""',
    'DPoP algs="ES256 EdDSA", Bearer realm="x"',
    'Bearer realm=orders,error=invalid_token',
    'Basic realm="x", Bearer',
    'Negotiate',
  ]) {
    assert.deepEqual(faultsOfRefusal(refusal([['www-authenticate', challenge]]), token), [])
  }
  assert.deepEqual(faultsOfRefusal(refusal([], 'no', 400), token), [])
})

test('a 401 without a challenge, or with one that cannot be read, is a fault', () => {
  for (const headers of [
    [],
    [['www-authenticate', '']],
    [['www-authenticate', 'Bearer error="it has "quotes""']],
    [['www-authenticate', 'Bearer error=invalid token']],
  ] as const) {
    assert.deepEqual(faultsOfRefusal(refusal(headers), token), ['challenge'])
  }
})

test('a stack trace of any runtime is found', () => {
  for (const trace of [
    'JsonWebTokenError: jwt malformed\n    at verify (/srv/app/node_modules/jsonwebtoken/verify.js:70:17)',
    'at async file:///srv/app/main.js:12:3',
    'Traceback (most recent call last):\n  File "x.py"',
    'goroutine 34 [running]:',
    'java.lang.X\n\tat com.example.Api.get(Api.java:42)',
    '   at Api.Controllers.Get(String id) in C:\\api\\Get.cs:line 42',
  ]) {
    assert.deepEqual(faultsOfRefusal(refusal(undefined, trace), token), ['stack-trace'], trace)
  }
  assert.deepEqual(faultsOfRefusal(refusal(undefined, 'look at /docs for more'), token), [])
})

test('a hostile answer holds nobody up', () => {
  const startedAt = performance.now()
  for (const body of [
    '\n'.repeat(65_000),
    ' '.repeat(65_000),
    'at '.repeat(22_000),
    'at a('.repeat(13_000),
    `at ${'a'.repeat(65_000)}`,
    'at /'.repeat(16_000),
    'at a() in '.repeat(6500),
  ]) {
    assert.deepEqual(faultsOfRefusal(refusal(undefined, body), token), [])
  }
  for (const challenge of [
    `Bearer ${' '.repeat(16_000)}x`,
    `Bearer a="${'\\'.repeat(16_001)}`,
    `Bearer ${'a='.repeat(8000)}`,
    `${'a,'.repeat(8000)}"`,
    `${'a a=a,'.repeat(2700)}"`,
    `${'a '.repeat(8000)}"`,
  ]) {
    const headers = [['www-authenticate', challenge]] as const
    assert.deepEqual(
      faultsOfRefusal(refusal(headers), token),
      ['challenge'],
      challenge.slice(0, 20),
    )
    offersDpop(refusal(headers))
  }
  assert.ok(performance.now() - startedAt < 500, `${performance.now() - startedAt} ms`)
})

test('an answer that repeats a part of the token is found, in its body and in its headers', () => {
  const inBody = refusal(undefined, 'bad: eyJzdWIiOiJhbGljZSJ9')
  assert.deepEqual(faultsOfRefusal(inBody, token), ['token-in-answer'])
  const inHeader = refusal([
    ['www-authenticate', 'Bearer error_description="eyJzdWIiOiJhbGljZSJ9"'],
  ])
  assert.deepEqual(faultsOfRefusal(inHeader, token), ['token-in-answer'])
  assert.deepEqual(faultsOfRefusal(inBody, undefined), [])
})

test('a server error is a fault, whatever else it is', () => {
  assert.deepEqual(faultsOfRefusal(refusal([], '', 500), token), ['server-error'])
})

function cached(value: string): boolean {
  return isSharedCacheable(refusal([['cache-control', value]]))
}

test('only public and s-maxage let shared caches keep what needs a token', () => {
  for (const value of ['public, max-age=60', 's-maxage=5', 'max-age=1, PUBLIC']) {
    assert.ok(cached(value), value)
  }
  for (const value of ['private', 'no-store', 'max-age=60', 'private, s-maxage=5']) {
    assert.ok(!cached(value), value)
  }
})

test('a service that takes proofs of possession is known by its challenge', () => {
  assert.ok(offersDpop(refusal([['www-authenticate', 'Bearer realm="x", DPoP algs="ES256"']])))
  assert.ok(!offersDpop(refusal([['www-authenticate', 'Bearer realm="dpop"']])))
})
