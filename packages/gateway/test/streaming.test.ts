import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { request as startRequest } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSocket, readUntil, sendRaw, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

const mebibyte = 1024 * 1024
const large = 64 * mebibyte
/** Well before any idle limit would close the connections as well. */
const soon = { timeout: 5000 }

/** A service whose requests the test answers itself, when it wants. */
function createManualService(): {
  readonly listener: RequestListener
  readonly next: () => Promise<{ request: IncomingMessage; response: ServerResponse }>
} {
  const waiting: ((exchange: { request: IncomingMessage; response: ServerResponse }) => void)[] = []
  const arrived: { request: IncomingMessage; response: ServerResponse }[] = []
  return {
    listener: (request, response) => {
      const take = waiting.shift()
      if (take === undefined) arrived.push({ request, response })
      else take({ request, response })
    },
    next: async () => {
      const exchange = arrived.shift()
      return exchange ?? new Promise((resolve) => waiting.push(resolve))
    },
  }
}

test('the answer begins before the upload ends', async (t) => {
  const service = createManualService()
  const { port } = await startWorld(t, { service: service.listener })
  const socket = await openSocket(port)
  const frame = 'POST /public HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  socket.write(`${frame}5\r\nfirst\r\n`)
  const { request, response } = await service.next()
  const [piece] = (await once(request, 'data')) as [Buffer]
  assert.equal(piece.toString(), 'first')
  response.write('early')
  assert.match(await readUntil(socket, 'early'), /^HTTP\/1\.1 200 /)
  assert.equal(request.complete, false)
  socket.write('4\r\nlast\r\n0\r\n\r\n')
  await once(request, 'end')
  response.end('late')
  await readUntil(socket, 'late\r\n0\r\n\r\n')
  socket.destroy()
})

test('server-sent events arrive one by one, and their headers before the first', async (t) => {
  const service = createManualService()
  const { port } = await startWorld(t, { service: service.listener })
  const socket = await openSocket(port)
  socket.write('GET /public/events HTTP/1.1\r\nHost: a\r\n\r\n')
  const { response } = await service.next()
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'X-Name': '\xe9' })
  response.write(Buffer.alloc(0))
  assert.match(await readUntil(socket, '\r\n\r\n'), /^X-Name: \xe9\r$/m)
  for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
    response.write(event)
    await readUntil(socket, event)
  }
  response.end()
  await readUntil(socket, '0\r\n\r\n')
  socket.destroy()
})

test('a large upload to a slow service is held back at the client', async (t) => {
  const service = createManualService()
  const { port } = await startWorld(t, {
    service: service.listener,
    file: () => ({ limits: { bodyBytes: large } }),
  })
  const upload = startRequest({
    port,
    path: '/public',
    method: 'POST',
    headers: { 'content-length': String(large) },
  })
  const sent = trickle(upload, large)
  const { request, response } = await service.next()
  const taken = await untilStill(() => sent.bytes)
  assert.ok(taken < large / 2, `${taken} bytes were taken while nobody read`)

  let received = 0
  let mostUnderWay = 0
  let pauseAt = 0
  for await (const piece of request) {
    received += (piece as Buffer).length
    // Bounds what the gateway holds: it includes the buffers of four sockets.
    mostUnderWay = Math.max(mostUnderWay, sent.bytes - received)
    if (received < pauseAt) continue
    pauseAt += 4 * mebibyte
    await sleep(5)
  }
  assert.equal(received, large)
  assert.ok(mostUnderWay < large / 2, `${mostUnderWay} bytes were under way`)
  response.end('done')
  const [answer] = (await once(upload, 'response')) as [IncomingMessage]
  assert.equal(answer.statusCode, 200)
  answer.resume()
})

test('a large answer to a slow client is held back at the service', async (t) => {
  const service = createManualService()
  const { port } = await startWorld(t, { service: service.listener })
  const download = startRequest({ port, path: '/public', agent: false })
  download.end()
  const { response } = await service.next()
  response.writeHead(200, { 'content-length': String(large) })
  const sent = trickle(response, large)
  const [answer] = (await once(download, 'response')) as [IncomingMessage]
  const taken = await untilStill(() => sent.bytes)
  assert.ok(taken < large / 2, `${taken} bytes were taken while nobody read`)
  let received = 0
  for await (const piece of answer) received += (piece as Buffer).length
  assert.equal(received, large)
})

test(
  'a client that leaves during its upload cancels the request to the service',
  soon,
  async (t) => {
    const service = createManualService()
    const { port } = await startWorld(t, { service: service.listener })
    const socket = await openSocket(port)
    const frame = 'POST /public HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
    socket.write(`${frame}5\r\nhello\r\n`)
    const { request } = await service.next()
    const failed = once(request, 'end').catch((error: unknown) => error)
    request.resume()
    socket.destroy()
    assert.ok((await failed) instanceof Error, 'half a body must not look whole')
  },
)

test(
  'a client that leaves during the answer cancels the request to the service',
  soon,
  async (t) => {
    const service = createManualService()
    const { port, log } = await startWorld(t, { service: service.listener })
    const socket = await openSocket(port)
    socket.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
    const { response } = await service.next()
    response.write('hello')
    await readUntil(socket, 'hello')
    const closed = once(response, 'close')
    socket.destroy()
    await closed
    assert.equal(response.writableFinished, false)
    assert.match(log(), /"status":200,.*"complete":false/)
    assert.doesNotMatch(log(), /the upstream failed/)
  },
)

test(
  'a client that leaves before the answer cancels the request to the service',
  soon,
  async (t) => {
    const service = createManualService()
    const { port } = await startWorld(t, { service: service.listener })
    const socket = await openSocket(port)
    socket.write('GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
    const { response } = await service.next()
    const closed = once(response, 'close')
    socket.destroy()
    await closed
  },
)

test('a body that is too large is refused by its length before the service hears of it', async (t) => {
  const { ask, port, service } = await startWorld(t, {
    file: () => ({ limits: { bodyBytes: 1000 } }),
  })
  const path = '/public'
  const refused = await ask({ method: 'POST', path, body: 'x'.repeat(1001) })
  assert.equal(refused.status, 413)
  assert.equal(refused.json()['code'], 'too-large')
  const frame = 'POST /public HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n'
  const unasked = await sendRaw(port, `${frame}Expect: 100-continue\r\n\r\n`)
  assert.deepEqual(statusesIn(unasked), [413], 'the body is not asked for')
  assert.equal(service.requests.length, 0)
  assert.equal((await ask({ method: 'POST', path, body: 'x'.repeat(1000) })).status, 200)
})

test('a chunked body that grows too large is refused on its way', async (t) => {
  const { port, service } = await startWorld(t, {
    file: () => ({ limits: { bodyBytes: 1000 } }),
  })
  const frame =
    'POST /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
  const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
  const refused = await sendRaw(port, `${frame}${chunk}${chunk}1\r\nx\r\n0\r\n\r\n`)
  assert.deepEqual(statusesIn(refused), [413])
  assert.equal(service.requests.length, 0)
  const whole = await sendRaw(port, `${frame}${chunk}${chunk}0\r\n\r\n`)
  assert.deepEqual(statusesIn(whole), [200])
})

test('an answer before the end of the upload reaches the client, and the rest is not kept', async (t) => {
  const { port } = await startWorld(t, {
    service: (_request, response) => {
      response.writeHead(403, { 'content-length': '2' }).end('no')
    },
  })
  const upload = startRequest({
    port,
    path: '/public',
    method: 'POST',
    agent: false,
    headers: { 'content-length': String(9 * mebibyte) },
  })
  trickle(upload, 9 * mebibyte)
  const [answer] = (await once(upload, 'response')) as [IncomingMessage]
  assert.equal(answer.statusCode, 403)
  answer.resume()
  await once(answer, 'end')
})

test('HEAD, 204 and 304 have no body and keep the connection usable', async (t) => {
  const { port } = await startWorld(t, {
    service: (request, response) => {
      const status = Number(request.url?.slice(-3))
      response.writeHead(status, status === 204 ? {} : { 'content-length': '5', etag: '"a"' })
      response.end(request.method === 'HEAD' || status === 304 ? undefined : 'hello')
    },
  })
  const raw = await sendRaw(
    port,
    'HEAD /public/200 HTTP/1.1\r\nHost: a\r\n\r\n' +
      'GET /public/204 HTTP/1.1\r\nHost: a\r\n\r\n' +
      'GET /public/304 HTTP/1.1\r\nHost: a\r\n\r\n' +
      'GET /public/200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.deepEqual(statusesIn(raw), [200, 204, 304, 200])
  assert.equal(raw.match(/hello/g)?.length, 1)
  const [head = '', noContent = '', notModified = ''] = raw.split(/(?=HTTP\/1\.1 )/)
  assert.match(head, /^content-length: 5\r$/m)
  assert.doesNotMatch(noContent, /^(?:content-length|transfer-encoding):/im)
  assert.match(notModified, /^etag: "a"\r$/m)
})

/** Writes so many bytes as fast as the other side takes them. */
function trickle(
  target: NodeJS.WritableStream & { readonly destroyed?: boolean },
  bytes: number,
): { readonly bytes: number } {
  const piece = Buffer.alloc(64 * 1024)
  const sent = { bytes: 0 }
  const write = (): void => {
    while (sent.bytes < bytes) {
      sent.bytes += piece.length
      if (!target.write(piece)) {
        target.once('drain', write)
        return
      }
    }
    target.end()
  }
  target.on('error', () => {
    sent.bytes = bytes
  })
  write()
  return sent
}

/** Waits until a number has stood still for a while, and answers it. */
async function untilStill(read: () => number): Promise<number> {
  let last = -1
  while (last !== read()) {
    last = read()
    await sleep(150)
  }
  return last
}

test('a route may take larger or smaller bodies than the others', async (t) => {
  const { ask, service } = await startWorld(t, {
    file: (to) => ({
      limits: { bodyBytes: 10 },
      routes: [
        { match: '/large', to, auth: { mode: 'none' }, limits: { bodyBytes: 20 } },
        { match: '/none', to, auth: { mode: 'none' }, limits: { bodyBytes: 0 } },
        { match: '/*', to, auth: { mode: 'none' } },
      ],
    }),
  })
  const statusOf = async (path: string, bytes: number): Promise<number> =>
    (await ask({ path, method: 'POST', body: 'x'.repeat(bytes) })).status
  assert.equal(await statusOf('/large', 20), 200)
  assert.equal(await statusOf('/large', 21), 413)
  assert.equal(await statusOf('/none', 1), 413)
  assert.equal(await statusOf('/other', 10), 200)
  assert.equal(await statusOf('/other', 11), 413)
  const chunked = await ask({
    path: '/none',
    method: 'POST',
    headers: ['Transfer-Encoding', 'chunked'],
  })
  assert.equal(chunked.status, 200)
  assert.deepEqual(
    service.requests.map(({ body }) => body.length),
    [20, 10, 0],
  )
})
