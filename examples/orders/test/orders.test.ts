import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestIssuer } from '@portcullis/verify/testing'
import type { Answer } from './running-orders.ts'
import { startOrders, temporaryFolder } from './running-orders.ts'

function customer(issuer: TestIssuer, sub: string): string {
  return issuer.mint({ sub, roles: ['customer'], scope: 'orders:read orders:write' })
}

function admin(issuer: TestIssuer): string {
  return issuer.mint({ sub: 'the-admin', roles: ['admin'], scope: 'orders:read orders:write' })
}

function assertProblem(answer: Answer, status: number): void {
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  assert.match(String(answer.headers.get('content-type')), /^application\/problem\+json\b/)
  assert.ok(typeof answer.body === 'object' && answer.body !== null && 'status' in answer.body)
  assert.equal(answer.body.status, status)
  assert.ok('type' in answer.body && typeof answer.body.type === 'string')
  assert.ok('title' in answer.body && typeof answer.body.title === 'string')
}

test('a customer creates an order, reads it back and finds it in the list', async (t) => {
  const { issuer, ask } = await startOrders(t)
  const token = customer(issuer, 'alice')
  const json = { item: 'lamp', quantity: 2 }
  const created = await ask({ method: 'POST', path: '/orders', token, json })
  assert.equal(created.status, 201)
  assert.ok(typeof created.body === 'object' && created.body !== null && 'id' in created.body)
  const { id, createdAt, ...others } = { createdAt: '', ...created.body }
  assert.deepEqual(others, { owner: 'alice', status: 'open', ...json })
  assert.equal(new Date(createdAt).toISOString(), createdAt)
  assert.equal(created.headers.get('location'), `/orders/${String(id)}`)

  const read = await ask({ path: `/orders/${String(id)}`, token })
  assert.deepEqual([read.status, read.body], [200, created.body])
  const list = await ask({ path: '/orders', token })
  assert.deepEqual([list.status, list.body], [200, { orders: [created.body] }])
})

test("another customer's order does not exist: not in the list, and 404 like any other id", async (t) => {
  const { issuer, ask, order } = await startOrders(t)
  const { id } = await order(customer(issuer, 'alice'), 'lamp')
  const token = customer(issuer, 'bob')
  assert.deepEqual((await ask({ path: '/orders', token })).body, { orders: [] })
  const foreign = await ask({ path: `/orders/${id}`, token })
  const unknown = await ask({ path: `/orders/${randomUUID()}`, token })
  assertProblem(foreign, 404)
  assert.deepEqual(foreign.body, unknown.body)
})

test('the owner of an order is the sub of the token, whatever the body says', async (t) => {
  const { issuer, ask } = await startOrders(t)
  const token = customer(issuer, 'alice')
  const json = { item: 'lamp', quantity: 1, owner: 'bob' }
  assertProblem(await ask({ method: 'POST', path: '/orders', token, json }), 400)
})

test('an admin sees and cancels the orders of everybody, and cancelling twice is fine', async (t) => {
  const { issuer, ask, order } = await startOrders(t)
  const token = customer(issuer, 'alice')
  const { id } = await order(token, 'lamp')
  await order(customer(issuer, 'bob'), 'chair')
  const asAdmin = admin(issuer)
  const list = await ask({ path: '/orders', token: asAdmin })
  assert.ok(typeof list.body === 'object' && list.body !== null && 'orders' in list.body)
  assert.ok(Array.isArray(list.body.orders))
  assert.equal(list.body.orders.length, 2)

  const first = await ask({ method: 'DELETE', path: `/orders/${id}`, token: asAdmin })
  const second = await ask({ method: 'DELETE', path: `/orders/${id}`, token: asAdmin })
  assert.equal(first.status, 200)
  assert.deepEqual([second.status, second.body], [200, first.body])
  assert.deepEqual((await ask({ path: `/orders/${id}`, token })).body, first.body)
  assert.ok(JSON.stringify(first.body).includes('"cancelled"'))
  const unknown = { method: 'DELETE', path: `/orders/${randomUUID()}`, token: asAdmin }
  assertProblem(await ask(unknown), 404)
})

test('nobody but an admin cancels, not even an own order', async (t) => {
  const { issuer, ask, order } = await startOrders(t)
  const token = customer(issuer, 'alice')
  const { id } = await order(token, 'lamp')
  for (const roles of [['customer'], ['Admin'], ['administrator'], [], undefined]) {
    const other = issuer.mint({ sub: 'alice', roles })
    const answer = await ask({ method: 'DELETE', path: `/orders/${id}`, token: other })
    assertProblem(answer, 403)
    assert.match(String(answer.headers.get('www-authenticate')), /error="insufficient_scope"/)
  }
  assert.ok(JSON.stringify((await ask({ path: `/orders/${id}`, token })).body).includes('"open"'))
})

test('reading wants orders:read and creating wants orders:write', async (t) => {
  const { issuer, ask } = await startOrders(t)
  const json = { item: 'lamp', quantity: 1 }
  const mayRead = issuer.mint({ scope: 'orders:read' })
  const mayWrite = issuer.mint({ scope: 'orders:write' })
  const mayNothing = issuer.mint({ scope: undefined })
  for (const token of [mayWrite, mayNothing]) {
    for (const path of ['/orders', `/orders/${randomUUID()}`]) {
      const answer = await ask({ path, token })
      assertProblem(answer, 403)
      assert.match(String(answer.headers.get('www-authenticate')), /scope="orders:read"/)
    }
  }
  for (const token of [mayRead, mayNothing]) {
    assertProblem(await ask({ method: 'POST', path: '/orders', token, json }), 403)
  }
  assert.equal((await ask({ path: '/orders', token: mayRead })).status, 200)
  const created = await ask({ method: 'POST', path: '/orders', token: mayWrite, json })
  assert.equal(created.status, 201)
})

test('without a valid token every order route answers 401 with a challenge', async (t) => {
  const { issuer, ask } = await startOrders(t)
  const tokens = [
    undefined,
    'no.token.here',
    issuer.mint({ aud: 'reviews' }),
    issuer.mint({ exp: 1 }),
    issuer.forge({ signature: 'stranger' }),
  ]
  const routes = [
    ['GET', '/orders'],
    ['POST', '/orders'],
    ['GET', `/orders/${randomUUID()}`],
    ['DELETE', `/orders/${randomUUID()}`],
    ['GET', '/orders/not-an-id'],
  ] as const
  for (const [method, path] of routes) {
    for (const token of tokens) {
      const answer = await ask({ method, path, ...(token === undefined ? {} : { token }) })
      assertProblem(answer, 401)
      assert.match(String(answer.headers.get('www-authenticate')), /^Bearer realm="orders"/)
    }
  }
})

test('health needs no token, and a path that is not there is a 404 problem', async (t) => {
  const { ask } = await startOrders(t)
  const health = await ask({ path: '/health' })
  assert.deepEqual([health.status, health.body], [200, { status: 'ok' }])
  const nowhere = await ask({ path: '/nowhere' })
  assertProblem(nowhere, 404)
  const detail = 'there is nothing here'
  assert.deepEqual(nowhere.body, { type: 'about:blank', title: 'Not Found', status: 404, detail })
})

test('while the keys cannot be had the answer is 503, and it recovers by itself', async (t) => {
  const { issuer, ask } = await startOrders(t)
  issuer.goDown()
  const token = customer(issuer, 'alice')
  const answer = await ask({ path: '/orders', token })
  assertProblem(answer, 503)
  const retryAfterSeconds = Number(answer.headers.get('retry-after'))
  assert.ok(retryAfterSeconds >= 1)
  issuer.comeBack()
  // The verifier leaves an issuer that failed alone for that long.
  const deadline = Date.now() + (retryAfterSeconds + 2) * 1000
  let status = 503
  while (status === 503 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    status = (await ask({ path: '/orders', token })).status
  }
  assert.equal(status, 200)
})

const badBodies: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['no JSON', '{"item":'],
  ['an array', '[]'],
  ['null', 'null'],
  ['no quantity', '{"item":"lamp"}'],
  ['a number for a text', '{"item":5,"quantity":1}'],
  ['a text for a number', '{"item":"lamp","quantity":"1"}'],
  ['a fraction', '{"item":"lamp","quantity":1.5}'],
  ['none', '{"item":"lamp","quantity":0}'],
  ['too many', '{"item":"lamp","quantity":1001}'],
  ['no name', '{"item":"","quantity":1}'],
  ['a long name', `{"item":"${'x'.repeat(201)}","quantity":1}`],
  ['an unknown member', '{"item":"lamp","quantity":1,"status":"cancelled"}'],
  ['a prototype', '{"item":"lamp","quantity":1,"__proto__":{"x":1}}'],
]

test('a bad body is a 400 problem, one of another type 415, a large one 413', async (t) => {
  const { issuer, ask } = await startOrders(t)
  const token = customer(issuer, 'alice')
  const post = { method: 'POST', path: '/orders', token }
  assert.ok(badBodies.length > 0)
  for (const [name, text] of badBodies) {
    const answer = await ask({ ...post, text })
    assert.equal(answer.status, 400, name)
    assertProblem(answer, 400)
  }
  const json = { item: 'lamp', quantity: 1 }
  assertProblem(await ask({ ...post, json, headers: { 'content-type': 'text/csv' } }), 415)
  assertProblem(await ask({ ...post, json: { ...json, item: 'x'.repeat(20_000) } }), 413)
  assertProblem(await ask({ path: '/orders/not-an-id', token }), 400)
  assert.deepEqual((await ask({ path: '/orders', token })).body, { orders: [] })
})

test('orders survive a restart of the service', async (t) => {
  const path = join(temporaryFolder(t), 'orders.db')
  const first = await startOrders(t, path)
  const order = await first.order(customer(first.issuer, 'alice'), 'lamp')
  const second = await startOrders(t, path)
  const token = customer(second.issuer, 'alice')
  assert.deepEqual((await second.ask({ path: '/orders', token })).body, { orders: [order] })
})
