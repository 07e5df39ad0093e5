import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { connect as openSession } from 'node:http2'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { answerOf, askOver, openHttp2 } from './http2-client.ts'
import { startHttp2World } from './http2-world.ts'
import { openSecurely } from './tls-client.ts'
import { pathsOf } from './tls-files.ts'
import { waitUntil } from './wait-until.ts'

test('clients choose HTTP/2 or HTTP/1.1, and no WebSocket is offered over HTTP/2', async (t) => {
  const world = await startHttp2World(t)
  for (const [offered, chosen] of [
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
  ] as const) {
    const socket = await openSecurely(world.port, { ALPNProtocols: [...offered] })
    assert.equal(socket.alpnProtocol, chosen)
    socket.destroy()
  }
  const session = await openHttp2(t, world)
  await once(session, 'remoteSettings')
  assert.equal(session.remoteSettings.enableConnectProtocol, false)
})

test('a client that leaves without a word is no failure', async (t) => {
  const world = await startHttp2World(t)
  for (let n = 0; n < 3; n += 1) {
    const socket = connect(world.port, '127.0.0.1')
    const secured = await openSecurely(world.port, { socket, ALPNProtocols: ['h2'] })
    const session = openSession('https://localhost', { createConnection: () => secured })
    session.on('error', () => undefined)
    assert.equal((await askOver(session, { headers: { ':path': '/public/1' } })).status, 200)
    socket.resetAndDestroy()
    await once(session, 'close')
  }
  await setTimeout(100)
  assert.doesNotMatch(world.log(), /a connection of HTTP\/2 failed/)
})

test('a request over HTTP/2 is judged, and forwarded as one over HTTP/1.1 would be', async (t) => {
  const world = await startHttp2World(t, { identityHeaders: { subject: 'X-Auth-Subject' } })
  const { issuer, service, log } = world
  const session = await openHttp2(t, world)
  const refused = await askOver(session, { headers: { ':path': '/orders/1' } })
  assert.equal(refused.status, 401)
  assert.match(String(refused.headers['content-type']), /^application\/problem\+json/)
  assert.match(String(refused.headers['www-authenticate']), /^Bearer /)
  assert.equal(refused.headers['connection'], undefined)
  const token = issuer.mint({ sub: 'alice' })
  const answer = await askOver(session, {
    token,
    body: 'a body',
    headers: {
      ':method': 'POST',
      ':path': '/orders/1?a=%20b',
      ':authority': 'shop.example',
      cookie: ['a=1', 'b=2'],
      'x-auth-subject': 'root',
      'x-forwarded-for': '10.0.0.1',
      te: 'trailers',
      'accept-language': 'de',
    },
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.body, '{"ok":true}')
  const [request] = service.requests
  assert.equal(request?.method, 'POST')
  assert.equal(request.target, '/orders/1?a=%20b')
  assert.equal(request.body, 'a body')
  const expected: Readonly<Record<string, readonly string[]>> = {
    host: ['shop.example'],
    authorization: [`Bearer ${token}`],
    cookie: ['a=1; b=2'],
    'x-auth-subject': ['alice'],
    'x-forwarded-for': ['127.0.0.1'],
    'x-forwarded-proto': ['https'],
    'x-forwarded-host': ['shop.example'],
    'accept-language': ['de'],
    via: ['2.0 portcullis'],
    'transfer-encoding': ['chunked'],
    te: [],
    ':path': [],
  }
  for (const [name, values] of Object.entries(expected)) {
    assert.deepEqual(request.all(name), values, name)
  }
  const lines = log()
    .split('\n')
    .filter((line) => line.includes('"msg":"request"'))
  assert.equal(lines.length, 2)
  assert.match(lines[1] ?? '', /"method":"POST","route":"\/orders\/\*","status":200,/)
  assert.match(lines[1] ?? '', /"subject":"alice","complete":true/)
})

test('answers come as the service has given them, without what ends at this hop', async (t) => {
  const world = await startHttp2World(
    t,
    { listen: { port: 0, tls: { ...pathsOf('service'), hsts: { maxAgeSeconds: 60 } } } },
    {
      service: (request, response) => {
        if (request.url === '/public/none') response.writeHead(204).end()
        else if (request.url === '/public/same') response.writeHead(304, { etag: '"a"' }).end()
        else {
          const fields = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'X-Latin', 'caf\u00e9']
          const twice = ['Location', '/a', 'Keep-Alive', 'timeout=9', 'X-Auth-Subject', 'root']
          response.writeHead(201, [...fields, ...twice])
          response.end('text')
        }
      },
    },
  )
  const session = await openHttp2(t, world)
  const { status, headers, body } = await askOver(session, { headers: { ':path': '/public' } })
  assert.equal(status, 201)
  assert.equal(body, 'text')
  assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
  assert.equal(headers['x-latin'], 'caf\u00e9')
  assert.equal(headers.location, '/a')
  assert.equal(headers['keep-alive'], undefined)
  assert.equal(headers['x-auth-subject'], undefined)
  assert.equal(headers['strict-transport-security'], 'max-age=60')
  const head = await askOver(session, { headers: { ':path': '/public', ':method': 'HEAD' } })
  assert.deepEqual([head.status, head.body], [201, ''])
  const none = await askOver(session, { headers: { ':path': '/public/none' } })
  assert.deepEqual([none.status, none.body], [204, ''])
  const same = await askOver(session, { headers: { ':path': '/public/same' } })
  assert.deepEqual([same.status, same.headers.etag], [304, '"a"'])
})

test('many requests at a time have one connection, and none waits for another', async (t) => {
  let held: ServerResponse | undefined
  const world = await startHttp2World(
    t,
    {},
    {
      service: (request, response) => {
        if (request.url === '/public/held') held = response
        else response.end(request.url)
      },
    },
  )
  const session = await openHttp2(t, world)
  const last = askOver(session, { headers: { ':path': '/public/held' } })
  const paths = Array.from({ length: 100 }, (_none, at) => `/public/${at}`)
  const answers = await Promise.all(
    paths.map((path) => askOver(session, { headers: { ':path': path } })),
  )
  assert.deepEqual(
    answers.map(({ body }) => body),
    paths,
  )
  held?.end('at last')
  assert.equal((await last).body, 'at last')
})

test('a large body goes each way whole', async (t) => {
  const world = await startHttp2World(
    t,
    {},
    { service: (request, response) => request.pipe(response) },
  )
  const session = await openHttp2(t, world)
  const body = Buffer.alloc(5_000_000, 'abcdefg')
  const stream = session.request({ ':path': '/public', ':method': 'POST' })
  stream.end(body)
  assert.ok((await buffer(stream)).equals(body))
})

test('a body that turns out to be empty is one', async (t) => {
  const world = await startHttp2World(t)
  const session = await openHttp2(t, world)
  const token = world.issuer.mint()
  for (const path of ['/public/1', '/orders/1']) {
    // By a frame of its own that has nothing in it, and not by the header.
    const answer = await askOver(session, { token, headers: { ':method': 'POST', ':path': path } })
    assert.equal(answer.status, 200)
    assert.equal(world.service.requests.at(-1)?.body, '')
  }
})

test('an upload whose service reads nothing is held back, and holds back no other', async (t) => {
  const world = await startHttp2World(
    t,
    {},
    {
      service: (request, response) => {
        if (request.url === '/public/other')
          request.resume().once('end', () => response.end('taken'))
      },
    },
  )
  const session = await openHttp2(t, world)
  const stream = session.request({ ':path': '/public', ':method': 'POST' })
  stream.on('error', () => undefined)
  let sent = 0
  const piece = Buffer.alloc(65_536)
  const push = (): void => {
    stream.write(piece, (error) => {
      sent += piece.length
      if (!error && sent < 100_000_000) push()
    })
  }
  push()
  await setTimeout(500)
  const before = sent
  await setTimeout(300)
  // What the sockets of this machine hold on the way to the service is not ours.
  assert.ok(sent === before && sent < 20_000_000, `${sent} bytes`)
  const other = session.request({ ':path': '/public/other', ':method': 'POST' })
  other.end(Buffer.alloc(3_000_000))
  assert.equal((await answerOf(other)).body, 'taken')
})

test('an answer that nobody reads is held back', async (t) => {
  let sent = 0
  const world = await startHttp2World(
    t,
    {},
    {
      service: (_request, response) => {
        const push = (): void => {
          sent += 65_536
          if (sent < 200_000_000 && response.write(Buffer.alloc(65_536))) setImmediate(push)
          else response.once('drain', push)
        }
        push()
      },
    },
  )
  const session = await openHttp2(t, world)
  const stream = session.request({ ':path': '/public' })
  await once(stream, 'response')
  stream.pause()
  await setTimeout(500)
  const before = sent
  await setTimeout(300)
  assert.ok(sent === before && sent < 20_000_000, `${sent} bytes`)
})

test('a client that leaves ends the request to the service', async (t) => {
  let requests = 0
  const gone: string[] = []
  const world = await startHttp2World(
    t,
    {},
    {
      service: (request, response) => {
        requests += 1
        request.resume().once('error', () => gone.push(`${request.url} request`))
        response.once('close', () => gone.push(`${request.url} answer`))
        if (request.url === '/public/begun') response.write('begun')
      },
    },
  )
  const session = await openHttp2(t, world)
  const upload = session.request({ ':path': '/public/upload', ':method': 'POST' })
  upload.write('half')
  const begun = session.request({ ':path': '/public/begun' })
  const waiting = session.request({ ':path': '/public/waiting' })
  await once(begun, 'data')
  await waitUntil(() => requests === 3, 'all are at the service')
  // Not by `close`, which would end the upload first.
  for (const stream of [upload, begun, waiting])
    stream.on('error', () => undefined).destroy(new Error('gone'))
  await waitUntil(() => gone.length >= 4, 'the service sees that they are gone')
  await setTimeout(200)
  assert.deepEqual(gone.toSorted(), [
    '/public/begun answer',
    '/public/upload answer',
    '/public/upload request',
    '/public/waiting answer',
  ])
  assert.match(world.log(), /"status":499|"complete":false/)
})

async function errorOf(stream: ClientHttp2Stream): Promise<string> {
  const [error] = (await Promise.race([
    once(stream, 'error'),
    once(stream, 'end').then(() => ['a clean end']),
  ])) as [unknown]
  return error instanceof Error ? error.message : String(error)
}

test('an answer that its service breaks off never looks whole', async (t) => {
  const world = await startHttp2World(
    t,
    {},
    {
      service: (_request, response) => {
        response.write('half')
        void setTimeout(50).then(() => response.destroy())
      },
    },
  )
  const session = await openHttp2(t, world)
  const stream = session.request({ ':path': '/public' }).resume()
  assert.match(await errorOf(stream), /NGHTTP2_INTERNAL_ERROR/)
})

test('an answer that cannot be said in HTTP/2 is 502', async (t) => {
  const world = await startHttp2World(
    t,
    {},
    { service: (_request, response) => response.writeHead(799).end('what') },
  )
  const session = await openHttp2(t, world)
  const { status, body } = await askOver(session, { headers: { ':path': '/public' } })
  assert.equal(status, 502)
  assert.match(body, /"code":"upstream-unreachable"/)
})

test('an answer that comes before the body is whole reaches the client, who then sends no more', async (t) => {
  const world = await startHttp2World(
    t,
    {},
    {
      service: (_request, response) => {
        response.writeHead(409).end(Buffer.alloc(300_000, 'a'))
      },
    },
  )
  const session = await openHttp2(t, world)
  const stream = session.request({ ':path': '/public', ':method': 'POST' })
  const ended = once(stream, 'close')
  stream.write(Buffer.alloc(1000))
  const { status, body } = await answerOf(stream)
  assert.deepEqual([status, body.length], [409, 300_000])
  await ended
  assert.equal(stream.rstCode, 0)
  assert.equal((await askOver(session, { headers: { ':path': '/nowhere' } })).status, 404)
})

test('the limits of bodies hold, and who waits for 100 gets it', async (t) => {
  const world = await startHttp2World(t, { limits: { bodyBytes: 1000 } })
  const { service } = world
  const session = await openHttp2(t, world)
  const post = { ':path': '/public', ':method': 'POST' }
  const told = { ...post, 'content-length': '1001' }
  assert.equal((await askOver(session, { headers: told, body: Buffer.alloc(1001) })).status, 413)
  assert.equal((await askOver(session, { headers: post, body: Buffer.alloc(1001) })).status, 413)
  assert.equal((await askOver(session, { headers: post, body: Buffer.alloc(1000) })).status, 200)
  assert.equal(service.requests.length, 1)
  const stream = session.request({ ...post, expect: '100-continue' })
  await once(stream, 'continue')
  stream.end('now')
  assert.equal((await answerOf(stream)).status, 200)
  assert.equal(service.requests[1]?.body, 'now')
  const impatient = session.request({ ...post, ':path': '/orders', expect: '100-continue' })
  impatient.once('continue', () => assert.fail('a request that is refused is not waited for'))
  assert.equal((await answerOf(impatient)).status, 401)
})

test('what lasts ends with its token, as an error and not as an end', async (t) => {
  const sid = 'A'.repeat(22)
  const world = await startHttp2World(
    t,
    {},
    {
      service: (_request, response) => {
        const timer = setInterval(() => response.write('data: 1\n\n'), 50)
        response.once('close', () => clearInterval(timer))
      },
    },
  )
  const session = await openHttp2(t, world)
  const stream = session.request({
    ':path': '/orders',
    authorization: `Bearer ${world.issuer.mint({ sid })}`,
  })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  assert.equal(headers[':status'], 200)
  stream.resume()
  await setTimeout(2500)
  world.issuer.revoke({ sid })
  assert.match(await errorOf(stream), /NGHTTP2_INTERNAL_ERROR/)
  assert.match(world.log(), /"reason":"revoked"/)
})
