import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGatewaySettings } from '../src/index.ts'
import type { FoundRoute, RouteTable } from '../src/routing/table.ts'
import { createRouteTable } from '../src/routing/table.ts'

function tableOf(...routes: (readonly [string, (readonly string[])?])[]): RouteTable {
  const settings = parseGatewaySettings({
    listen: { port: 0 },
    issuer: 'https://id.example',
    auth: { audience: 'orders' },
    routes: routes.map(([match, methods], index) => ({
      match,
      to: [`http://service-${index}`],
      ...(methods === undefined ? {} : { methods }),
    })),
  })
  return createRouteTable(settings.routes)
}

/** The service of the route that was found, or why there is none. */
function outcome(found: FoundRoute): string {
  return found.kind === 'route' ? String(found.route.to[0]) : found.kind
}

test('a prefix matches itself and everything below it, and nothing beside it', () => {
  const table = tableOf(['/orders/*'])
  for (const path of ['/orders', '/orders/', '/orders/1', '/orders/1/lines']) {
    assert.equal(outcome(table.find('shop.example', path, 'GET')), 'http://service-0', path)
  }
  for (const path of ['/', '/ordersX', '/orders.json', '/Orders', '/order', '/a/orders']) {
    assert.equal(outcome(table.find('shop.example', path, 'GET')), 'not-found', path)
  }
})

test('an exact match matches nothing below it', () => {
  const table = tableOf(['/orders'])
  assert.equal(outcome(table.find('shop.example', '/orders', 'GET')), 'http://service-0')
  assert.equal(outcome(table.find('shop.example', '/orders/', 'GET')), 'not-found')
  assert.equal(outcome(table.find('shop.example', '/orders/1', 'GET')), 'not-found')
})

test('the most specific route wins, in whatever order the file has them', () => {
  const routes = [['/*'], ['/orders/*'], ['/orders/1'], ['/orders/1/*']] as const
  const table = tableOf(...routes)
  const reversed = tableOf(...routes.toReversed())
  const expected = [
    ['/', '/*'],
    ['/reviews', '/*'],
    ['/orders', '/orders/*'],
    ['/orders/12', '/orders/*'],
    ['/orders/1', '/orders/1'],
    ['/orders/1/lines', '/orders/1/*'],
  ] as const
  for (const [path, match] of expected) {
    for (const found of [
      table.find('shop.example', path, 'GET'),
      reversed.find('shop.example', path, 'GET'),
    ]) {
      assert.ok(found.kind === 'route')
      assert.equal(found.match, match, path)
    }
  }
})

test('methods of one match may go to different services', () => {
  const table = tableOf(['/orders', ['GET', 'HEAD']], ['/orders', ['POST']])
  assert.equal(outcome(table.find('shop.example', '/orders', 'HEAD')), 'http://service-0')
  assert.equal(outcome(table.find('shop.example', '/orders', 'POST')), 'http://service-1')
  assert.deepEqual(table.find('shop.example', '/orders', 'DELETE'), {
    kind: 'method-not-allowed',
    match: '/orders',
    allow: 'GET, HEAD, POST',
  })
})

test('a method that the most specific match lacks does not fall through to a wider one', () => {
  const table = tableOf(['/*'], ['/admin/*', ['GET']])
  assert.equal(outcome(table.find('shop.example', '/admin/accounts', 'GET')), 'http://service-1')
  for (const method of ['HEAD', 'POST', 'OPTIONS']) {
    assert.equal(
      outcome(table.find('shop.example', '/admin/accounts', method)),
      'method-not-allowed',
      method,
    )
  }
})

test('a route without methods serves them all except TRACE and CONNECT', () => {
  const table = tableOf(['/orders'])
  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND', 'QUERY']) {
    assert.equal(outcome(table.find('shop.example', '/orders', method)), 'http://service-0', method)
  }
  assert.equal(outcome(table.find('shop.example', '/orders', 'TRACE')), 'method-not-allowed')
  assert.equal(outcome(table.find('shop.example', '/orders', 'CONNECT')), 'method-not-allowed')
})
