import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRaw, statusesIn } from './http-client.ts'
import { startBareService } from './socket-world.ts'
import { startWorld } from './world.ts'

/** What a trailer section could change if anybody took it for a part of the headers. */
const trailers =
  'X-Auth-Subject: mallory\r\nx_auth_roles: admin\r\nAuthorization: Bearer other\r\n' +
  'Host: evil.example\r\nCookie: a=b\r\nConnection: X-Request-Id\r\nUpgrade: h2c\r\n' +
  'X-Forwarded-For: 192.0.2.4\r\nX-Request-Id: forged\r\nX-Checksum: of-octets\r\n'
const announced = 'Trailer: X-Auth-Subject, Authorization, X-Checksum\r\nTE: trailers\r\n'

test('trailers of a request end at the gateway, announced or not', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const { to, received } = await startBareService(t, (socket, soFar) => {
    if (soFar.endsWith('0\r\n\r\n')) socket.write(answer)
  })
  const { port } = await startWorld(t, {
    file: () => ({ routes: [{ match: '/public/*', to, auth: { mode: 'none' } }] }),
  })
  for (const announcement of ['', announced]) {
    const frame = `POST /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${announcement}`
    const body = `Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${trailers}\r\n`
    assert.deepEqual(statusesIn(await sendRaw(port, frame + body)), [200])
  }
  const all = received.join('')
  assert.equal(all.match(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n/g)?.length, 2, 'the body ends as it must')
  assert.doesNotMatch(
    all,
    /mallory|admin|other|evil|a=b|192\.0\.2\.4|forged|of-octets|h2c|^(?:Trailer|TE):/im,
  )
})

test('trailers of an answer end at the gateway, announced or not', async (t) => {
  for (const announcement of ['', announced]) {
    const head = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n${announcement}`
    const { to } = await startBareService(t, (socket) => {
      socket.write(`${head}\r\n5\r\nhello\r\n0\r\n${trailers}Set-Cookie: c=d\r\n\r\n`)
    })
    const { port } = await startWorld(t, {
      file: () => ({ routes: [{ match: '/public/*', to, auth: { mode: 'none' } }] }),
    })
    const get = 'GET /public HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n'
    const raw = await sendRaw(port, get)
    assert.match(raw, /\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
    assert.doesNotMatch(
      raw,
      /mallory|admin|other|evil|a=b|c=d|192\.0\.2\.4|forged|of-octets|h2c|^Trailer:/im,
    )
  }
})

test('trailers without end or bound are refused', async (t) => {
  const { port, service } = await startWorld(t)
  const frame = 'POST /public HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'
  const raw = await sendRaw(port, `${frame}X-A: ${'x'.repeat(40_000)}\r\n\r\n`)
  assert.deepEqual(statusesIn(raw), [431])
  assert.equal(service.requests.length, 0)
})

test('a trailer that would frame its message again breaks it', async (t) => {
  const { port, service } = await startWorld(t)
  for (const framing of ['Content-Length: 44', 'Transfer-Encoding: chunked']) {
    const frame = 'POST /public HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'
    const raw = await sendRaw(port, `${frame}${framing}\r\n\r\n`)
    assert.deepEqual(statusesIn(raw), [400], framing)
  }
  assert.equal(service.requests.length, 0)

  const { to } = await startBareService(t, (socket) => {
    const body = '5\r\nhello\r\n0\r\nContent-Length: 44\r\n\r\n'
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`)
  })
  const broken = await startWorld(t, {
    file: () => ({ routes: [{ match: '/public/*', to, auth: { mode: 'none' } }] }),
  })
  const answer = await sendRaw(broken.port, 'GET /public HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.doesNotMatch(answer, /0\r\n\r\n$/, 'it must not look whole')
})
