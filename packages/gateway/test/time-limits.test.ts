import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { answering, startBefore } from './bare-service.ts'
import { openSocket, readUntil, sendRaw, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

const get = 'GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

describe('a service that takes its time', { concurrency: true }, () => {
  test('a route may wait for its service longer or shorter than the others', async (t) => {
    const { ask } = await startWorld(t, {
      service: (request, response) => {
        if (request.url !== '/short') setTimeout(() => response.end('late'), 7500)
      },
      file: (to) => ({
        limits: { idleTimeoutSeconds: 1 },
        routes: [
          { match: '/long', to, auth: { mode: 'none' }, limits: { idleTimeoutSeconds: 30 } },
          { match: '/short', to, auth: { mode: 'none' } },
        ],
      }),
    })
    const [long, short] = await Promise.all([ask({ path: '/long' }), ask({ path: '/short' })])
    assert.equal(short.status, 504)
    assert.equal(long.status, 200)
    assert.equal(long.body, 'late')
  })
})

describe('whoever keeps the gateway waiting', { concurrency: true }, () => {
  test('a service that accepts and says nothing is 504', async (t) => {
    const world = await startBefore(t, () => undefined, { idleTimeoutSeconds: 1 })
    const [answer, upload] = await Promise.all([
      world.ask({ path: '/public' }),
      // Nobody reads it: the gateway can write no more.
      world.ask({ path: '/public', method: 'POST', body: Buffer.alloc(9_000_000) }),
    ])
    assert.equal(answer.status, 504)
    assert.equal(answer.json()['code'], 'upstream-timeout')
    assert.equal(upload.status, 504)
  })

  test('a service that falls silent inside its answer is cut', async (t) => {
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'
    const world = await startBefore(t, answering(half), { idleTimeoutSeconds: 1 })
    const raw = await sendRaw(world.port, get)
    assert.match(raw, /hello$/)
    assert.match(world.log(), /UND_ERR_BODY_TIMEOUT/)
  })

  test('headers that come too slowly are 408', async (t) => {
    const { port, service } = await startWorld(t, {
      file: () => ({ limits: { headersTimeoutSeconds: 1 } }),
    })
    const [slow, silent] = await Promise.all([
      sendRaw(port, 'GET /public HTTP/1.1\r\nHost: a\r\n'),
      sendRaw(port, ''),
    ])
    for (const raw of [slow, silent]) {
      assert.deepEqual(statusesIn(raw), [408])
      assert.match(raw, /^content-type: application\/problem\+json\r$/m)
    }
    assert.equal(service.requests.length, 0)
  })

  test('a connection is usable after a refusal when the rest of the body comes', async (t) => {
    const { port } = await startWorld(t)
    const socket = await openSocket(port)
    socket.write('POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello')
    await readUntil(socket, '"missing-token"')
    socket.write(`world${get}`)
    assert.deepEqual(statusesIn(await readUntil(socket, '{"ok":true}')), [200])
  })

  test('a refused body that does not end is cut after a while', async (t) => {
    const { port } = await startWorld(t)
    const socket = await openSocket(port)
    socket.write('POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello')
    await readUntil(socket, '"missing-token"')
    const startedMs = performance.now()
    socket.resume()
    await once(socket, 'close')
    assert.ok(performance.now() - startedMs < 4000)
  })
})
