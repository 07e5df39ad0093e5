import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthenticateOptions, PresentedRequest } from '@portcullis/verify'
import { authenticateRequest, rawFieldValues, VerifyError } from '@portcullis/verify'

/** Verifies nothing: how the token is found is what these tests are about. */
const verifier = {
  audience: 'orders',
  verify: async (token: string) => {
    throw new Error(`reached the verifier with ${token}`)
  },
}
const cookie = { name: '__Host-session', origin: 'https://app.example' }

function request(rawHeaders: readonly string[], method = 'GET'): PresentedRequest {
  return { method, url: undefined, fieldValues: rawFieldValues(rawHeaders) }
}

async function fateOf(
  presented: PresentedRequest,
  options?: AuthenticateOptions,
): Promise<string | undefined> {
  const error: unknown = await authenticateRequest(verifier, presented, options).catch(
    (reason: unknown) => reason,
  )
  if (error instanceof VerifyError) return error.code
  return error instanceof Error ? error.message : undefined
}

test('a request is judged by its fields, whatever framework they came through', async () => {
  const bearer = ['Host', 'orders.example', 'AUTHORIZATION', 'bearer a.b.c']
  assert.equal(await fateOf(request(bearer)), 'reached the verifier with a.b.c')
  const twice = [...bearer, 'authorization', 'Basic dTpw']
  assert.equal(await fateOf(request(twice)), 'invalid-request')
  assert.equal(await fateOf(request(['Cookie', '__Host-session=a.b.c'])), 'missing-token')
})

test('only the methods that change nothing need no proof of origin, spelled exactly', async () => {
  const fields = ['cookie', '__Host-session=a.b.c']
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const fate = await fateOf(request(fields, method), { cookie })
    assert.equal(fate, 'reached the verifier with a.b.c', method)
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'TRACE', 'QUERY', 'get', '']) {
    assert.equal(await fateOf(request(fields, method), { cookie }), 'cross-origin', method)
  }
})

test('white space that is not a blank belongs to the name of a cookie', async () => {
  for (const space of ['\u00a0', '\u2003', '\u000b', '\f', '\u0085', '\ufeff']) {
    const fields = ['cookie', `a=b;${space}__Host-session=a.b.c`]
    assert.equal(await fateOf(request(fields), { cookie }), 'missing-token')
  }
})

test('a refusal over a cookie repeats nothing of it', async () => {
  const fields = ['cookie', '__Host-session=c2VjcmV0; __Host-session=c2VjcmV0']
  await assert.rejects(authenticateRequest(verifier, request(fields), { cookie }), (error) => {
    assert.ok(error instanceof VerifyError)
    assert.ok(!`${error.message} ${error.challenge}`.includes('c2VjcmV0'))
    return true
  })
})

const mistakes: readonly (readonly [string, unknown, string])[] = [
  ['nothing instead of options', null, 'options must be an object'],
  ['a list instead of options', [], 'options must be an object'],
  ['a cookie that is nothing', { cookie: null }, 'option "cookie" must be an object'],
  ['an unknown option', { cookies: cookie }, 'unknown option "cookies"'],
  [
    'an unknown option of the cookie',
    { cookie: { ...cookie, path: '/' } },
    'unknown option "cookie.path"',
  ],
  [
    'a cookie without the prefix',
    { cookie: { ...cookie, name: 'session' } },
    'option "cookie.name"',
  ],
  [
    'a prefix in another case',
    { cookie: { ...cookie, name: '__HOST-session' } },
    'option "cookie.name"',
  ],
  ['the prefix alone', { cookie: { ...cookie, name: '__Host-' } }, 'option "cookie.name"'],
  [
    'a name with a semicolon',
    { cookie: { ...cookie, name: '__Host-a;b' } },
    'option "cookie.name"',
  ],
  [
    'a name with an equals sign',
    { cookie: { ...cookie, name: '__Host-a=b' } },
    'option "cookie.name"',
  ],
  ['no origin', { cookie: { name: '__Host-session' } }, 'option "cookie.origin"'],
  ['an empty list of origins', { cookie: { ...cookie, origin: [] } }, 'option "cookie.origin"'],
  ['the origin null', { cookie: { ...cookie, origin: 'null' } }, 'option "cookie.origin"'],
  [
    'an origin with a final slash',
    { cookie: { ...cookie, origin: 'https://app.example/' } },
    'option "cookie.origin"',
  ],
  [
    'an origin with a path',
    { cookie: { ...cookie, origin: 'https://app.example/a' } },
    'option "cookie.origin"',
  ],
  [
    'an origin with a pattern',
    { cookie: { ...cookie, origin: 'https://*' } },
    'option "cookie.origin"',
  ],
  [
    'an origin that is not https',
    { cookie: { ...cookie, origin: 'http://app.example' } },
    'option "cookie.origin"',
  ],
  [
    'metadata that is not https',
    { resourceMetadata: 'http://orders.example/x' },
    'option "resourceMetadata"',
  ],
  [
    'metadata at a path',
    { resourceMetadata: '/.well-known/oauth-protected-resource' },
    'option "resourceMetadata"',
  ],
]

for (const [name, options, message] of mistakes) {
  test(`${name} is a mistake`, async () => {
    const attempt = authenticateRequest(verifier, request([]), options as AuthenticateOptions)
    await assert.rejects(attempt, { name: 'TypeError', message: new RegExp(`^${message}`) })
  })
}

test('a page of another origin reads nothing with the cookie, not even by GET', async () => {
  const own = ['Cookie', '__Host-session=a.b.c', 'Origin', 'https://app.example']
  const foreign = [...own.slice(0, 3), 'https://evil.example']
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    assert.equal(await fateOf(request(foreign, method), { cookie }), 'cross-origin', method)
    const fate = await fateOf(request(own, method), { cookie })
    assert.equal(fate, 'reached the verifier with a.b.c', method)
  }
})

test('what is no verifier is a mistake at once', async () => {
  for (const wrong of [undefined, {}, { issuer: 'https://id.example', audience: 'orders' }]) {
    const given = wrong as unknown as typeof verifier
    await assert.rejects(authenticateRequest(given, request([])), { message: /createVerifier/ })
  }
})
