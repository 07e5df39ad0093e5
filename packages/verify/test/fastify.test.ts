import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { json } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import { createVerifier } from '@portcullis/verify'
import { authenticate, requireRole, requireScope } from '@portcullis/verify/fastify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'

async function start(
  context: TestContext,
): Promise<{ readonly issuer: TestIssuer; readonly app: FastifyInstance }> {
  const issuer = await createTestIssuer({ algorithm: 'EdDSA' })
  const verifier = createVerifier({ issuer: issuer.issuer, audience: 'orders' })
  const app = Fastify()
  context.after(async () => {
    await app.close()
    await issuer.close()
  })
  app.get('/public', (request) => ({ hasAuth: request.auth !== undefined }))
  app.get('/unguarded', { preHandler: requireRole('admin') }, () => 'never')
  await app.register(async (scope) => {
    await scope.register(authenticate(verifier))
    scope.get('/orders', { preHandler: requireScope('orders:read') }, ({ auth }) => ({
      caller: auth.claims.sub,
    }))
    scope.get('/admin', { preHandler: requireRole('admin') }, () => 'in')
    scope.post('/orders', () => 'created')
  })
  await app.register(async (scope) => {
    await scope.register(authenticate(verifier.withAudience('reviews')))
    scope.get('/reviews', ({ auth }) => auth.audience)
  })
  return { issuer, app }
}

test('the plugin guards the scope it is registered in, and no other', async (context) => {
  const { issuer, app } = await start(context)
  assert.deepEqual((await app.inject('/public')).json(), { hasAuth: false })
  const refused = await app.inject('/orders')
  assert.equal(refused.statusCode, 401)
  assert.equal(refused.headers['www-authenticate'], 'Bearer realm="orders"')
  assert.match(String(refused.headers['content-type']), /^application\/problem\+json/)
  assert.equal(refused.headers['cache-control'], 'no-store')
  assert.equal(refused.json().code, 'missing-token')

  const headers = { authorization: `Bearer ${issuer.mint({ sub: 'alice' })}` }
  const answered = await app.inject({ url: '/orders', headers })
  assert.deepEqual(answered.json(), { caller: 'alice' })
  assert.equal((await app.inject({ url: '/reviews', headers })).statusCode, 401)
  const forBoth = { authorization: `Bearer ${issuer.mint({ aud: ['orders', 'reviews'] })}` }
  assert.equal((await app.inject({ url: '/reviews', headers: forBoth })).body, 'reviews')
})

test('requirements answer 403 with the challenge', async (context) => {
  const { issuer, app } = await start(context)
  const headers = { authorization: `Bearer ${issuer.mint({ scope: 'orders:write' })}` }
  const scope = await app.inject({ url: '/orders', headers })
  assert.equal(scope.statusCode, 403)
  assert.match(String(scope.headers['www-authenticate']), /scope="orders:read"$/)
  const role = await app.inject({ url: '/admin', headers })
  assert.equal(role.statusCode, 403)
  assert.equal(role.json().code, 'insufficient-scope')
  const admin = { authorization: `Bearer ${issuer.mint({ roles: ['admin'] })}` }
  assert.equal((await app.inject({ url: '/admin', headers: admin })).body, 'in')
})

test('a requirement on a route that nothing authenticates lets nobody in', async (context) => {
  const { issuer, app } = await start(context)
  const headers = { authorization: `Bearer ${issuer.mint({ roles: ['admin'] })}` }
  const response = await app.inject({ url: '/unguarded', headers })
  assert.equal(response.statusCode, 500)
  assert.notEqual(response.body, 'never')
})

test('a request is refused before its body is parsed', async (context) => {
  const { app } = await start(context)
  const response = await app.inject({
    method: 'POST',
    url: '/orders',
    headers: { 'content-type': 'application/json' },
    payload: '{not json',
  })
  assert.equal(response.statusCode, 401)
})

test('an outage of the issuer is a 503 with Retry-After', async (context) => {
  const { issuer, app } = await start(context)
  issuer.goDown()
  const headers = { authorization: `Bearer ${issuer.mint()}` }
  const response = await app.inject({ url: '/orders', headers })
  assert.equal(response.statusCode, 503)
  assert.equal(response.headers['retry-after'], '1')
})

test('over a real connection every Authorization field counts, whatever its case', async (context) => {
  const { issuer, app } = await start(context)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const address = app.server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const token = issuer.mint()
  const send = async (...fields: readonly string[]): Promise<number | undefined> => {
    const headers = ['host', 'orders.example', ...fields]
    const request = httpRequest({
      host: address.address,
      port: address.port,
      path: '/orders',
      headers,
    })
    request.end()
    const [response] = await once(request, 'response')
    await json(response)
    return response.statusCode
  }
  assert.equal(await send('Authorization', `Bearer ${token}`), 200)
  assert.equal(await send('AUTHORIZATION', `bearer ${token}`), 200)
  assert.equal(await send('authorization', `Bearer ${token}`, 'Authorization', 'Basic dTpw'), 400)
  assert.equal(
    await send('authorization', `Bearer ${token}`, 'AUTHORIZATION', `Bearer ${token}`),
    400,
  )
  assert.equal(await send('x-authorization', `Bearer ${token}`), 401)
  assert.equal(await send('x', 'authorization', 'y', `Bearer ${token}`), 401)
})
