import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as startRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createLog, StartError } from '@portcullis/runtime'
import { parseGatewaySettings, startGateway } from '../src/index.ts'
import { openSocket, readUntil, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

test('a stop lets the request under way end, and takes no new one', async (t) => {
  let waiting: ServerResponse | undefined
  const { port, close } = await startWorld(t, {
    service: (_request, response) => {
      response.write('begun ')
      waiting = response
    },
  })
  const idle = await openSocket(port)
  const request = startRequest({ port, path: '/public' }).end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  const closed = close()
  await once(idle.resume(), 'close')
  await assert.rejects(once(startRequest({ port, path: '/public' }).end(), 'response'))
  const endedMs = performance.now()
  waiting?.end('ended')
  assert.equal(await text(answer), 'begun ended')
  await closed
  // The client would have kept its connection, and the stop does not wait for it.
  assert.ok(performance.now() - endedMs < 3000)
})

test('a connection that is kept alive does not hold up a stop', async (t) => {
  const { port, close } = await startWorld(t)
  const socket = await openSocket(port)
  socket.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.deepEqual(statusesIn(await readUntil(socket, '{"ok":true}')), [200])
  const startedMs = performance.now()
  await Promise.all([close(), once(socket.resume(), 'close')])
  assert.ok(performance.now() - startedMs < 3000)
  await close()
})

test('a port that is in use is a StartError', async (t) => {
  const { port } = await startWorld(t)
  const settings = parseGatewaySettings({
    listen: { port },
    issuer: 'https://id.example',
    routes: [{ match: '/*', to: ['http://127.0.0.1:9'], auth: { mode: 'none' } }],
  })
  const log = createLog({ name: 'gateway', destination: { write: () => undefined } })
  await assert.rejects(startGateway(settings, { log }), StartError)
})

async function readiness(port: number | undefined): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
  const { status: state, ...rest } = (await response.json()) as { readonly status: string }
  return { status: response.status, state, ...rest }
}

test('a gateway that stops says that it is not ready, still serves for a while, and then takes nothing more', async (t) => {
  const { ask, close, port, operationsPort } = await startWorld(t, {
    file: () => ({ operations: { port: 0 }, stop: { notReadySeconds: 1 } }),
  })
  assert.deepEqual(await readiness(operationsPort), { status: 200, state: 'ok' }, 'at first')
  const startedMs = performance.now()
  const closed = close()
  assert.deepEqual(await readiness(operationsPort), {
    status: 503,
    state: 'not-ready',
    missing: ['stopping'],
  })
  const served = await ask({ path: '/public' })
  assert.equal(served.status, 200)
  assert.equal(served.headers.connection, 'close')
  await closed
  assert.ok(performance.now() - startedMs >= 990)
  await assert.rejects(once(startRequest({ port, path: '/public' }).end(), 'response'))
})

test('an answer that begins during a stop tells that its connection ends', async (t) => {
  const waiting: ServerResponse[] = []
  const { port, close } = await startWorld(t, {
    service: (_request, response) => void waiting.push(response),
  })
  const socket = await openSocket(port)
  socket.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
  while (waiting.length === 0) await setTimeout(2)
  const closed = close()
  waiting[0]?.end('late')
  const answer = await readUntil(socket, 'late')
  assert.deepEqual(statusesIn(answer), [200])
  assert.match(answer, /^connection: close\r$/im)
  await closed
})

test('a request that does not end holds up a stop for as long as the file says', async (t) => {
  const { port, close, service } = await startWorld(t, {
    service: () => undefined,
    file: () => ({ stop: { drainSeconds: 1 } }),
  })
  const socket = await openSocket(port)
  socket.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(service.server, 'request')
  const startedMs = performance.now()
  await Promise.all([close(), once(socket.resume(), 'close')])
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs >= 990 && tookMs < 3000, `${tookMs} ms`)
})
