import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { RawConnection } from './http2-frames.ts'
import {
  errors,
  flags,
  frame,
  headerBlock,
  isEndOf,
  isGoaway,
  isReset,
  openRaw,
  requestBlock,
  types,
} from './http2-frames.ts'
import { startHttp2World } from './http2-world.ts'

const whole = flags.endHeaders | flags.endStream

/** The nth request of a client has this number (RFC 9113 section 5.1.1). */
const nth = (n: number): number => n * 2 + 1

/** Requests that are reset at once. */
const pairs = (from: number): Buffer[] =>
  Array.from({ length: 200 }, (_none, at) => [
    frame(types.headers, whole, nth(from + at), requestBlock()),
    frame(types.reset, 0, nth(from + at), Buffer.of(0, 0, 0, errors.cancel)),
  ]).flat()

const calm = isGoaway(errors.enhanceYourCalm)

/** Another caller is served meanwhile. */
async function assertServed(port: number): Promise<void> {
  const connection = await openRaw(port)
  connection.send(frame(types.headers, whole, 1, requestBlock()))
  await connection.until(isEndOf(1))
  connection.socket.destroy()
}

test('more fields than there may be are 431, and a header that is too large is refused', async (t) => {
  const { port, service } = await startHttp2World(t, { limits: { headerBytes: 16_384 } })
  const many = Array.from({ length: 120 }, (_none, at) => [`x-${at}`, 'a'] as const)
  const connection = await openRaw(port)
  const block = Buffer.concat([requestBlock(), headerBlock(...many)])
  connection.send(frame(types.headers, whole, 1, block))
  await connection.until(isEndOf(1))
  const data = connection.frames.find(({ type }) => type === types.data)
  assert.match(String(data?.payload), /"status":431/)
  // What is named once costs an octet each time (RFC 7541 section 6.1): a bomb of 40 octets for each of them.
  const bomb = Buffer.concat([
    requestBlock(),
    Buffer.from([0x40, 1]),
    Buffer.from('b'),
    Buffer.from([0x7f, 0xa1, 0x1e]),
    Buffer.alloc(4000, 'b'),
    Buffer.alloc(10_000, 0x80 + 62),
  ])
  connection.send(frame(types.headers, whole, 3, bomb))
  await connection.until((one) => isReset(3)(one) || one.type === types.goaway)
  assert.deepEqual(service.requests, [])
  await assertServed(port)
  connection.socket.destroy()
})

test('crumbs of a cookie are one field, however many they are', async (t) => {
  const { port, service } = await startHttp2World(t)
  const crumbs = Array.from({ length: 150 }, (_none, at) => ['cookie', `c${at}=${at}`] as const)
  const connection = await openRaw(port)
  const block = Buffer.concat([requestBlock(), headerBlock(...crumbs)])
  connection.send(frame(types.headers, whole, 1, block))
  await connection.until(isEndOf(1))
  const expected = crumbs.map(([, crumb]) => crumb).join('; ')
  assert.deepEqual(service.requests[0]?.all('cookie'), [expected])
  connection.socket.destroy()
})

test('CONTINUATION without an end ends the connection', async (t) => {
  const { port } = await startHttp2World(t)
  const connection = await openRaw(port)
  connection.send(frame(types.headers, flags.endStream, 1, requestBlock()))
  for (let count = 0; count < 100; count += 1) {
    connection.send(frame(types.continuation, 0, 1, headerBlock([`x-${count}`, 'a'])))
  }
  await connection.closed
  await assertServed(port)
})

test('requests that their client resets at once end the connection, and few of them reach a service', async (t) => {
  const { port, service } = await startHttp2World(t)
  const connection = await openRaw(port)
  for (let round = 0; round < 20 && !connection.socket.destroyed; round += 1) {
    connection.send(...pairs(round * 200))
    await setTimeout(5)
  }
  await connection.closed
  assert.ok(service.requests.length < 100, `${service.requests.length} reached it`)
  await assertServed(port)
})

test('requests that a client has the gateway reset end the connection too', async (t) => {
  const { port } = await startHttp2World(t, {}, { service: () => undefined })
  const connection = await openRaw(port)
  for (let at = 0; at < 3000 && !connection.socket.destroyed; at += 1) {
    connection.send(
      frame(types.headers, whole, nth(at), requestBlock()),
      // RFC 9113 section 6.9: an increment of 0 is an error of the stream.
      frame(types.windowUpdate, 0, nth(at), Buffer.alloc(4)),
    )
    if (at % 100 === 99) await setTimeout(5)
  }
  await connection.closed
})

test('more requests at a time than there may be are refused, and can be sent again', async (t) => {
  const { port } = await startHttp2World(t, {}, { service: () => undefined })
  const connection = await openRaw(port)
  const settings = await connection.until(({ type }) => type === types.settings)
  const streamsMax = [...Array(settings.payload.length / 6).keys()]
    .map((at) => settings.payload.subarray(at * 6, at * 6 + 6))
    .find((setting) => setting.readUInt16BE() === 3)
    ?.readUInt32BE(2)
  assert.equal(streamsMax, 128)
  for (let at = 0; at <= 128; at += 1) {
    connection.send(frame(types.headers, whole, nth(at), requestBlock()))
  }
  await connection.until(isReset(nth(128), errors.refusedStream))
  connection.socket.destroy()
})

const floods: Readonly<Record<string, readonly [Buffer, RegExp | undefined]>> = {
  pings: [frame(types.ping, 0, 0, Buffer.alloc(8)), /ENHANCE_YOUR_CALM/],
  settings: [frame(types.settings, 0, 0), /ENHANCE_YOUR_CALM/],
  'empty pieces of a body': [frame(types.data, 0, 1), undefined],
}

for (const [name, [octets, logged]] of Object.entries(floods)) {
  test(`a flood of ${name} ends the connection`, async (t) => {
    const { port, log } = await startHttp2World(t)
    const connection = await openRaw(port)
    connection.send(frame(types.headers, flags.endHeaders, 1, requestBlock({ ':method': 'POST' })))
    const ended = logged === undefined ? connection.closed : connection.until(calm)
    for (let round = 0; round < 40 && !connection.socket.destroyed; round += 1) {
      connection.send(...Array.from({ length: 100 }, () => octets))
      await setTimeout(2)
    }
    await ended
    await connection.closed
    if (logged !== undefined) assert.match(log(), logged)
    await assertServed(port)
  })
}

test('pings whose answers are not read end the connection', async (t) => {
  const { port } = await startHttp2World(t)
  const connection = await openRaw(port)
  connection.socket.pause()
  const ping = frame(types.ping, 0, 0, Buffer.alloc(8))
  for (let round = 0; round < 400 && !connection.socket.destroyed; round += 1) {
    connection.socket.write(Buffer.concat(Array.from({ length: 100 }, () => ping)))
    await setTimeout(1)
  }
  connection.socket.resume()
  await connection.closed
})

async function secondsUntilClosed({ closed, socket }: RawConnection): Promise<number> {
  const startedMs = performance.now()
  socket.resume()
  await closed
  return (performance.now() - startedMs) / 1000
}

test('a connection on which no request comes is ended, whatever else comes', async (t) => {
  const limits = { headersTimeoutSeconds: 1, idleTimeoutSeconds: 2 }
  const { port } = await startHttp2World(t, { limits })
  const silent = await openRaw(port)
  const pinging = await openRaw(port)
  const timer = setInterval(() => pinging.send(frame(types.ping, 0, 0, Buffer.alloc(8))), 200)
  t.after(() => clearInterval(timer))
  const half = await openRaw(port)
  half.send(frame(types.headers, flags.endStream, 1, requestBlock()))
  const seconds = await Promise.all([silent, pinging, half].map(secondsUntilClosed))
  assert.ok(
    seconds.every((time) => time > 0.8 && time < 5),
    seconds.join(', '),
  )
  const served = await openRaw(port)
  served.send(frame(types.headers, whole, 1, requestBlock()))
  await served.until(isEndOf(1))
  const idle = await secondsUntilClosed(served)
  assert.ok(idle > 1.8 && idle < 6, String(idle))
})

test('a body that does not come to its end in time is 408, and the request to the service ends', async (t) => {
  let isGone = false
  const { port } = await startHttp2World(
    t,
    { limits: { headersTimeoutSeconds: 1, requestTimeoutSeconds: 1 } },
    {
      service: (request) => {
        request.resume().once('error', () => {
          isGone = true
        })
      },
    },
  )
  const connection = await openRaw(port)
  connection.send(frame(types.headers, flags.endHeaders, 1, requestBlock({ ':method': 'POST' })))
  const timer = setInterval(() => connection.send(frame(types.data, 0, 1, Buffer.from('a'))), 100)
  t.after(() => clearInterval(timer))
  const { payload } = await connection.until(({ type }) => type === types.data)
  assert.match(String(payload), /"status":408/)
  await setTimeout(200)
  assert.equal(isGone, true)
  connection.socket.destroy()
})

test('a client that takes nothing of an answer is given up, and so is the request to the service', async (t) => {
  let isGone = false
  const { port } = await startHttp2World(
    t,
    { limits: { idleTimeoutSeconds: 1 } },
    {
      service: (_request, response) => {
        response.once('close', () => {
          isGone = true
        })
        response.write(Buffer.alloc(1_000_000))
      },
    },
  )
  // A window of no octets (SETTINGS_INITIAL_WINDOW_SIZE).
  const connection = await openRaw(port, Buffer.from([0, 4, 0, 0, 0, 0]))
  connection.send(frame(types.headers, whole, 1, requestBlock()))
  // Node looks twice whether anything has moved.
  await connection.until(isReset(1), 20_000)
  await setTimeout(200)
  assert.equal(isGone, true)
  connection.socket.destroy()
})

test('what is no HTTP/2 ends the connection', async (t) => {
  const { port } = await startHttp2World(t)
  const connection = await openRaw(port)
  connection.send(Buffer.from('GET /public HTTP/1.1\r\nHost: a\r\n\r\n'))
  await connection.closed
  const { socket } = await openRaw(port)
  socket.write(Buffer.alloc(100_000, 'a'))
  await once(socket, 'close')
  await assertServed(port)
})
