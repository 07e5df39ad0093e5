import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { answering, startBefore } from './bare-service.ts'
import { open, startFileWorld } from './file-world.ts'
import { openSocket, readUntil, sendRaw, statusesIn } from './http-client.ts'
import { startRecorder } from './recorder.ts'
import { startWorld } from './world.ts'

const get = 'GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

test('a service that is not there is 502, and nothing is told about where it was', async (t) => {
  const { ask, log } = await startWorld(t, {
    file: () => ({ routes: [{ match: '/*', to: ['http://127.0.0.1:9'], auth: { mode: 'none' } }] }),
  })
  const answer = await ask({ method: 'POST', body: 'x' })
  assert.equal(answer.status, 502)
  assert.equal(answer.json()['code'], 'upstream-unreachable')
  assert.doesNotMatch(answer.body, /127\.0\.0\.1|ECONN/)
  assert.match(log(), /"upstream":"http:\/\/127\.0\.0\.1:9","code":"ECONNREFUSED"/)
})

test('a service that closes without an answer is 502', async (t) => {
  const world = await startBefore(t, (socket) => socket.once('data', () => socket.destroy()))
  assert.equal((await world.ask({ path: '/public' })).status, 502)
})

/** Answers that are broken before their headers end, or that say two things about their length. */
const brokenAnswers: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'an unasked 100': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'an unasked upgrade':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  'length and chunked':
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello',
  'a control character in a header': 'HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 0\r\n\r\n',
  'a bare LF in a header':
    'HTTP/1.1 200 OK\r\nX-A: a\nSet-Cookie: b=c\r\nContent-Length: 0\r\n\r\n',
  'headers without end': `HTTP/1.1 200 OK\r\nX-A: ${'x'.repeat(70_000)}`,
  'a flood of interim answers': 'HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n'.repeat(1000),
}

test('a broken answer is 502 and nothing of it gets through', async (t) => {
  for (const [name, octets] of Object.entries(brokenAnswers)) {
    const world = await startBefore(t, answering(octets))
    const raw = await sendRaw(world.port, get)
    assert.deepEqual(statusesIn(raw), [502], name)
    assert.doesNotMatch(raw, /^(?:X-A|Set-Cookie):/m, name)
  }
})

test('interim answers end at the gateway and the final one gets through', async (t) => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
  const final = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const world = await startBefore(t, answering(hints, hints, final))
  const raw = await sendRaw(world.port, get)
  assert.deepEqual(statusesIn(raw), [200])
  assert.match(raw, /\r\n\r\nok$/)
})

test('a length on an answer that has no body does not get through', async (t) => {
  const noContent = 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nX-A: b\r\n\r\n'
  const world = await startBefore(t, answering(noContent))
  const raw = await sendRaw(world.port, get)
  assert.deepEqual(statusesIn(raw), [204])
  assert.match(raw, /^X-A: b\r$/m)
  assert.doesNotMatch(raw, /content-length/i)
})

/** Each begins well, and breaks off. */
const halfAnswers: Readonly<Record<string, string>> = {
  'in a body with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
  'between chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  'inside a chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello',
}

test('a service that breaks off cuts the client, which never sees a clean end', async (t) => {
  for (const version of ['1.0', '1.1']) {
    for (const [name, octets] of Object.entries(halfAnswers)) {
      let service: Socket | undefined
      const world = await startBefore(t, (socket) => {
        service = socket
        answering(octets)(socket)
      })
      const client = await openSocket(world.port)
      client.write(`GET /public HTTP/${version}\r\nHost: a\r\n\r\n`)
      const begun = await readUntil(client, 'hello')
      assert.deepEqual(statusesIn(begun), [200], name)
      const failed = once(client, 'error')
      const ended = once(client, 'end').then(() => assert.fail(`${name}: a clean end`))
      client.resume()
      service?.destroy()
      await Promise.race([failed, ended])
    }
  }
})

test('headers that are too large or too many are 431', async (t) => {
  const { port, service } = await startWorld(t, {
    file: () => ({ limits: { headerBytes: 4096 } }),
  })
  const frame = 'GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
  const refused = {
    'one large header': `${frame}X-A: ${'x'.repeat(5000)}\r\n\r\n`,
    'a long target': `GET /public/${'x'.repeat(5000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    'many headers': `${frame}${'X-A: b\r\n'.repeat(99)}\r\n`,
  }
  for (const [name, octets] of Object.entries(refused)) {
    const raw = await sendRaw(port, octets)
    assert.deepEqual(statusesIn(raw), [431], name)
    assert.match(raw, /"code":"headers-too-large"/, name)
  }
  assert.equal(service.requests.length, 0)
  const many = await sendRaw(port, `${frame}${'X-A: b\r\n'.repeat(98)}\r\n`)
  assert.deepEqual(statusesIn(many), [200])
  assert.equal(service.requests[0]?.all('X-A').length, 98)
})

test('headers are counted exactly, however many are allowed and however many came before', async (t) => {
  const limits = { headerBytes: 65_536, headerCount: 1500 }
  const { port, service } = await startWorld(t, { file: () => ({ limits }) })
  const ask = (others: string): Promise<string> =>
    sendRaw(port, `GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${others}\r\n`)
  // Node itself would keep the first thousand, and nobody would see the last.
  const all = await ask(`${'X-A: b\r\n'.repeat(1497)}X-Last: c\r\n`)
  assert.deepEqual(statusesIn(all), [200])
  const [got] = service.requests
  assert.deepEqual([got?.all('X-A').length, got?.all('X-Last')], [1497, ['c']])
  const tooMany = await ask(`${'X-A: b\r\n'.repeat(1498)}X-Last: c\r\n`)
  assert.deepEqual(statusesIn(tooMany), [431])
  assert.match(tooMany, /more than 1500 header fields/)
  // What decides about a request counts wherever it stands.
  for (const last of ['Host: b', 'Transfer-Encoding: gzip', 'Upgrade: h2c']) {
    const raw = await ask(`${'X-A: b\r\n'.repeat(1200)}${last}\r\n`)
    assert.deepEqual(statusesIn(raw), [400], last)
  }
  assert.equal(service.requests.length, 1)
})

test('another number of headers holds at once, for connections that are there too', async (t) => {
  const service = await startRecorder()
  t.after(service.close)
  const routes = [open('/*', [service.origin])]
  const world = await startFileWorld(t, { routes, limits: { headerCount: 10 } })
  const socket = await openSocket(world.gateway.port)
  const askWith = async (count: number): Promise<string> => {
    socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(count - 1)}\r\n`)
    return readUntil(socket, '}')
  }
  assert.deepEqual(statusesIn(await askWith(10)), [200])
  world.write({ routes, limits: { headerCount: 200 } })
  await world.gateway.reload()
  assert.deepEqual(statusesIn(await askWith(200)), [200])
  assert.equal(service.requests[1]?.all('X-A').length, 199)
  assert.deepEqual(statusesIn(await askWith(201)), [431])
  await once(socket.resume(), 'close')
})

test('a request that has ended makes room for another', async (t) => {
  const { port } = await startWorld(t, { service: (_request, response) => response.end() })
  const one = 'GET /public HTTP/1.1\r\nHost: a\r\n\r\n'
  const last = 'GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'
  for (let round = 0; round < 11; round += 1) {
    const statuses = statusesIn(await sendRaw(port, `${one.repeat(100)}${last}`))
    assert.deepEqual(new Set(statuses), new Set([200, 404]))
    assert.equal(statuses.length, 101)
  }
})

test('services of one route take turns, and connections carry no traces of other callers', async (t) => {
  const other = await startRecorder()
  t.after(other.close)
  const { ask, service } = await startWorld(t, {
    file: (to) => ({
      routes: [{ match: '/public/*', to: [...to, other.origin], auth: { mode: 'none' } }],
    }),
  })
  for (const user of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await ask({ path: `/public/${user}`, headers: ['Cookie', user, `X-${user}`, user] })
  }
  assert.deepEqual(
    service.requests.map(({ target }) => target),
    ['/public/a', '/public/c', '/public/e'],
  )
  assert.deepEqual(
    other.requests.map(({ target }) => target),
    ['/public/b', '/public/d', '/public/f'],
  )
  for (const request of [...service.requests, ...other.requests]) {
    const user = request.target.slice(-1)
    assert.deepEqual(request.all('Cookie'), [user])
    const own = request.rawHeaders.filter((name) => /^X-[a-f]$/.test(name))
    assert.deepEqual(own, [`X-${user}`])
  }
})
