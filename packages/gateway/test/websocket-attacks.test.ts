import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSocket, readUntil, sendRaw, statusesIn } from './http-client.ts'
import {
  handshake,
  key,
  serveSockets,
  startBareService,
  startSocketWorld,
  switched,
} from './socket-world.ts'
import { waitUntil } from './wait-until.ts'

const soon = { timeout: 10_000 }
const smuggled = 'GET /orders/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

/** Handshakes that two servers could understand differently, or that are none. */
const misshapen: Readonly<Record<string, string>> = {
  'another protocol': handshake('/public', { Upgrade: 'h2c', 'HTTP2-Settings': 'AAA' }),
  'a choice of protocols': handshake('/public', { Upgrade: 'websocket, h2c' }),
  'the same protocol twice': handshake('/public', { Upgrade: 'websocket\r\nUpgrade: websocket' }),
  'two protocols': handshake('/public', { Upgrade: 'websocket\r\nUpgrade: h2c' }),
  'an empty protocol': handshake('/public', { Upgrade: '' }),
  'no connection option': handshake('/public', { Connection: 'keep-alive' }),
  'no version': handshake('/public', { 'Sec-WebSocket-Version': undefined }),
  'another version': handshake('/public', { 'Sec-WebSocket-Version': '1337' }),
  'two versions': handshake('/public', {
    'Sec-WebSocket-Version': '13\r\nSec-WebSocket-Version: 8',
  }),
  'no key': handshake('/public', { 'Sec-WebSocket-Key': undefined }),
  'a short key': handshake('/public', { 'Sec-WebSocket-Key': 'AAAA' }),
  'two keys': handshake('/public', { 'Sec-WebSocket-Key': `${key}\r\nSec-WebSocket-Key: ${key}` }),
  'two origins': handshake('/public', { Origin: 'http://a\r\nOrigin: http://b' }),
  'a length': `${handshake('/public', { 'Content-Length': '5' })}hello`,
  'a coding': `${handshake('/public', { 'Transfer-Encoding': 'chunked' })}0\r\n\r\n`,
  'a request after it': `${handshake('/public')}${smuggled}`,
  'one octet after it': `${handshake('/public')}\x81`,
  'another method': handshake('/public').replace('GET', 'POST'),
  'an old version of HTTP': handshake('/public').replace('HTTP/1.1', 'HTTP/1.0'),
  'two hosts': handshake('/public', { Host: 'a\r\nHost: b' }),
  'an ambiguous path': handshake('/public/..%2forders'),
  'a route without WebSockets': handshake('/plain'),
  'h2c by prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
}

test('what is not exactly a handshake is refused, ends its connection, and reaches no service', async (t) => {
  const { to, received } = await startBareService(t, (socket) => socket.write(switched))
  const { port } = await startSocketWorld(t, { to })
  assert.ok(Object.keys(misshapen).length >= 20)
  for (const [name, octets] of Object.entries(misshapen)) {
    const raw = await sendRaw(port, octets)
    assert.deepEqual(statusesIn(raw), [400], name)
    assert.match(raw, /^connection: close\r$/im, name)
    assert.match(raw, /^content-type: application\/problem\+json\r$/m, name)
  }
  const [, version = ''] = /^(sec-websocket-version: .*)\r$/m.exec(
    await sendRaw(port, misshapen['another version'] ?? ''),
  ) ?? ['', '']
  assert.equal(version, 'sec-websocket-version: 13')
  assert.deepEqual(received, [])
})

test('a handshake is judged like any other request', async (t) => {
  const world = await startSocketWorld(t, {
    file: { limits: { headerBytes: 2048 } },
    route: { auth: { scope: ['orders:write'] } },
  })
  const { port, issuer } = world
  serveSockets(world, (socket) => socket.send('hello'))
  const statusOf = async (target: string, Authorization?: string): Promise<number[]> =>
    statusesIn(await sendRaw(port, handshake(target, { Authorization })))
  assert.deepEqual(await statusOf('/orders'), [401])
  assert.deepEqual(await statusOf('/orders', 'Bearer nonsense'), [401])
  assert.deepEqual(await statusOf('/orders', `Bearer ${issuer.mint({ scope: 'a' })}`), [403])
  assert.deepEqual(await statusOf('/orders', `Bearer ${issuer.mint({ aud: 'other' })}`), [401])
  assert.deepEqual(await statusOf('/ordersX', `Bearer ${issuer.mint()}`), [404])
  assert.deepEqual(await statusOf(`/orders/${'x'.repeat(3000)}`), [431])
  const two = `Bearer ${issuer.mint()}\r\nAuthorization: Bearer ${issuer.mint()}`
  assert.deepEqual(await statusOf('/orders', two), [400])
  const client = await openSocket(port)
  client.write(handshake('/orders', { Authorization: `Bearer ${issuer.mint()}` }))
  assert.deepEqual(statusesIn(await readUntil(client, 'hello')), [101])
  client.destroy()
})

test('a page of another origin opens no WebSocket unless the file names it', async (t) => {
  const world = await startSocketWorld(t, { route: { allowedOrigins: ['https://app.example'] } })
  serveSockets(world, (socket) => socket.close())
  const statusOf = async (Origin?: string): Promise<number[]> => {
    const client = await openSocket(world.port)
    client.write(handshake('/public', { Origin }))
    const raw = await readUntil(client, '\r\n\r\n')
    client.destroy()
    return statusesIn(raw)
  }
  const welcome = ['https://app.example', 'https://shop.example', 'http://shop.example', undefined]
  for (const origin of welcome) assert.deepEqual(await statusOf(origin), [101], String(origin))
  const refused = [
    'https://evil.example',
    'https://app.example.evil.example',
    'http://app.example',
    'https://app.example:8443',
    'https://shop.example:8443',
    'https://shop.example/',
    'https://shop.example@evil.example',
    'https://SHOP.example',
    'shop.example',
    'null',
    '',
    'https://shop.example https://evil.example',
    'https://app.example, https://evil.example',
  ]
  for (const origin of refused) assert.deepEqual(await statusOf(origin), [403], origin)
})

test('nothing that a client sends before the answer reaches the service', soon, async (t) => {
  const { to, received } = await startBareService(t, () => undefined)
  const { port, log } = await startSocketWorld(t, { to })
  const client = await openSocket(port)
  client.write(handshake('/public'))
  await waitUntil(() => received.length > 0, 'the handshake is at the service')
  const closed = once(client, 'close')
  client.write(smuggled)
  await closed
  await waitUntil(() => log().includes('"complete":false'), 'it is logged that it was cut')
  await sleep(50)
  assert.equal(received.length, 1)
  assert.doesNotMatch(received.join(''), /smuggled/)
})

test('a service that does not switch answers once, and both connections end', soon, async (t) => {
  const answer = 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nContent-Length: 2\r\n\r\nno'
  const { to, received } = await startBareService(t, (socket) => socket.write(answer))
  const { port, ask } = await startSocketWorld(t, { to })
  const client = await openSocket(port)
  client.write(handshake('/public'))
  const closed = once(client, 'close')
  const raw = await readUntil(client, '\r\n\r\nno')
  assert.deepEqual(statusesIn(raw), [426])
  assert.match(raw, /^Connection: close\r$/m)
  assert.doesNotMatch(raw, /^Upgrade:/im)
  client.write(smuggled)
  client.resume()
  await closed
  await ask({ path: '/public/next' })
  assert.equal(received.length, 2, 'the next request has a connection of its own')
  assert.doesNotMatch(received.join(''), /smuggled/)
})

test('a long answer to a handshake is passed on whole, as fast as it is read', soon, async (t) => {
  const size = 20_000_000
  const { port } = await startSocketWorld(t, {
    service: (_request, response) => response.writeHead(403).end(Buffer.alloc(size, 'x')),
  })
  const client = await openSocket(port)
  client.write(handshake('/public'))
  await sleep(300)
  const raw = await buffer(client)
  assert.deepEqual(statusesIn(raw.subarray(0, 100).toString()), [403])
  assert.ok(raw.length > size && raw.subarray(-7).toString() === '\r\n0\r\n\r\n')
})

/** Answers that claim to switch, and do not. */
const untrue: Readonly<Record<string, string>> = {
  'of another handshake': switched.replace(/Accept: .*/, 'Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA='),
  'of none': switched.replace(/Sec-WebSocket-Accept: .*\r\n/, ''),
  'of two': switched.replace(/(Sec-WebSocket-Accept: .*\r\n)/, '$1$1'),
  'to another protocol': switched.replace('Upgrade: websocket', 'Upgrade: h2c'),
  'to no protocol': switched.replace('Upgrade: websocket\r\n', ''),
  'without the connection option': switched.replace('Connection: Upgrade\r\n', ''),
}

test('a switch that is no answer to the handshake is 502, and nothing of it gets through', async (t) => {
  for (const [name, octets] of Object.entries(untrue)) {
    const { to } = await startBareService(t, (socket) => socket.write(`${octets}hello`))
    const { port } = await startSocketWorld(t, { to })
    const raw = await sendRaw(port, handshake('/public'))
    assert.deepEqual(statusesIn(raw), [502], name)
    assert.doesNotMatch(raw, /hello/, name)
  }
})

test('a switch that nobody asked for is 502', async (t) => {
  for (const octets of [switched, untrue['to no protocol'] ?? '']) {
    const stolen = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'
    const { to } = await startBareService(t, (socket) => socket.write(octets + stolen))
    const { ask, log } = await startSocketWorld(t, { to })
    assert.equal((await ask({ path: '/public' })).status, 502)
    assert.doesNotMatch(log(), /ASSERT/)
  }
})

test('a handshake behind a request that is not answered yet is refused', soon, async (t) => {
  const { to, received } = await startBareService(t, (socket) => {
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), 100)
  })
  const { port } = await startSocketWorld(t, { to })
  const raw = await sendRaw(port, `GET /public HTTP/1.1\r\nHost: a\r\n\r\n${handshake('/public')}`)
  assert.deepEqual(statusesIn(raw), [200, 400])
  assert.equal(received.length, 1)
})

test('a handshake on a connection that was used before is served', soon, async (t) => {
  const world = await startSocketWorld(t)
  serveSockets(world, (socket) => socket.send('hello'))
  const client = await openSocket(world.port)
  client.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
  await readUntil(client, '{"ok":true}')
  await sleep(50)
  client.write(handshake('/public'))
  assert.deepEqual(statusesIn(await readUntil(client, 'hello')), [101])
  client.destroy()
})

test('a client that leaves before the answer cancels the handshake', soon, async (t) => {
  const { promise: left, resolve } = Promise.withResolvers<void>()
  const { to, received } = await startBareService(t, (socket) =>
    socket.once('close', () => resolve()),
  )
  const { port, log } = await startSocketWorld(t, { to })
  const client = await openSocket(port)
  client.write(handshake('/public'))
  await waitUntil(() => received.length > 0, 'the handshake is at the service')
  client.end()
  await left
  assert.doesNotMatch(log(), /the upstream failed/)
})

test('a service that is silent to a handshake is 504, one that cannot be reached 502', async (t) => {
  const silent = await startBareService(t, () => undefined)
  const limits = { idleTimeoutSeconds: 1 }
  const slow = await startSocketWorld(t, { to: silent.to, file: { limits } })
  assert.deepEqual(statusesIn(await sendRaw(slow.port, handshake('/public'))), [504])
  const gone = await startSocketWorld(t, { to: ['http://127.0.0.1:9'] })
  assert.deepEqual(statusesIn(await sendRaw(gone.port, handshake('/public'))), [502])
})

test('a gateway that stops cuts handshakes that nobody answers', soon, async (t) => {
  const { to, received } = await startBareService(t, () => undefined)
  const { port, close } = await startSocketWorld(t, { to })
  const client = await openSocket(port)
  client.resume()
  client.write(handshake('/public'))
  await waitUntil(() => received.length > 0, 'the handshake is at the service')
  const startedMs = performance.now()
  await close()
  assert.ok(performance.now() - startedMs < 7000)
})
