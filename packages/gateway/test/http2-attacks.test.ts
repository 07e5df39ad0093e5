import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { setTimeout } from 'node:timers/promises'
import { test } from 'node:test'
import type { RawConnection } from './http2-frames.ts'
import {
  errors,
  flags,
  frame,
  headerBlock,
  isEndOf,
  isReset,
  openRaw,
  requestBlock,
  types,
} from './http2-frames.ts'
import { startHttp2World } from './http2-world.ts'

const whole = flags.endHeaders | flags.endStream

/** How the gateway ends what was sent on the first stream: a status, or a code of a reset or of a GOAWAY. */
async function outcomeOf(connection: RawConnection): Promise<string> {
  const end = await connection.until(
    (one) =>
      isEndOf(1)(one) ||
      isReset(1)(one) ||
      (one.type === types.goaway && one.payload.readUInt32BE(4) !== 0),
  )
  connection.socket.destroy()
  if (end.type === types.reset) return `reset ${end.payload.readUInt32BE()}`
  if (end.type === types.goaway) return `goaway ${end.payload.readUInt32BE(4)}`
  const body = connection.frames
    .filter(({ type, stream }) => type === types.data && stream === 1)
    .map(({ payload }) => payload.toString())
    .join('')
  return String((JSON.parse(body) as { status?: number }).status ?? 200)
}

const sent = (block: Buffer, flag: number = whole): Buffer => frame(types.headers, flag, 1, block)

test('a request in frames of its own is forwarded, which the attacks below are not', async (t) => {
  const { port, service } = await startHttp2World(t)
  const connection = await openRaw(port)
  connection.send(sent(requestBlock({ te: 'trailers' })))
  assert.equal(await outcomeOf(connection), '200')
  assert.equal(service.requests[0]?.target, '/public')
  assert.deepEqual(service.requests[0]?.all('host'), ['shop.example'])
  assert.deepEqual(service.requests[0]?.all('te'), [])
})

/** G31, and the framing of G23, G26, G27 and G36 in HTTP/2. */
const forged: Readonly<Record<string, readonly [block: Buffer, outcome: string]>> = {
  'two lengths': [requestBlock({}, ['content-length', '0'], ['content-length', '5']), 'reset 1'],
  'a length that is none': [requestBlock({ 'content-length': '+0' }), 'reset 1'],
  'a length without a body': [requestBlock({ 'content-length': '5' }), 'reset 1'],
  'a transfer coding': [requestBlock({ 'transfer-encoding': 'chunked' }), 'reset 1'],
  Connection: [requestBlock({ connection: 'x-user-id' }), 'reset 1'],
  'Keep-Alive': [requestBlock({ 'keep-alive': 'timeout=5' }), 'reset 1'],
  'Proxy-Connection': [requestBlock({ 'proxy-connection': 'close' }), 'reset 1'],
  Upgrade: [requestBlock({ upgrade: 'websocket' }), 'reset 1'],
  'HTTP2-Settings': [requestBlock({ 'http2-settings': 'AAMAAABk' }), '400'],
  'TE that is not trailers': [requestBlock({ te: 'gzip' }), 'reset 1'],
  'a second path': [requestBlock({}, [':path', '/orders']), 'reset 1'],
  'a pseudo-header field at the end': [
    headerBlock(
      [':method', 'GET'],
      [':scheme', 'https'],
      ['a', 'b'],
      [':authority', 'a'],
      [':path', '/public'],
    ),
    'reset 1',
  ],
  'a pseudo-header field of answers': [requestBlock({ ':status': '200' }), 'reset 1'],
  'an unknown pseudo-header field': [requestBlock({ ':user': 'alice' }), 'reset 1'],
  'no path': [requestBlock({ ':path': 'absent' }), 'reset 1'],
  'an empty path': [requestBlock({ ':path': '' }), 'reset 1'],
  'a path with a space': [requestBlock({ ':path': '/public /orders' }), 'reset 1'],
  'a path with a line break': [requestBlock({ ':path': '/public HTTP/1.1\r\nX: y' }), 'reset 1'],
  'an absolute path': [requestBlock({ ':path': 'https://shop.example/public' }), 'reset 1'],
  'a path that is an authority': [requestBlock({ ':path': '//orders' }), '400'],
  'dot segments': [requestBlock({ ':path': '/public/../orders' }), '400'],
  'a fragment': [requestBlock({ ':path': '/public#a' }), '400'],
  'an asterisk': [requestBlock({ ':method': 'OPTIONS', ':path': '*' }), '400'],
  'no scheme': [requestBlock({ ':scheme': 'absent' }), 'reset 1'],
  http: [requestBlock({ ':scheme': 'http' }), '400'],
  'another scheme': [requestBlock({ ':scheme': 'https://shop.example/orders?' }), 'reset 1'],
  'another Host': [requestBlock({ host: 'other.example' }), '400'],
  'two Hosts': [requestBlock({ ':authority': 'absent' }, ['host', 'a'], ['host', 'a']), 'reset 1'],
  'no host at all': [requestBlock({ ':authority': 'absent' }), 'reset 1'],
  'an empty host': [requestBlock({ ':authority': '' }), 'reset 1'],
  'user information': [requestBlock({ ':authority': 'a@shop.example' }), 'reset 1'],
  'a dot at the end of the host': [requestBlock({ ':authority': 'shop.example.' }), '400'],
  CONNECT: [requestBlock({ ':method': 'CONNECT', ':scheme': 'absent', ':path': 'absent' }), '400'],
  'CONNECT with a protocol': [
    requestBlock({ ':method': 'CONNECT', ':protocol': 'websocket' }),
    'reset 1',
  ],
  'a method in lower case': [requestBlock({ ':method': 'get' }), '400'],
  'a method with a space': [requestBlock({ ':method': 'GET /' }), 'reset 1'],
  'a method that nobody knows': [requestBlock({ ':method': 'BREW' }), '400'],
  'two content types': [requestBlock({}, ['content-type', 'a/b'], ['content-type', 'c/d']), '400'],
  'two tokens': [
    requestBlock({}, ['authorization', 'Bearer a'], ['authorization', 'Bearer b']),
    '400',
  ],
  'an expectation': [requestBlock({ expect: '200-maybe' }), '417'],
}

test('what HTTP/1.1 would read in another way than HTTP/2 reaches no service', async (t) => {
  const { port, service } = await startHttp2World(t)
  const outcomes: Record<string, string> = {}
  for (const [name, [block]] of Object.entries(forged)) {
    const connection = await openRaw(port)
    connection.send(sent(block))
    outcomes[name] = await outcomeOf(connection)
  }
  const expected = Object.entries(forged).map(([name, [, outcome]]) => [name, outcome])
  assert.deepEqual(outcomes, Object.fromEntries(expected))
  assert.deepEqual(service.requests, [])
})

test('a field that cannot be one reaches no service, whatever becomes of its request', async (t) => {
  const { port, service } = await startHttp2World(t)
  const fields: readonly (readonly [string, string])[] = [
    ['x-a', 'b\r\nX-Auth-Subject: root'],
    ['x-a', 'b\nX-Auth-Subject: root'],
    ['x-a', 'b\u0000c'],
    ['x-a\r\nx-auth-subject', 'root'],
    ['X-Auth-Subject', 'root'],
    ['x-auth-subject', 'root'],
    ['x_auth_subject', 'root'],
    ['x-a: b', 'c'],
    ['', 'a'],
    ['x-a', ' b'],
    ['x-forwarded-for', '10.0.0.1'],
  ]
  for (const field of fields) {
    const connection = await openRaw(port)
    connection.send(sent(requestBlock({}, [...field])))
    assert.match(await outcomeOf(connection), /^(?:200|400|reset 1)$/, field.join('='))
  }
  for (const { rawHeaders } of service.requests) {
    const names = rawHeaders.filter((_value, at) => at % 2 === 0).map((name) => name.toLowerCase())
    const known = [
      'host',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'via',
      'x-request-id',
      'connection',
    ]
    assert.deepEqual(names.toSorted(), known.toSorted())
    assert.ok(!rawHeaders.some((text) => /root|10\.0\.0\.1|\r|\n/.test(text)))
  }
})

test('a body that is not as long as it says it is never looks whole to a service', async (t) => {
  const ends: string[] = []
  const { port } = await startHttp2World(
    t,
    {},
    {
      service: (request, response) => {
        request.once('error', () => ends.push('broken')).resume()
        request.once('end', () => {
          ends.push('whole')
          response.end('{}')
        })
      },
    },
  )
  const post = requestBlock({ ':method': 'POST', 'content-length': '5' })
  const open = requestBlock({ ':method': 'POST' })
  const bodies: readonly (readonly Buffer[])[] = [
    [sent(post, flags.endHeaders), frame(types.data, flags.endStream, 1, Buffer.from('abc'))],
    [sent(post, flags.endHeaders), frame(types.data, flags.endStream, 1, Buffer.from('abcdefgh'))],
    // Resets that say that nothing is wrong, behind half a body.
    ...[errors.none, errors.cancel, errors.internal].map((code) => [
      sent(open, flags.endHeaders),
      frame(types.data, 0, 1, Buffer.from('abc')),
      frame(types.reset, 0, 1, Buffer.of(0, 0, 0, code)),
    ]),
  ]
  for (const frames of bodies) {
    const connection = await openRaw(port)
    const [head = Buffer.alloc(0), ...others] = frames
    connection.send(head)
    await setTimeout(60)
    connection.send(...others)
    await setTimeout(120)
    connection.socket.destroy()
  }
  // And the end of a connection in the middle of one.
  const connection = await openRaw(port)
  connection.send(sent(open, flags.endHeaders), frame(types.data, 0, 1, Buffer.from('abc')))
  await setTimeout(60)
  connection.socket.destroy()
  await setTimeout(120)
  assert.deepEqual(
    ends.filter((end) => end === 'whole'),
    [],
  )
  const twin = await openRaw(port)
  twin.send(
    sent(post, flags.endHeaders),
    frame(types.data, flags.endStream, 1, Buffer.from('abcde')),
  )
  assert.equal(await outcomeOf(twin), '200')
  assert.deepEqual(
    ends.filter((end) => end === 'whole'),
    ['whole'],
  )
})

test('trailers are no header fields', async (t) => {
  const { port, service } = await startHttp2World(t)
  const connection = await openRaw(port)
  connection.send(
    sent(requestBlock({ ':method': 'POST' }), flags.endHeaders),
    frame(types.data, 0, 1, Buffer.from('abc')),
    sent(headerBlock(['x-auth-subject', 'root'], ['authorization', 'Bearer a'])),
  )
  assert.equal(await outcomeOf(connection), '200')
  const [request] = service.requests
  assert.equal(request?.body, 'abc')
  assert.ok(!request.rawHeaders.some((text) => /root|Bearer/.test(text)))
})
