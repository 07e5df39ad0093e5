import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLog, listen } from '@portcullis/runtime'
import { createGatewayServer, drainServer } from '../src/server.ts'
import { openSocket, readUntil, sendRaw, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

const smuggled = 'GET /public/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

/**
 * Headers and body of a POST that two servers could frame differently, or that has no frame at all.
 */
const misframed: Readonly<Record<string, string>> = {
  'length and chunked': `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'chunked and length': `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${smuggled}`,
  'two lengths': `Content-Length: 0\r\nContent-Length: 44\r\n\r\n${smuggled}`,
  'the same length twice': `Content-Length: 0\r\nContent-Length: 0\r\n\r\n`,
  'a list of lengths': `Content-Length: 0, 0\r\n\r\n`,
  'a signed length': `Content-Length: +0\r\n\r\n${smuggled}`,
  'a negative length': `Content-Length: -1\r\n\r\n${smuggled}`,
  'a hexadecimal length': `Content-Length: 0x0\r\n\r\n${smuggled}`,
  'an empty length': `Content-Length:\r\n\r\n${smuggled}`,
  'a length beyond all bounds': `Content-Length: 99999999999999999999\r\n\r\n${smuggled}`,
  'chunked twice': `Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunked, identity': `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
  'identity, chunked': `Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n`,
  'gzip, chunked': `Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  xchunked: `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'chunked with a quote': `Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${smuggled}`,
  'chunked after a vertical tab': `Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a space before the colon': `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a folded coding': `Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  'a folded line': `X-A: b\r\n Content-Length: 5\r\n\r\n`,
  'a line that begins with a space': ` X-A: b\r\n\r\n`,
  'a bare LF': `X-A: b\nContent-Length: 5\r\n\r\n`,
  'a bare CR': `X-A: b\rContent-Length: 5\r\n\r\n`,
  'an empty name': `: b\r\n\r\n`,
  'a space in a name': `X A: b\r\n\r\n`,
  'a NUL in a value': `X-A: b\0c\r\n\r\n`,
  'a control character in a value': `X-A: b\x01c\r\n\r\n`,
  'an octet outside ASCII in a name': `X-\xe9: b\r\n\r\n`,
  'a second host': `Host: b\r\n\r\n`,
  'a second content type': `Content-Type: text/plain\r\nContent-Type: application/json\r\n\r\n`,
  'a chunk size that overflows': `Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n`,
  'a chunk size with a sign': `Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n`,
  'a chunk size with a space': `Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n`,
  'a chunk size line that ends with LF': `Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n`,
  'a chunk longer than its size': `Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n`,
  'an upgrade to h2c': `Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n`,
  'an upgrade to a web socket': `Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
}

test('a request that can be framed in two ways is refused, and nothing follows it', async (t) => {
  const { port, service } = await startWorld(t)
  const shapes = Object.entries(misframed)
  assert.ok(shapes.length >= 30)
  for (const [name, rest] of shapes) {
    const raw = await sendRaw(port, `POST /public HTTP/1.1\r\nHost: a\r\n${rest}`)
    assert.deepEqual(statusesIn(raw), [400], name)
    assert.match(raw, /^connection: close\r$/im, name)
    assert.match(raw, /^content-type: application\/problem\+json\r$/m, name)
    assert.match(raw, /^cache-control: no-store\r$/m, name)
  }
  assert.equal(service.requests.length, 0)
})

const hosts = [
  '',
  'a, b',
  'a b',
  'user@a',
  'a/b',
  'a:x',
  'a:123456',
  'http://a',
  '[::1',
  '[x]',
  'ä',
  'a.',
  'a.:80',
]

test('a host that is missing or no host is refused', async (t) => {
  const { port, service } = await startWorld(t)
  for (const host of hosts) {
    const frame = 'GET /public HTTP/1.1\r\nConnection: close\r\n'
    const raw = await sendRaw(port, `${frame}Host: ${host}\r\n\r\n`)
    assert.deepEqual(statusesIn(raw), [400], host)
  }
  for (const version of ['1.0', '1.1']) {
    const raw = await sendRaw(port, `GET /public HTTP/${version}\r\nConnection: close\r\n\r\n`)
    assert.deepEqual(statusesIn(raw), [400], version)
  }
  assert.equal(service.requests.length, 0)
  for (const host of ['a', 'A.example:80', '[::1]:8080', '127.0.0.1']) {
    const raw = await sendRaw(
      port,
      `GET /public HTTP/1.1\r\nConnection: close\r\nHost: ${host}\r\n\r\n`,
    )
    assert.deepEqual(statusesIn(raw), [200], host)
    assert.deepEqual(service.requests.splice(0)[0]?.all('Host'), [host])
  }
})

test('other versions, unknown methods, CONNECT and what is no HTTP are refused', async (t) => {
  const { port, service } = await startWorld(t)
  const rest = 'Host: a\r\nConnection: close\r\n\r\n'
  const refused = [
    `GET /public HTTP/2.0\r\n${rest}`,
    'GET /public\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    `get /public HTTP/1.1\r\n${rest}`,
    `FOO /public HTTP/1.1\r\n${rest}`,
    `CONNECT a:443 HTTP/1.1\r\n${rest}`,
    `CONNECT /public HTTP/1.1\r\n${rest}`,
    '\x16\x03\x01\x02\x00\x01',
    `POST /public HTTP/1.0\r\nTransfer-Encoding: chunked\r\n${rest}0\r\n\r\n`,
  ]
  for (const octets of refused) {
    assert.deepEqual(statusesIn(await sendRaw(port, octets)), [400], octets)
  }
  assert.equal(service.requests.length, 0)
  const old = await sendRaw(port, 'GET /public HTTP/1.0\r\nHost: a\r\n\r\n')
  assert.deepEqual(statusesIn(old), [200])
})

test('a body arrives whole, however its length is told', async (t) => {
  const { port, service } = await startWorld(t)
  const frames: Readonly<Record<string, string>> = {
    'Content-Length: 5': 'hello',
    'Content-Length: 005': 'hello',
    'Transfer-Encoding: chunked': '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    'Transfer-Encoding: CHUNKED': '5;extension=1\r\nhello\r\n0\r\nX-Trailer: a\r\n\r\n',
  }
  for (const [header, body] of Object.entries(frames)) {
    for (const method of ['POST', 'DELETE', 'GET']) {
      const frame = `${method} /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${header}`
      const raw = await sendRaw(port, `${frame}\r\n\r\n${body}`)
      assert.deepEqual(statusesIn(raw), [200], header)
      const [request] = service.requests.splice(0)
      assert.equal(request?.body, 'hello', `${method} ${header}`)
      assert.deepEqual(request.all('X-Trailer'), [])
      const isSized = header.startsWith('Content')
      assert.deepEqual(request.all('Content-Length'), isSized ? ['5'] : [])
      assert.deepEqual(request.all('Transfer-Encoding'), isSized ? [] : ['chunked'])
    }
  }
})

test('requests on one connection are answered in turn, refused ones among them', async (t) => {
  const { port, service } = await startWorld(t)
  const raw = await sendRaw(
    port,
    'GET /public/1 HTTP/1.1\r\nHost: a\r\n\r\n' +
      'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc' +
      'GET /public/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.deepEqual(statusesIn(raw), [200, 401, 200])
  assert.deepEqual(
    service.requests.map(({ target }) => target),
    ['/public/1', '/public/2'],
  )
})

test('requests on one connection are obeyed one after the other, in their order', async (t) => {
  const underWay: string[] = []
  const { port, issuer } = await startWorld(t, {
    service: ({ url = '' }, response) => {
      underWay.push(url)
      assert.equal(underWay.length, 1, underWay.join())
      setTimeout(() => {
        underWay.pop()
        response.end(`the answer to ${url}.`)
      }, 20)
    },
  })
  const token = `Authorization: Bearer ${issuer.mint()}\r\n`
  const raw = await sendRaw(
    port,
    `DELETE /orders/1 HTTP/1.1\r\nHost: a\r\n${token}\r\n` +
      'PUT /public/2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi' +
      `GET /orders/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${token}\r\n`,
  )
  assert.deepEqual(raw.match(/the answer to [^.]+/g), [
    'the answer to /orders/1',
    'the answer to /public/2',
    'the answer to /orders/3',
  ])
})

// RFC 9112 section 9.6. What a server in front took for a part of the body is a request here.
test('behind an answer that ends its connection nothing is obeyed', async (t) => {
  const { port, obeyed } = await startNoting(t)
  // So that there is a connection to the service, which takes a request at once.
  await sendRaw(port, smuggled.replace('\r\n', '\r\nConnection: close\r\n'))
  assert.equal(obeyed.splice(0).length, 1)
  const endings = {
    'a coding of two entries': 'Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n',
    'two content types': 'Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n',
    'another expectation': 'Expect: x\r\n\r\n',
    'no host': 'Host: b c\r\n\r\n',
    'too many headers': `${'X-A: b\r\n'.repeat(101)}\r\n`,
  }
  for (const [name, rest] of Object.entries(endings)) {
    const host = name === 'no host' ? '' : 'Host: a\r\n'
    const raw = await sendRaw(port, `POST /public HTTP/1.1\r\n${host}${rest}${smuggled}${smuggled}`)
    assert.equal(statusesIn(raw).length, 1, name)
    assert.match(raw, /^connection: close\r$/im, name)
    await sleep(20)
    assert.deepEqual(obeyed, [], name)
  }
})

test('of two things that an old client says about its connection, the end counts', async (t) => {
  let obeyed = 0
  const { port } = await startWorld(t, {
    service: (_request, response) => {
      obeyed += 1
      response.end('ok')
    },
  })
  for (const last of ['close, keep-alive', 'keep-alive\r\nConnection: X-A, Close']) {
    const get = `GET /public HTTP/1.0\r\nHost: a\r\nConnection: ${last}\r\n\r\n`
    const raw = await sendRaw(port, `${get}${smuggled}`)
    assert.match(raw, /^connection: close\r$/im)
    assert.deepEqual(statusesIn(raw), [200])
  }
  assert.equal(obeyed, 2)
  const kept = 'GET /public HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n'
  const end = 'GET /public HTTP/1.0\r\nHost: a\r\n\r\n'
  assert.deepEqual(statusesIn(await sendRaw(port, `${kept}${end}`)), [200, 200])
})

test('a CONNECT behind another request is not answered in its place', async (t) => {
  const { port } = await startWorld(t, {
    service: (_request, response) => setTimeout(() => response.end('obeyed'), 100),
  })
  const get = 'GET /public HTTP/1.1\r\nHost: a\r\n\r\n'
  assert.equal(await sendRaw(port, `${get}CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n`), '')
})

test('a request that was answered before its body breaks has one answer', async (t) => {
  const { port } = await startWorld(t)
  const socket = await openSocket(port)
  socket.write('POST //public HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na')
  assert.match(await readUntil(socket, '"code"'), /^HTTP\/1\.1 400 /)
  const rest = text(socket)
  socket.end('b\r\n0\r\n')
  assert.doesNotMatch(await rest.catch(() => ''), /HTTP/)
})

test('what comes when the gateway has ended its side of a connection is not obeyed', async (t) => {
  const limits = {
    headerBytes: 16_384,
    headersTimeoutSeconds: 10,
    idleTimeoutSeconds: 60,
    requestTimeoutSeconds: 300,
    connections: 100,
  }
  const obeyed: (string | undefined)[] = []
  const log = createLog({ name: 'gateway', level: 'silent' })
  const server = createGatewayServer(limits, log, ({ url, socket }) => {
    obeyed.push(url)
    // As after the last answer, for as long as it takes to reach a client that reads slowly.
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  t.after(() => drainServer(server, 0))
  const port = await listen(server, { host: '127.0.0.1', port: 0 }, 'the test')
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => socket.destroy())
  socket.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket.resume(), 'end')
  socket.write(smuggled)
  await sleep(50)
  assert.deepEqual(obeyed, ['/first'])
})

test('garbage after a whole request is not answered in its place', async (t) => {
  const { port } = await startWorld(t, {
    service: (request, response) => {
      request.resume().on('end', () => setTimeout(() => response.end('obeyed'), 100))
    },
  })
  const post = 'POST /public HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'
  assert.equal(await sendRaw(port, `${post}garbage\r\n\r\n`), '')
})

test('a body that was announced is waited for only when somebody wants it', async (t) => {
  const { port, issuer, service } = await startWorld(t)
  const headers = 'HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n'

  // Refused: the final answer comes at once, and the connection with its unclear rest ends.
  const startedMs = performance.now()
  const refused = await sendRaw(port, `POST /orders ${headers}\r\n`)
  assert.ok(performance.now() - startedMs < 1800)
  assert.deepEqual(statusesIn(refused), [401])
  assert.match(refused, /^connection: close\r$/im)

  const socket = await openSocket(port)
  const authorization = `Authorization: Bearer ${issuer.mint()}\r\n`
  socket.write(`POST /orders ${headers}${authorization}Connection: close\r\n\r\n`)
  assert.match(await readUntil(socket, '\r\n\r\n'), /^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  socket.write('hi')
  assert.match(await readUntil(socket, '{"ok":true}'), /^HTTP\/1\.1 200 /)
  assert.equal(service.requests[0]?.body, 'hi')
  assert.deepEqual(service.requests[0].all('Expect'), [])
})

test('an expectation other than 100-continue is refused', async (t) => {
  const { port, service } = await startWorld(t)
  for (const value of ['200-ok', '100-continue, x', 'x 100-continue', '']) {
    const frame = 'POST /public HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n'
    const raw = await sendRaw(port, `${frame}Expect: ${value}\r\n\r\nhi`)
    assert.deepEqual(statusesIn(raw), [417], value)
  }
  assert.equal(service.requests.length, 0)
})

/** Before a service that notes what begins to reach it, whatever becomes of that. */
async function startNoting(t: TestContext): Promise<{ port: number; obeyed: string[] }> {
  const obeyed: string[] = []
  const { port } = await startWorld(t, {
    service: ({ url = '' }, response) => {
      obeyed.push(url)
      response.end()
    },
  })
  return { port, obeyed }
}
