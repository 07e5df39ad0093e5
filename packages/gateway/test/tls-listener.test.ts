import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { connect as connectPlainly } from 'node:net'
import { connect } from 'node:tls'
import { createLog, StartError } from '@portcullis/runtime'
import type { SecureVersion } from 'node:tls'
import { parseGatewaySettings, startGateway } from '../src/index.ts'
import { handshake, serveSockets } from './socket-world.ts'
import { namesShown, openSecurely, sendSecurely } from './tls-client.ts'
import type { PairPaths } from './tls-files.ts'
import { pathsOf } from './tls-files.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

const close = 'Connection: close\r\n\r\n'

/** Its routes are those of `startWorld`, and `/sockets/*`. */
function startSecureWorld(t: TestContext, tls: object = pathsOf('service')): Promise<World> {
  return startWorld(t, {
    file: (to) => ({
      listen: { port: 0, tls },
      routes: [
        { match: '/orders/*', to },
        { match: '/public/*', to, auth: { mode: 'none' } },
        { match: '/sockets/*', to, auth: { mode: 'none' }, upgrade: ['websocket'] },
      ],
    }),
  })
}

test('a request over TLS is judged and forwarded as any other, and the service is told https', async (t) => {
  const { port, issuer, service } = await startSecureWorld(t)
  const head = 'GET /orders/1 HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: http\r\n'
  assert.match(await sendSecurely(port, `${head}${close}`), /^HTTP\/1\.1 401 /)
  assert.equal(service.requests.length, 0)
  const answer = await sendSecurely(
    port,
    `${head}Authorization: Bearer ${issuer.mint()}\r\n${close}`,
  )
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  assert.ok(!/strict-transport-security/i.test(answer))
  assert.deepEqual(service.requests[0]?.all('x-forwarded-proto'), ['https'])
})

test('over TLS the parser and its limits are those of the plain listener', async (t) => {
  const { port, service } = await startSecureWorld(t)
  const cases: Readonly<Record<string, RegExp>> = {
    [`GET /public HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${close}`]:
      / 400 /,
    [`GET /public HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n${close}`]: / 431 /,
    [`GET /public HTTP/1.1\r\nHost: a\r\nHost: b\r\n${close}`]: / 400 /,
    [`GET /public/../orders HTTP/1.1\r\nHost: a\r\n${close}`]: / 400 /,
    'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n': / 400 /,
    // The preface of HTTP/2, which nobody has agreed on.
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n': / 400 /,
  }
  for (const [octets, status] of Object.entries(cases)) {
    const answer = await sendSecurely(port, octets)
    assert.match(answer, /^HTTP\/1\.1 [^]*application\/problem\+json/, octets)
    assert.match(answer.slice(0, 20), status, octets)
  }
  assert.equal(service.requests.length, 0)
})

test('TLS 1.2 and 1.3 are spoken, older ones and ciphers that authenticate late are not', async (t) => {
  const { port } = await startSecureWorld(t)
  const versions: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3']
  for (const version of versions) {
    const socket = await openSecurely(port, { minVersion: version, maxVersion: version })
    assert.equal(socket.getProtocol(), version)
    assert.match(socket.getCipher().standardName, /_(?:GCM|POLY1305)_/)
    socket.destroy()
  }
  const refused: readonly object[] = [
    { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA' },
    { ALPNProtocols: ['spdy/3'] },
  ]
  for (const options of refused) await assert.rejects(openSecurely(port, options))
})

test('what speaks no TLS is not answered, and harms nobody', async (t) => {
  const { port, service } = await startSecureWorld(t)
  const socket = connectPlainly(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  socket.write(`GET /public HTTP/1.1\r\nHost: a\r\n${close}`)
  const answer = await text(socket).catch(() => '')
  assert.ok(!answer.includes('200'), answer)
  assert.equal(service.requests.length, 0)
  const next = await sendSecurely(port, `GET /public HTTP/1.1\r\nHost: a\r\n${close}`)
  assert.match(next, /^HTTP\/1\.1 200 /)
})

test('a handshake that does not end is ended', { timeout: 20_000 }, async (t) => {
  const { port } = await startSecureWorld(t)
  const socket = connectPlainly(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket.resume(), 'close')
})

test('a stop does not wait for a handshake that is under way', async (t) => {
  const { port, close: stop } = await startWorld(t, {
    file: () => ({ listen: { port: 0, tls: pathsOf('service') }, stop: { drainSeconds: 1 } }),
  })
  const socket = connectPlainly(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  const startedMs = performance.now()
  await Promise.all([stop(), once(socket.resume(), 'close')])
  assert.ok(performance.now() - startedMs < 3000)
})

test('the name that a client asks for chooses the certificate, and no route', async (t) => {
  const tls = { ...pathsOf('service'), further: [pathsOf('shop'), pathsOf('localhost')] }
  const { port, service } = await startSecureWorld(t, tls)
  const shop = 'DNS:shop.example, DNS:*.shop.example'
  assert.equal(await namesShown(port, { servername: 'shop.example' }), shop)
  assert.equal(await namesShown(port, { servername: 'www.SHOP.example' }), shop)
  for (const servername of ['localhost', 'a.www.shop.example', 'nobody.example', '']) {
    assert.equal(await namesShown(port, { servername }), 'DNS:localhost', servername)
  }
  const octets = `GET /public HTTP/1.1\r\nHost: localhost\r\n${close}`
  assert.match(await sendSecurely(port, octets, { servername: 'shop.example' }), / 200 /)
  assert.deepEqual(service.requests[0]?.all('host'), ['localhost'])
})

test('answers tell that the host is for https only where the file says so', async (t) => {
  const hsts = { maxAgeSeconds: 31_536_000, includeSubDomains: true }
  const { port } = await startWorld(t, {
    service: (_request, response) => {
      response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
      response.end()
    },
    file: (to) => ({
      listen: { port: 0, tls: { ...pathsOf('service'), hsts } },
      routes: [
        { match: '/orders/*', to },
        { match: '/public/*', to, auth: { mode: 'none' } },
      ],
    }),
  })
  for (const path of ['/public', '/orders', '/nowhere']) {
    const answer = await sendSecurely(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n${close}`)
    const told = /^strict-transport-security: max-age=31536000; includeSubDomains\r$/gim
    assert.equal([...answer.matchAll(told)].length, 1, answer)
  }
  const answer = await sendSecurely(port, `GET /public HTTP/1.1\r\nHost: a\r\n${close}`)
  assert.match(answer, /Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n/)
})

test('a WebSocket is opened over TLS', async (t) => {
  const world = await startSecureWorld(t)
  serveSockets(world, (socket) => socket.send('hello'))
  const socket = await openSecurely(world.port)
  socket.write(handshake('/sockets/1'))
  let received = ''
  for await (const piece of socket) {
    received += String(piece)
    if (received.includes('hello')) break
  }
  assert.match(received, /^HTTP\/1\.1 101 /)
})

async function startMistaken(tls: object): Promise<StartError> {
  const to = ['http://127.0.0.1:9']
  const settings = parseGatewaySettings({
    listen: { port: 0, tls },
    issuer: 'https://id.example',
    routes: [{ match: '/*', to, auth: { mode: 'none' } }],
  })
  const started = startGateway(settings, { log: createLog({ name: 'gateway', level: 'silent' }) })
  const error = await started.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof StartError)
  return error
}

test('certificates that cannot be used are told at the start, all of them, and nothing of a key', async () => {
  const further: readonly PairPaths[] = [
    { cert: '/nowhere/cert.pem', key: pathsOf('shop').key },
    { cert: pathsOf('shop').key, key: pathsOf('shop').key },
    { cert: pathsOf('shop').cert, key: pathsOf('shop').cert },
    pathsOf('shop'),
  ]
  const { cert } = pathsOf('service')
  const { message } = await startMistaken({ cert, key: pathsOf('shop').key, further })
  assert.match(message, /^4 mistakes in the gateway file:$/m)
  assert.match(message, /^ {2}\/listen\/tls the key in .*shop-key\.pem does not belong to /m)
  assert.match(message, /^ {2}\/listen\/tls\/further\/0 the certificate file .* \(ENOENT\)$/m)
  assert.match(message, /^ {2}\/listen\/tls\/further\/1 .* holds no certificate in PEM$/m)
  assert.match(message, /^ {2}\/listen\/tls\/further\/2 .* holds no private key in PEM/m)
  assert.ok(!message.includes('MIG'))
})

test('a certificate that has expired is served and warned of, since nobody is better off without', async (t) => {
  const { port, log } = await startSecureWorld(t, pathsOf('expired'))
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.destroy()
  assert.match(log(), /a certificate ends soon: renew it/)
})

test('plain http at a listener of TLS is in the log, and says what its address should be', async (t) => {
  const { port, log } = await startSecureWorld(t)
  const socket = connectPlainly(port, '127.0.0.1')
  socket.end(`GET /orders HTTP/1.1\r\nHost: a\r\n${close}`)
  assert.doesNotMatch(await text(socket), /HTTP/)
  const line = log()
    .split('\n')
    .find((one) => one.includes('plain http came to the port of TLS'))
  assert.match(line ?? '', /^\{"level":30,.*"code":"ERR_SSL_HTTP_REQUEST"/)
})
