import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { Answer } from './http-client.ts'
import { sendRaw, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.status, status)
  assert.equal(answer.headers['content-type'], 'application/problem+json')
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.json()['status'], status)
  assert.equal(answer.json()['code'], code)
}

test('a request without a token is challenged without an error', async (t) => {
  const { ask, service } = await startWorld(t)
  const answer = await ask()
  assertProblem(answer, 401, 'missing-token')
  assert.equal(answer.headers['www-authenticate'], 'Bearer realm="orders"')
  assert.equal(service.requests.length, 0)
})

test('a valid token passes, and the service gets it as it was sent', async (t) => {
  const { ask, issuer, service } = await startWorld(t)
  const token = issuer.mint()
  assert.equal((await ask({ headers: ['aUTHORization', `bearer ${token}`] })).status, 200)
  const [request] = service.requests
  assert.ok(request)
  assert.ok(request.rawHeaders.includes('aUTHORization'))
  assert.deepEqual(request.all('authorization'), [`bearer ${token}`])
})

test('tokens that are forged, old, foreign or unsigned are refused before the service', async (t) => {
  const { ask, issuer, service } = await startWorld(t, { issuer: { algorithm: 'RS256' } })
  const stranger = await createTestIssuer({ algorithm: 'RS256' })
  t.after(stranger.close)
  const second = Math.floor(Date.now() / 1000)
  const refused: Readonly<Record<string, string>> = {
    'signed by a stranger': issuer.forge({ signature: 'stranger' }),
    expired: issuer.mint({ iat: second - 900, exp: second - 60 }),
    'for another audience': issuer.mint({ aud: 'reviews' }),
    'of another issuer': stranger.mint(),
    'of another issuer, in our name': stranger.mint({ iss: issuer.issuer }),
    'alg none': issuer.forge({ header: { set: { alg: 'none' } }, signature: 'empty' }),
    'HS256 with the public key': issuer.forge({
      header: { set: { alg: 'HS256' } },
      signature: 'hmac-pem',
    }),
    'an ID token': issuer.mint({}, { typ: 'JWT' }),
  }
  for (const [name, token] of Object.entries(refused)) {
    const answer = await ask({ token })
    assertProblem(answer, 401, 'invalid-token')
    assert.match(String(answer.headers['www-authenticate']), /error="invalid_token"/, name)
    assert.ok(!answer.body.includes(token.slice(0, 20)), name)
  }
  assert.equal(service.requests.length, 0)
  assert.equal((await ask({ token: issuer.mint() })).status, 200)
})

// RFC 9700 O20. CVE-2026-25748: where no cookie is read, a malformed one opens nothing.
test('a token in a query or a cookie is not looked at', async (t) => {
  const { ask, issuer } = await startWorld(t)
  const token = issuer.mint()
  assertProblem(await ask({ path: `/orders?access_token=${token}` }), 401, 'missing-token')
  for (const cookie of [
    `token=${token}`,
    '',
    '=',
    ';;;',
    'token=%',
    '"',
    `__Host-token="${token}`,
  ]) {
    assertProblem(await ask({ headers: ['Cookie', cookie] }), 401, 'missing-token')
  }
})

test('two Authorization headers are refused on every route', async (t) => {
  const { port, issuer, service } = await startWorld(t)
  for (const path of ['/orders', '/optional', '/public']) {
    for (const values of [
      [issuer.mint(), issuer.mint()],
      [issuer.mint(), ''],
    ]) {
      const fields = values.map((token) => `Authorization: Bearer ${token}\r\n`).join('')
      const frame = `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`
      const answer = await sendRaw(port, `${frame}${fields}\r\n`)
      assert.deepEqual(statusesIn(answer), [400], path)
      assert.match(answer, /"code":"invalid-request"/, path)
    }
  }
  assert.equal(service.requests.length, 0)
})

// GHSA-vgj4-345g-jcf8.
test('a route asks for all of its scopes and for one of its roles', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: (to) => ({
      auth: {
        audience: 'orders',
        scope: ['orders:read', 'orders:write'],
        roles: ['admin', 'clerk'],
      },
      routes: [{ match: '/orders', to }],
    }),
  })
  const good = { scope: 'orders:write orders:read other', roles: ['clerk'] }
  const refused = [
    { ...good, scope: 'orders:read' },
    { ...good, scope: 'orders:read orders:writer' },
    { ...good, scope: undefined },
    { ...good, roles: ['customer'] },
    { ...good, roles: ['Admin', 'admin,clerk'] },
    { ...good, roles: undefined },
  ]
  for (const claims of refused) {
    const answer = await ask({ token: issuer.mint(claims) })
    assertProblem(answer, 403, 'insufficient-scope')
    assert.match(String(answer.headers['www-authenticate']), /error="insufficient_scope"/)
  }
  assert.equal(service.requests.length, 0)
  assert.equal((await ask({ token: issuer.mint(good) })).status, 200)
})

test('CVE-2021-32701, CVE-2026-33496: what one route has let in is judged anew by the next', async (t) => {
  const { ask, issuer } = await startWorld(t, {
    file: (to) => ({
      auth: { audience: 'orders', scope: ['orders:read'] },
      routes: [
        { match: '/orders', to },
        { match: '/orders/admin', to, auth: { scope: ['orders:write'] } },
        { match: '/reviews', to, auth: { audience: 'reviews', scope: ['orders:read'] } },
      ],
    }),
  })
  const token = issuer.mint({ scope: 'orders:read' })
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await ask({ path: '/orders', token })).status, 200)
    assertProblem(await ask({ path: '/orders/admin', token }), 403, 'insufficient-scope')
    assertProblem(await ask({ path: '/reviews', token }), 401, 'invalid-token')
  }
  const wider = issuer.mint({ scope: 'orders:read orders:write', aud: ['orders', 'reviews'] })
  for (const path of ['/orders', '/orders/admin', '/reviews']) {
    assert.equal((await ask({ path, token: wider })).status, 200, path)
  }
})

// ASVS 10.3.1. RFC 9700 O12.
test('routes of one gateway ask for different audiences, and the keys are fetched once', async (t) => {
  const { ask, issuer } = await startWorld(t, {
    file: (to) => ({
      routes: [
        { match: '/orders', to },
        { match: '/reviews', to, auth: { audience: 'reviews' } },
      ],
    }),
  })
  const orders = issuer.mint()
  const reviews = issuer.mint({ aud: 'reviews' })
  assert.equal((await ask({ path: '/orders', token: orders })).status, 200)
  assert.equal((await ask({ path: '/reviews', token: reviews })).status, 200)
  assertProblem(await ask({ path: '/orders', token: reviews }), 401, 'invalid-token')
  assertProblem(await ask({ path: '/reviews', token: orders }), 401, 'invalid-token')
  assert.equal(issuer.requests.jwks, 1)
})

test('an optional route lets nobody in, and a bad token never becomes nobody', async (t) => {
  const { ask, issuer, service } = await startWorld(t)
  const path = '/optional/reviews'
  assert.equal((await ask({ path })).status, 200)
  assert.equal((await ask({ path, token: issuer.mint() })).status, 200)
  assert.equal(service.requests.splice(0).length, 2)
  const stranger = issuer.forge({ signature: 'stranger' })
  assertProblem(await ask({ path, token: stranger }), 401, 'invalid-token')
  assertProblem(await ask({ path, token: 'x' }), 401, 'invalid-token')
  const basic = ['Authorization', 'Basic YTpi']
  assertProblem(await ask({ path, headers: basic }), 401, 'missing-token')
  const empty = ['Authorization', '']
  assertProblem(await ask({ path, headers: empty }), 400, 'invalid-request')
  assert.equal(service.requests.length, 0)
})

test('a route of mode none judges nothing and forwards what came', async (t) => {
  const { ask, service } = await startWorld(t)
  const headers = ['Authorization', 'Basic YTpi']
  assert.equal((await ask({ path: '/public/health', headers })).status, 200)
  assert.deepEqual(service.requests[0]?.all('authorization'), ['Basic YTpi'])
})

test('while keys cannot be had the answer is 503, public routes serve, and it recovers', async (t) => {
  let now = Date.now()
  const { ask, issuer, log } = await startWorld(t, {
    issuer: { now: () => now },
    issuerIsDown: true,
  })
  const token = issuer.mint()
  const answer = await ask({ token })
  assertProblem(answer, 503, 'keys-unavailable')
  assert.equal(answer.headers['www-authenticate'], undefined)
  assert.ok(Number(answer.headers['retry-after']) >= 1)
  assert.match(log(), /"cause":"[^"]+503[^"]*","msg":"the issuer is missing"/)
  assert.equal((await ask({ path: '/public' })).status, 200)
  assert.equal((await ask({ path: '/optional' })).status, 200)
  assertProblem(await ask({ path: '/optional', token }), 503, 'keys-unavailable')
  assertProblem(await ask(), 401, 'missing-token')

  issuer.comeBack()
  now += 60_000
  // Minted just now, so it is good before the feed is followed again.
  assert.equal((await ask({ token: issuer.mint() })).status, 200)
})

test('a new key of the issuer is accepted at once', async (t) => {
  const { ask, issuer } = await startWorld(t)
  assert.equal((await ask({ token: issuer.mint() })).status, 200)
  issuer.rotate()
  assert.equal((await ask({ token: issuer.mint() })).status, 200)
})

test('a path that no route has is 404, a method that its route lacks 405', async (t) => {
  const { ask, issuer, service, port } = await startWorld(t, {
    file: (to) => ({ routes: [{ match: '/orders/*', to, methods: ['GET', 'HEAD'] }] }),
  })
  const token = issuer.mint()
  for (const path of ['/', '/ordersX', '/reviews', '/_portcullis/login', '/metrics']) {
    assertProblem(await ask({ path, token }), 404, 'not-found')
  }
  const refused = await ask({ method: 'DELETE', token })
  assertProblem(refused, 405, 'method-not-allowed')
  assert.equal(refused.headers.allow, 'GET, HEAD')
  const trace = await sendRaw(
    port,
    'TRACE /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.deepEqual(statusesIn(trace), [405])
  assert.equal(service.requests.length, 0)
})

test('an answer to HEAD has the status and headers of a problem and no body', async (t) => {
  const { port } = await startWorld(t)
  const raw = await sendRaw(port, 'HEAD /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  assert.deepEqual(statusesIn(raw), [401])
  assert.match(raw, /^content-type: application\/problem\+json\r$/m)
  assert.ok(raw.endsWith('\r\n\r\n'))
})

// RFC 9470 section 3: the client is told that a new sign-in helps, and how old it may be.
test('a route that wants a recent sign-in challenges an older one', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: (to) => ({
      routes: [
        { match: '/recent', to, auth: { recentAuthSeconds: 300 } },
        { match: '/either', to, auth: { mode: 'optional', recentAuthSeconds: 300 } },
        { match: '/old', to },
      ],
    }),
  })
  const second = Math.floor(Date.now() / 1000)
  const old = issuer.mint({ auth_time: second - 330 })
  for (const token of [old, issuer.mint({ auth_time: undefined })]) {
    for (const path of ['/recent', '/either']) {
      const answer = await ask({ path, token })
      assertProblem(answer, 401, 'insufficient-user-authentication')
      const challenge = String(answer.headers['www-authenticate'])
      assert.match(challenge, /error="insufficient_user_authentication"/)
      assert.match(challenge, /max_age="?300"?/)
    }
  }
  assert.equal(service.requests.length, 0)
  assert.equal((await ask({ path: '/old', token: old })).status, 200)
  assert.equal((await ask({ path: '/either' })).status, 200)
  const token = issuer.mint({ auth_time: second - 270 })
  assert.equal((await ask({ path: '/recent', token })).status, 200)
})
