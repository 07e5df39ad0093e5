import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import type { AuthenticatedHandler, Guard } from '@portcullis/verify/fetch'
import { authenticate, requireRole, requireScope } from '@portcullis/verify/fetch'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'

const greet: AuthenticatedHandler = (_request, auth) => new Response(`hello ${auth.claims.sub}`)

async function start(
  context: TestContext,
): Promise<{ readonly issuer: TestIssuer; readonly guard: Guard }> {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  context.after(issuer.close)
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  return { issuer, guard: authenticate(verifier) }
}

function request(token?: string, url = 'https://orders.example/orders'): Request {
  return new Request(url, token === undefined ? {} : { headers: { authorization: token } })
}

test('a request with a good token reaches the handler, with who calls', async (context) => {
  const { issuer, guard } = await start(context)
  const handle = guard(greet, requireScope('orders:read'), requireRole('customer'))
  const response = await handle(request(`Bearer ${issuer.mint({ sub: 'alice' })}`))
  assert.equal(response.status, 200)
  assert.equal(await response.text(), 'hello alice')
})

test('a request without a token is told what to bring', async (context) => {
  const { guard } = await start(context)
  const response = await guard(greet)(request())
  assert.equal(response.status, 401)
  assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="orders"')
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.deepEqual(await response.json(), {
    type: 'urn:portcullis:problem:missing-token',
    title: 'An access token is required',
    status: 401,
    code: 'missing-token',
    detail: 'the request carries no access token',
  })
})

test('a token in the query or in a cookie is not looked at', async (context) => {
  const { issuer, guard } = await start(context)
  const token = issuer.mint()
  const handle = guard(greet)
  const inQuery = await handle(request(undefined, `https://o.example/?access_token=${token}`))
  assert.equal(inQuery.status, 401)
  const headers = { cookie: `access_token=${token}; token=${token}` }
  const inCookie = await handle(new Request('https://o.example/', { headers }))
  assert.equal(inCookie.status, 401)
})

test('a requirement that is not met is a 403 with the scope', async (context) => {
  const { issuer, guard } = await start(context)
  const handle = guard(greet, requireScope('orders:refund'))
  const response = await handle(request(`Bearer ${issuer.mint()}`))
  assert.equal(response.status, 403)
  assert.match(response.headers.get('www-authenticate') ?? '', /scope="orders:refund"$/)
})

test('an outage of the issuer is a 503 with a time to come back', async (context) => {
  const { issuer, guard } = await start(context)
  issuer.goDown()
  const response = await guard(greet)(request(`Bearer ${issuer.mint()}`))
  assert.equal(response.status, 503)
  assert.equal(response.headers.get('retry-after'), '1')
  assert.equal(response.headers.get('www-authenticate'), null)
  const body = await response.text()
  assert.ok(body.includes('keys-unavailable'))
  assert.ok(!body.includes(issuer.issuer), 'the reason is for the operator')
})

test('what the handler throws is the business of its framework', async (context) => {
  const { issuer, guard } = await start(context)
  const handle = guard(() => {
    throw new RangeError('a bug')
  })
  await assert.rejects(handle(request(`Bearer ${issuer.mint()}`)), { message: 'a bug' })
})
