import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { after, test } from 'node:test'
import { openBrowser } from './browser.ts'
import type { Answer } from './http-client.ts'
import { alice, jsonLogin, startRunningIdentity } from './running-identity.ts'

const shop = 'https://shop.example'
const closed = await startRunningIdentity()
const opened = await startRunningIdentity({
  file: { allowedOrigins: [shop, 'http://localhost:5173'] },
})
after(closed.close)
after(opened.close)

function corsHeaders(headers: IncomingHttpHeaders): Readonly<Record<string, unknown>> {
  const names = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
  return Object.fromEntries(names.map((name) => [name, headers[name]]))
}

function preflight(
  path: string,
  method: string,
  origin: string,
  identity = opened,
): Promise<Answer> {
  const headers = { origin, 'access-control-request-method': method }
  return identity.ask({ method: 'OPTIONS', path, headers })
}

const expected: readonly (readonly [string, string, string, string])[] = [
  ['/login', 'POST', 'POST', 'content-type, dpop'],
  ['/token', 'POST', 'POST', 'authorization, content-type, dpop'],
  ['/logout', 'POST', 'POST', 'authorization, content-type, dpop'],
  ['/sessions', 'GET', 'GET, HEAD', 'authorization, dpop'],
  ['/sessions/abc?x=y', 'DELETE', 'DELETE', 'authorization, dpop'],
  ['/admin/accounts/abc/block', 'POST', 'POST', 'authorization, content-type, dpop'],
  ['/admin/accounts/abc', 'PATCH', 'DELETE, GET, HEAD, PATCH', 'authorization, content-type, dpop'],
  [
    '/admin/accounts/block',
    'POST',
    'DELETE, GET, HEAD, PATCH, POST',
    'authorization, content-type, dpop',
  ],
  ['/admin/sessions/abc', 'DELETE', 'DELETE', 'authorization, content-type, dpop'],
  ['/.well-known/jwks.json', 'GET', 'GET, HEAD', 'if-none-match'],
  ['/revocations/stream', 'GET', 'GET', 'authorization, dpop, last-event-id'],
]

test('a preflight of an allowed origin answers what the route takes, and nothing more', async () => {
  for (const [path, method, methods, headers] of expected) {
    const answer = await preflight(path, method, shop)
    assert.equal(answer.status, 204, path)
    assert.equal(answer.body, '')
    assert.equal(answer.headers.vary, 'Origin')
    assert.deepEqual(corsHeaders(answer.headers), {
      'access-control-allow-origin': shop,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': methods,
      'access-control-allow-headers': `${headers}, traceparent, tracestate`,
      'access-control-expose-headers': 'dpop-nonce, etag, retry-after, www-authenticate',
      'access-control-max-age': '600',
    })
  }
})

test('an allowed origin may read answers, refusals and errors among them', async () => {
  const { identifier, password } = alice
  const login = jsonLogin(JSON.stringify({ identifier, password }))
  const questions = [
    [{ ...login, headers: { ...login.headers, origin: shop } }, 200],
    [{ path: '/.well-known/jwks.json', headers: { origin: shop } }, 200],
    [{ path: '/sessions', headers: { origin: shop } }, 401],
    [{ path: '/revocations/stream', headers: { origin: shop } }, 401],
    [{ path: '/nowhere', headers: { origin: shop } }, 404],
    [{ path: '/login', headers: { origin: shop } }, 405],
  ] as const
  for (const [question, status] of questions) {
    const answer = await opened.ask(question)
    assert.equal(answer.status, status, question.path)
    assert.equal(answer.headers.vary, 'Origin')
    assert.deepEqual(corsHeaders(answer.headers), {
      'access-control-allow-origin': shop,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'dpop-nonce, etag, retry-after, www-authenticate',
    })
  }
})

test('the pages of an allowed origin may use the refresh cookie, where the browser sends it', async () => {
  const app = openBrowser(opened, { origin: shop, 'sec-fetch-site': 'same-site' })
  for (const { status, headers } of [await app.signIn(), await app.refresh(), await app.logout()]) {
    assert.equal(status, 200)
    assert.equal(headers['access-control-allow-credentials'], 'true')
  }
  const elsewhere = openBrowser(closed, { origin: shop, 'sec-fetch-site': 'same-site' })
  assert.equal((await elsewhere.signIn()).status, 403)
})

const strangers = [
  'https://shop.example.evil.example',
  'https://evil-shop.example',
  'https://shop.example:443',
  'https://SHOP.example',
  'https://shop.example/',
  'http://shop.example',
  'https://sub.shop.example',
  'http://localhost',
  'http://localhost:5174',
  'https://id.example',
  'null',
  '*',
  '',
]

// RFC 9700 O18.
test('every other origin gets no CORS header, and a preflight is the 405 it always was', async () => {
  for (const origin of strangers) {
    const read = await opened.ask({ path: '/.well-known/jwks.json', headers: { origin } })
    assert.equal(read.status, 200)
    assert.deepEqual(corsHeaders(read.headers), {}, origin)
    // A cache must not give this answer to an origin that may read it.
    assert.equal(read.headers.vary, 'Origin')
    const asked = await preflight('/login', 'POST', origin)
    assert.equal(asked.status, 405)
    assert.equal(asked.headers.allow, 'POST')
    assert.deepEqual(corsHeaders(asked.headers), {}, origin)
  }
  assert.equal((await opened.ask({ path: '/.well-known/jwks.json' })).headers.vary, 'Origin')
})

test('CVE-2026-37977: no claim of a token that nobody has verified lets an origin read an answer', async () => {
  const evil = 'https://evil.example'
  const claims = {
    azp: evil,
    client_id: evil,
    aud: evil,
    iss: evil,
    'allowed-origins': [evil, '*'],
  }
  const parts = [{ alg: 'RS256', typ: 'at+jwt', kid: evil }, claims, 'signature']
  const token = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const form = { grant_type: 'client_credentials', client_id: evil, client_assertion: token }
  for (const identity of [opened, closed]) {
    const asked = { origin: evil, authorization: `Bearer ${token}` }
    const answers = [
      await identity.ask({ path: '/sessions', headers: asked }),
      await identity.token(form, { origin: evil }),
      await identity.token({ grant_type: 'refresh_token', refresh_token: token }, { origin: evil }),
    ]
    for (const { status, headers } of answers) {
      assert.ok(status === 400 || status === 401)
      assert.deepEqual(corsHeaders(headers), {})
    }
  }
})

test('a preflight for what a path does not have is a 404 or 405', async () => {
  const statuses: number[] = []
  for (const [path, method] of [
    ['/nowhere', 'GET'],
    ['/login', 'GET'],
    ['/login', 'post'],
    ['/sessions/', 'DELETE'],
    ['/sessions/a/b', 'DELETE'],
  ] as const) {
    const answer = await preflight(path, method, shop)
    statuses.push(answer.status)
    assert.equal(answer.headers['access-control-allow-methods'], undefined)
  }
  assert.deepEqual(statuses, [404, 405, 405, 404, 404])
})

test('without allowed origins nothing says a word about origins', async () => {
  for (const origin of [shop, ...strangers]) {
    const answer = await preflight('/login', 'POST', origin, closed)
    assert.equal(answer.status, 405)
    assert.equal(answer.headers.allow, 'POST')
    const read = await closed.ask({ path: '/.well-known/jwks.json', headers: { origin } })
    for (const { headers } of [answer, read]) {
      assert.deepEqual(corsHeaders(headers), {})
      assert.equal(headers.vary, undefined)
    }
  }
})
