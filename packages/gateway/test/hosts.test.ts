import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRaw, statusesIn } from './http-client.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

/** Which route has answered, by the path that it forwards to. */
async function startHosts(t: Parameters<typeof startWorld>[0]): Promise<World> {
  const none = { mode: 'none' }
  return startWorld(t, {
    file: (to) => ({
      routes: [
        { host: 'shop.example', match: '/*', to, rewrite: '/shop/*', auth: none },
        { host: 'shop.example', match: '/admin/*', to, rewrite: '/admin/*' },
        { host: 'Shop.Example:8443', match: '/*', to, rewrite: '/port/*', auth: none },
        { host: '[2001:DB8::0:1]', match: '/*', to, rewrite: '/six/*', auth: none },
        { match: '/*', to, rewrite: '/any/*', auth: none },
      ],
    }),
  })
}

async function reach(world: World, host: string, path = '/a'): Promise<string> {
  const frame = `GET ${path} HTTP/1.1\r\nConnection: close\r\nHost: ${host}\r\n\r\n`
  const [status] = statusesIn(await sendRaw(world.port, frame))
  const [request] = world.service.requests.splice(0)
  // What was judged by is what the service is told.
  if (request !== undefined) assert.deepEqual(request.all('Host'), [host])
  return request?.target ?? String(status)
}

// CVE-2021-39155: a host in another case took another way.
test('a host that the file names has its own routes, however a request spells it', async (t) => {
  const world = await startHosts(t)
  const expected: readonly (readonly [string, string])[] = [
    ['shop.example', '/shop/a'],
    ['SHOP.example', '/shop/a'],
    ['shop.EXAMPLE:80', '/shop/a'],
    ['shop.example:443', '/shop/a'],
    ['shop.example:8443', '/port/a'],
    ['SHOP.EXAMPLE:08443', '/port/a'],
    ['[2001:db8::1]', '/six/a'],
    ['[2001:0db8:0:0:0:0:0:1]:8080', '/six/a'],
    ['[2001:DB8::0.0.0.1]', '/six/a'],
  ]
  for (const [host, target] of expected) assert.equal(await reach(world, host), target, host)
})

test('every other host has the routes without one', async (t) => {
  const world = await startHosts(t)
  const others = [
    'example',
    'www.shop.example',
    'shop.example.evil',
    'shopXexample',
    '[2001:db8::2]',
  ]
  for (const host of others) assert.equal(await reach(world, host), '/any/a', host)
})

// A server takes it for the name without the dot or for another one: the rules must not depend on that.
test('a host with a dot at its end, two of them and a target with a host are refused', async (t) => {
  const world = await startHosts(t)
  const refused = ['shop.example.', 'SHOP.EXAMPLE.:8443', '.', 'shop.example..', 'shop.example:']
  for (const host of refused) assert.equal(await reach(world, host), '400', host)
  const requests = [
    'GET /a HTTP/1.1\r\nHost: shop.example\r\nHost: other.example\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: shop.example\r\nhost: shop.example\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: shop.example, other.example\r\n\r\n',
    'GET http://shop.example/a HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n',
    'GET //shop.example/a HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n',
    'GET shop.example:80 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n',
  ]
  for (const octets of requests) {
    assert.deepEqual(statusesIn(await sendRaw(world.port, octets)), [400], octets)
  }
  assert.equal(world.service.requests.length, 0)
})

test('neither X-Forwarded-Host nor anything like it chooses the host of a route', async (t) => {
  const world = await startHosts(t)
  for (const name of ['X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'Forwarded']) {
    const headers = ['Host', 'shop.example', name, 'other.example', name, 'host=other.example']
    assert.equal((await world.ask({ path: '/admin', headers })).status, 401, name)
  }
})

test('a host decides alone: no route without one is asked instead', async (t) => {
  const { ask, service, log } = await startWorld(t, {
    file: (to) => ({
      routes: [
        { host: 'shop.example', match: '/public/*', to, methods: ['GET'], auth: { mode: 'none' } },
        { match: '/*', to, auth: { mode: 'none' } },
      ],
    }),
  })
  assert.equal((await ask({ path: '/other' })).status, 404)
  assert.equal((await ask({ path: '/public', method: 'DELETE' })).status, 405)
  assert.equal(service.requests.length, 0)
  assert.equal((await ask({ path: '/public' })).status, 200)
  assert.match(log(), /"route":"shop.example\/public\/\*","status":200/)
})

test('where every route has a host, another host is 404', async (t) => {
  const { ask, service } = await startWorld(t, {
    file: (to) => ({
      routes: [{ host: 'shop.example:8443', match: '/*', to, auth: { mode: 'none' } }],
    }),
  })
  for (const host of ['other.example', 'shop.example', 'shop.example:80', '127.0.0.1']) {
    const answer = await ask({ headers: ['Host', host] })
    assert.equal(answer.status, 404, host)
    assert.equal(answer.json()['code'], 'not-found')
  }
  assert.equal(service.requests.length, 0)
  assert.equal((await ask({ headers: ['Host', 'SHOP.example:8443'] })).status, 200)
})
