import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createNetServer } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { PushAnswer } from '../src/domain/event-pushes.ts'
import type { EventStream } from '../src/domain/event-streams.ts'
import type { PushingParts } from '../src/webhooks/push-event.ts'
import { createPushEvent } from '../src/webhooks/push-event.ts'
import { createReachableAddresses } from '../src/webhooks/reachable-addresses.ts'
import { certificateOf, keyOf } from './tls-files.ts'

const localhost = createReachableAddresses(['127.0.0.0/8'])

async function startReceiver(t: TestContext, answer: RequestListener): Promise<number> {
  const server = createServer({ cert: certificateOf('first'), key: keyOf('first') }, answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function pushTo(endpointUrl: string, parts: Partial<PushingParts> = {}): Promise<PushAnswer> {
  const push = createPushEvent({
    addresses: localhost,
    resolve: async () => ['127.0.0.1'],
    open: (sealed) => ({ kind: 'opened', plaintext: `Bearer ${sealed}` }),
    signal: new AbortController().signal,
    ca: certificateOf('first').toString(),
    ...parts,
  })
  const delivery = { method: 'push', endpointUrl, sealedAuthorization: 'sealed' } as const
  return push({ id: 'a stream', delivery } as EventStream, 'a.b.c')
}

const take: RequestListener = (request, response) => {
  request.resume().once('end', () => response.writeHead(202).end())
}

test('a push goes over TLS to the name of the address, which must be proven', async (t) => {
  const seen: unknown[] = []
  const port = await startReceiver(t, (request, response) => {
    seen.push(request.headers.host, request.headers.authorization)
    take(request, response)
  })
  assert.deepEqual(await pushTo(`https://localhost:${port}/`), { kind: 'taken' })
  assert.deepEqual(seen, [`localhost:${port}`, 'Bearer sealed'])
  const other = await pushTo(`https://other.example:${port}/`)
  assert.equal(other.kind, 'unreachable')
  const unproven = await pushTo(`https://localhost:${port}/`, {
    ca: certificateOf('second').toString(),
  })
  assert.equal(unproven.kind, 'unreachable')
  assert.equal(seen.length, 2, 'something was sent to who has proven nothing')
})

test('a name that leads to where nothing may go leads nowhere, whatever else it leads to', async (t) => {
  let asked = 0
  const port = await startReceiver(t, (request, response) => {
    asked += 1
    take(request, response)
  })
  const publicOnly = createReachableAddresses([])
  for (const addresses of [
    ['127.0.0.1'],
    ['1.1.1.1', '127.0.0.1'],
    ['::1'],
    ['169.254.169.254'],
    [],
  ]) {
    const answer = await pushTo(`https://receiver.example:${port}/`, {
      addresses: publicOnly,
      resolve: async () => addresses,
    })
    assert.ok(answer.kind === 'unreachable', addresses.join())
    assert.match(answer.why, /not public|no address/)
  }
  const failed = await pushTo(`https://receiver.example:${port}/`, {
    resolve: () => Promise.reject(new Error('no DNS')),
  })
  assert.deepEqual(failed, { kind: 'unreachable', why: 'receiver.example cannot be resolved' })
  const literal = await pushTo(`https://127.0.0.1:${port}/`, { addresses: publicOnly })
  assert.equal(literal.kind, 'unreachable')
  assert.equal(asked, 0)
})

test('the name is asked once for each push, and the connection goes to what it answered', async (t) => {
  const port = await startReceiver(t, take)
  let asked = 0
  const answers = [['127.0.0.1'], ['10.0.0.1']]
  const resolve = async (): Promise<readonly string[]> => answers[asked++] ?? []
  assert.deepEqual(await pushTo(`https://localhost:${port}/`, { resolve }), { kind: 'taken' })
  assert.equal(asked, 1)
})

test('a redirect is followed nowhere', async (t) => {
  let asked = 0
  const port = await startReceiver(t, (_request, response) => {
    asked += 1
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  const answer = await pushTo(`https://localhost:${port}/`)
  assert.deepEqual(answer, { kind: 'refused', why: 'it answered 307', isFinal: false })
  assert.equal(asked, 1)
})

test('who hangs, trickles or answers without end is left', async (t) => {
  const hanging: readonly RequestListener[] = [
    () => undefined,
    (_request, response) => void response.writeHead(500).write('{'),
    (_request, response) => {
      const timer = setInterval(() => response.write(' '), 20)
      response.writeHead(400).once('close', () => clearInterval(timer))
    },
  ]
  for (const listener of hanging) {
    const port = await startReceiver(t, listener)
    const answer = await pushTo(`https://localhost:${port}/`, { timeoutMs: 200 })
    assert.equal(answer.kind, 'unreachable')
  }
  let written = 0
  const endless = await startReceiver(t, (_request, response) => {
    response.writeHead(400)
    const flood = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536))) written += 65_536
    }
    response.on('drain', flood)
    flood()
  })
  const answer = await pushTo(`https://localhost:${endless}/`)
  assert.deepEqual(answer, { kind: 'refused', why: 'it answered 400', isFinal: false })
  assert.ok(written < 64 * 1024 * 1024, `${written} octets were written`)
})

test('who answers with another protocol has given no answer', { timeout: 5_000 }, async (t) => {
  const server = createNetServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => {
        const fields = 'upgrade: websocket\r\nconnection: upgrade'
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n`)
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  assert.deepEqual(await pushTo(`http://localhost:${port}/`, { timeoutMs: 1_000 }), {
    kind: 'unreachable',
    why: 'it gave no answer',
  })
})

test('what is under way ends with the node', async (t) => {
  const port = await startReceiver(t, () => undefined)
  const closing = new AbortController()
  const pushing = pushTo(`https://localhost:${port}/`, { signal: closing.signal })
  setTimeout(() => closing.abort(), 50)
  assert.equal((await pushing).kind, 'unreachable')
})

test('a receiver that has no time says when it will, and is believed', async (t) => {
  const port = await startReceiver(t, (_request, response) => {
    response.writeHead(503, { 'retry-after': '120' }).end()
  })
  assert.deepEqual(await pushTo(`https://localhost:${port}/`), {
    kind: 'unreachable',
    why: 'it answered 503',
    retryAfterMs: 120_000,
  })
})
