import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { sendRaw } from './http-client.ts'
import { alice, createLogInMemory, startRunningIdentity } from './running-identity.ts'

const identity = await startRunningIdentity()
after(identity.close)

const jwksPath = '/.well-known/jwks.json'

test('a path that does not exist is a 404 problem for every method', async () => {
  for (const path of ['/', '/logins', '/login/', '//login', '/LOGIN', '/health/live', '/metrics']) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const answer = await identity.ask({ method, path })
      assert.equal(answer.status, 404, `${method} ${path}`)
      assert.equal(answer.members()['code'], 'not-found')
      assert.equal(answer.headers.allow, undefined)
    }
  }
})

test('a method that a path does not have is a 405 problem that names those it has', async () => {
  const allowed = {
    '/login': 'POST',
    '/token': 'POST',
    '/sessions/any': 'DELETE',
    '/admin/accounts/any/block': 'POST',
    [jwksPath]: 'GET, HEAD',
  }
  for (const [path, methods] of Object.entries(allowed)) {
    for (const method of [
      'GET',
      'POST',
      'PUT',
      'DELETE',
      'PATCH',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
    ]) {
      if (methods.includes(method)) continue
      const answer = await identity.ask({ method, path: `${path}?a=b` })
      assert.equal(answer.status, 405, `${method} ${path}`)
      assert.equal(answer.members()['code'], 'method-not-allowed')
      assert.equal(answer.headers.allow, methods)
      assert.equal(answer.headers['cache-control'], 'no-store')
    }
  }
})

test('HEAD is answered without a body, on paths that have it and on paths that do not', async () => {
  const statuses: number[] = []
  for (const path of [jwksPath, '/login', '/nowhere']) {
    const answer = await identity.ask({ method: 'HEAD', path })
    assert.equal(answer.body, '')
    statuses.push(answer.status)
  }
  assert.deepEqual(statuses, [200, 405, 404])
})

test('a path that is no URL path is a 400 problem', async () => {
  for (const path of ['/%', '/login%zz', '/%ff']) {
    const answer = await identity.ask({ path })
    assert.equal(answer.status, 400, path)
    assert.equal(answer.members()['code'], 'malformed')
  }
})

/** The one answer in raw octets, which the issuer must close the connection after. */
function parseRaw(raw: string): { readonly head: string; readonly problem: unknown } {
  const [head = '', body = ''] = raw.split('\r\n\r\n')
  assert.equal(raw.match(/^HTTP\/1\.1 /gm)?.length, 1, raw)
  assert.match(head, /^connection: close$/im)
  return { head, problem: JSON.parse(body) }
}

const garbage: Readonly<Record<string, string>> = {
  text: 'this is not HTTP\r\n\r\n',
  'a TLS greeting': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'an unknown method': 'LOGIN /login HTTP/1.1\r\nHost: id.example\r\n\r\n',
  'a header without a name': `GET ${jwksPath} HTTP/1.1\r\nHost: id.example\r\n: x\r\n\r\n`,
  'two lengths':
    'POST /login HTTP/1.1\r\nHost: id.example\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
  'a length and chunks':
    'POST /login HTTP/1.1\r\nHost: id.example\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
  'a chunk that is none':
    'POST /login HTTP/1.1\r\nHost: id.example\r\nContent-Type: application/json\r\n' +
    'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
}

test('octets that are no HTTP request are a 400, and the connection ends', async () => {
  assert.ok(Object.keys(garbage).length > 0)
  for (const [name, octets] of Object.entries(garbage)) {
    const raw = await sendRaw(identity.port, octets)
    assert.match(raw, /^HTTP\/1\.1 400 /, `${name}: ${raw}`)
    const { head, problem } = parseRaw(raw)
    assert.match(head, /^content-type: application\/problem\+json/im, name)
    assert.deepEqual(problem, {
      type: 'urn:portcullis:problem:malformed',
      title: 'The request is malformed',
      status: 400,
      code: 'malformed',
    })
  }
})

test('a request that names no host is refused', async () => {
  const raw = await sendRaw(identity.port, `GET ${jwksPath} HTTP/1.1\r\n\r\n`)
  assert.match(raw, /^HTTP\/1\.1 400 /)
})

test('headers without end are a 431 problem', async () => {
  const filler = `X-Filler: ${'x'.repeat(32 * 1024)}`
  const raw = await sendRaw(
    identity.port,
    `GET ${jwksPath} HTTP/1.1\r\nHost: id.example\r\n${filler}\r\n\r\n`,
  )
  const { head, problem } = parseRaw(raw)
  assert.match(head, /^HTTP\/1\.1 431 /)
  assert.ok(typeof problem === 'object' && problem !== null && 'code' in problem)
  assert.equal(problem.code, 'headers-too-large')
})

test('a request that trickles in is cut off with 408, in the headers as in the body', async (t) => {
  const app = createHttpServer(createLogInMemory().log, { issuer: 'https://id.example' })
  app.post('/login', async () => ({}))
  t.after(() => app.close())
  // In earnest both are ten seconds.
  assert.deepEqual([app.server.headersTimeout, app.server.requestTimeout], [10_000, 10_000])
  app.server.headersTimeout = 300
  app.server.requestTimeout = 300
  await app.listen({ host: '127.0.0.1', port: 0 })

  const beginnings = [
    'POST /login HTTP/1.1\r\nHost: id.example\r\nX-Slow: ',
    'POST /login HTTP/1.1\r\nHost: id.example\r\nContent-Type: application/json\r\n' +
      'Content-Length: 1000\r\n\r\n{"identifier":"',
  ]
  const answers = beginnings.map(async (beginning) => {
    const socket = connect(boundPort(app), '127.0.0.1')
    await once(socket, 'connect')
    const trickle = setInterval(() => socket.write('x'), 50)
    socket.on('error', () => socket.destroy())
    socket.write(beginning)
    const raw = await text(socket)
    clearInterval(trickle)
    return raw
  })
  for (const raw of await Promise.all(answers)) {
    assert.match(raw, /^HTTP\/1\.1 408 /)
    assert.match(raw, /"status":408/)
  }
})

test('a request in the middle of garbage does not disturb the requests of others', async () => {
  const { identifier, password } = alice
  const noise = Array.from({ length: 20 }, () => sendRaw(identity.port, 'noise\r\n\r\n'))
  const logins = Array.from({ length: 5 }, () => identity.login({ identifier, password }))
  for (const answer of await Promise.all(logins)) assert.equal(answer.status, 200)
  for (const raw of await Promise.all(noise)) assert.match(raw, /^HTTP\/1\.1 400 /)
})

test('garbage behind a good request does not take the place of its answer', async () => {
  const { identifier, password } = alice
  const body = JSON.stringify({ identifier, password })
  const socket = connect(identity.port, '127.0.0.1')
  socket.end(
    `POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}BAD\0\r\n\r\n`,
  )
  // The good answer or none; never a refusal that the client would take for the answer to its login.
  const raw = await text(socket).catch(() => '')
  assert.doesNotMatch(raw, /^HTTP\/1\.1 400/)
})

test('a client that leaves in the middle of its body is no error of ours', async () => {
  const linesBefore = identity.logged().length
  const socket = connect(identity.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{',
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.doesNotMatch(identity.logged().slice(linesBefore), /"level":50/)
})
