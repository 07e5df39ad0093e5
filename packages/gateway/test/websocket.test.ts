import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'undici'
import { openSocket, readUntil } from './http-client.ts'
import {
  farewellOf,
  handshake,
  openWebSocket,
  serveSockets,
  startBareService,
  startSocketWorld,
  switched,
} from './socket-world.ts'
import { waitUntil } from './wait-until.ts'

const soon = { timeout: 10_000 }

test('messages of every size cross both ways, compressed or not', soon, async (t) => {
  for (const perMessageDeflate of [false, true]) {
    const world = await startSocketWorld(t)
    const options = { perMessageDeflate, maxPayload: 4_000_000 }
    serveSockets(world, (socket) => socket.on('message', (data) => socket.send(data)), options)
    const socket = await openWebSocket(world, '/public/echo')
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 3_000_000]) {
      const sent = Buffer.alloc(size, `${size},`)
      socket.send(sent)
      const [{ data }] = (await once(socket, 'message')) as [MessageEvent<ArrayBuffer>]
      assert.ok(Buffer.from(data).equals(sent), `${size} octets`)
    }
    const farewell = farewellOf(socket)
    socket.close(4321, 'enough')
    assert.deepEqual(await farewell, [4321, 'enough'])
  }
})

test('a service gets the handshake like any other request, and the client its answer', async (t) => {
  const world = await startSocketWorld(t, {
    file: { identityHeaders: { subject: 'X-Auth-Subject' } },
  })
  const server = serveSockets(world, (socket) => socket.send('hello'))
  server.options.handleProtocols = () => 'two'
  server.on('headers', (headers) => headers.push('X-Auth-Roles: admin', 'Content-Length: 5'))
  const token = world.issuer.mint({ sub: 'alice' })
  const connection = once(server, 'connection')
  const client = await openSocket(world.port)
  client.write(
    handshake('/orders/live?since=1', {
      Authorization: `Bearer ${token}`,
      Connection: 'keep-alive, Upgrade, X-Hop',
      'Sec-WebSocket-Protocol': 'one, two',
      'X-Hop': 'a',
      'X-Auth-Subject': 'mallory',
      X_Auth_Roles: 'admin',
      'X-Forwarded-For': '1.2.3.4',
      'HTTP2-Settings': 'AAA',
    }),
  )
  const answer = await readUntil(client, 'hello')
  assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
  assert.match(answer, /^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/m)
  assert.match(answer, /^Sec-WebSocket-Protocol: two\r$/m)
  assert.match(answer, /^Connection: Upgrade\r\nUpgrade: websocket\r$/m)
  assert.match(answer, /^X-Request-Id: /m)
  assert.doesNotMatch(answer, /^(?:X-Auth-Roles|Content-Length|Transfer-Encoding):/im)
  const [, { headers, url }] = (await connection) as [unknown, { headers: object; url: string }]
  assert.equal(url, '/orders/live?since=1')
  const { date: _, 'x-request-id': _id, ...seen } = headers as Record<string, string>
  assert.deepEqual(seen, {
    host: 'shop.example',
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'one, two',
    authorization: `Bearer ${token}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'shop.example',
    via: '1.1 portcullis',
    'x-auth-subject': 'alice',
  })
  client.destroy()
})

test('a side that is read slowly holds back the other one', soon, async (t) => {
  const { to } = await startBareService(t, (socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return
    socket.write(switched)
    socket.pause()
  })
  const { port } = await startSocketWorld(t, { to })
  const client = await openSocket(port)
  client.write(handshake('/public'))
  await readUntil(client, '\r\n\r\n')
  const piece = Buffer.alloc(64 * 1024)
  let sent = 0
  while (client.write(piece)) sent += piece.length
  const bytesMax = 32 * 1024 * 1024
  for (let still = 0; still < 5 && sent < bytesMax; still += 1) {
    await sleep(50)
    while (client.writableLength === 0 && sent < bytesMax) {
      client.write(piece)
      sent += piece.length
      still = 0
      await sleep(0)
    }
  }
  assert.ok(sent < bytesMax, `${sent} bytes were taken while nobody read`)
  client.destroy()
})

test('when one side leaves or is lost, the other one is let go', soon, async (t) => {
  const opened: Socket[] = []
  const { to } = await startBareService(t, (socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return
    socket.write(switched)
    opened.push(socket)
  })
  const { port, log } = await startSocketWorld(t, { to })
  const pair = async (): Promise<{ client: Socket; service: Socket }> => {
    const client = await openSocket(port)
    client.write(handshake('/public'))
    await readUntil(client, '\r\n\r\n')
    const service = opened.pop()
    assert.ok(service)
    return { client, service }
  }
  for (const how of ['end', 'resetAndDestroy'] as const) {
    for (const who of ['client', 'service'] as const) {
      const both = await pair()
      const other = both[who === 'client' ? 'service' : 'client']
      const closed = once(other, 'close')
      other.resume()
      both[who][how]()
      await closed
    }
  }
  const ended = (): number => log().match(/"route":"\/public\/\*","status":101/g)?.length ?? 0
  await waitUntil(() => ended() >= 4, 'each is logged')
  await sleep(50)
  assert.equal(ended(), 4)
})

test('a service that ends at once is heard to the end', soon, async (t) => {
  const { to } = await startBareService(t, (socket) => {
    socket.end(Buffer.concat([Buffer.from(switched), Buffer.alloc(2_000_000, 'x')]))
  })
  const { port } = await startSocketWorld(t, { to })
  const client = await openSocket(port)
  client.write(handshake('/public'))
  let bytes = 0
  client.on('data', (piece: Buffer) => {
    bytes += piece.length
  })
  await once(client, 'end')
  assert.ok(bytes > 2_000_000)
})

test('a WebSocket on which nothing is said ends after the idle time', soon, async (t) => {
  const world = await startSocketWorld(t, { file: { limits: { idleTimeoutSeconds: 1 } } })
  const server = serveSockets(world, () => undefined)
  const opened = once(server, 'connection')
  const busy = await openWebSocket(world, '/public/busy')
  const [service] = (await opened) as [{ ping: () => void }]
  const pings = setInterval(() => service.ping(), 300)
  const silent = await openWebSocket(world, '/public/silent')
  assert.deepEqual(await farewellOf(silent), [1001, 'idle'])
  await sleep(500)
  assert.equal(busy.readyState, WebSocket.OPEN, 'pings are octets too')
  clearInterval(pings)
  assert.deepEqual(await farewellOf(busy), [1001, 'idle'])
})

test(
  'a gateway that stops says so to every WebSocket, and does not wait for them',
  soon,
  async (t) => {
    const world = await startSocketWorld(t)
    serveSockets(world, () => undefined)
    const socket = await openWebSocket(world, '/public')
    const farewell = farewellOf(socket)
    const startedMs = performance.now()
    await world.close()
    assert.ok(performance.now() - startedMs < 2000)
    assert.deepEqual(await farewell, [1001, 'shutdown'])
  },
)
