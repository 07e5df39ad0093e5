import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import { createVerifier } from '@portcullis/verify'
import { authenticate, requireScope } from '@portcullis/verify/fastify'
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
  await app.register(async (scope) => {
    await scope.register(authenticate(verifier))
    scope.get('/orders', { preHandler: requireScope('orders:read') }, ({ auth }) => ({
      caller: auth.claims.sub,
    }))
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

  const headers = { authorization: `Bearer ${issuer.mint({ sub: 'alice' })}` }
  const answered = await app.inject({ url: '/orders', headers })
  assert.deepEqual(answered.json(), { caller: 'alice' })
  assert.equal((await app.inject({ url: '/reviews', headers })).statusCode, 401)
  const forBoth = { authorization: `Bearer ${issuer.mint({ aud: ['orders', 'reviews'] })}` }
  assert.equal((await app.inject({ url: '/reviews', headers: forBoth })).body, 'reviews')
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
