import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { fields, sendRaw, statusesIn } from './http-client.ts'
import { startRecorder } from './recorder.ts'
import { startWorld } from './world.ts'

/** What only a trusted proxy may say; each also under the name that CGI makes of it. */
const metadata = [
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-Uri',
  'X-Forwarded-Method',
  'X-Forwarded-Server',
  'X-Forwarded',
  'Forwarded',
  'X-Real-IP',
  'True-Client-IP',
  'CF-Connecting-IP',
  'X-Original-URL',
  'X-Original-URI',
  'X-Original-Method',
  'X-Rewrite-URL',
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'X-Envoy-Original-Path',
  'X-Client-IP',
]

test('other headers arrive in their order, spelling and number', async (t) => {
  const { ask, service } = await startWorld(t)
  const headers = ['Accept', '*/*', 'x-B', '2', 'X-a', '1', 'X-A', '', 'X-b', '3', 'Cookie', 'c=d']
  await ask({ path: '/public', headers })
  const [request] = service.requests
  assert.ok(request)
  const others = request.rawHeaders.slice(4, 4 + headers.length)
  assert.deepEqual(request.rawHeaders.slice(0, 4), [
    'host',
    'shop.example',
    'connection',
    'keep-alive',
  ])
  assert.deepEqual(others, headers)
})

test('octets outside ASCII in a header arrive unchanged', async (t) => {
  const { port, service } = await startWorld(t)
  const frame = 'GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
  assert.deepEqual(statusesIn(await sendRaw(port, `${frame}X-Name: \xe9\xff\r\n\r\n`)), [200])
  assert.deepEqual(service.requests[0]?.all('X-Name'), ['\xe9\xff'])
})

// RFC 9700 O23. CVE-2026-33495, CVE-2026-40575, GHSA-6384-m2mw-rf54: none of these headers decides anything.
test('what only a trusted proxy may say is dropped, and the gateway says it itself', async (t) => {
  const { ask, service } = await startWorld(t)
  const names = metadata.flatMap((name) => [name, name.toUpperCase(), name.replaceAll('-', '_')])
  assert.ok(names.length >= 60)
  for (const name of names) {
    await ask({ path: '/public', headers: [name, 'forged', name, 'forged, too'] })
    const [request] = service.requests.splice(0)
    assert.ok(request)
    assert.ok(!request.rawHeaders.some((text) => text.includes('forged')), name)
    assert.deepEqual(request.all('X-Forwarded-For'), ['127.0.0.1'])
    assert.deepEqual(request.all('X-Forwarded-Proto'), ['http'])
    assert.deepEqual(request.all('X-Forwarded-Host'), ['shop.example'])
  }
})

test('what ends at this hop does not go on', async (t) => {
  const { ask, service } = await startWorld(t)
  const headers = fields(
    'Connection: X-Listed',
    'X-Listed: a',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic YTpi',
    'Proxy: http://evil.example',
    'HTTP2-Settings: AAA',
    'Content_Length: 5',
    'Transfer_Encoding: chunked',
    'Content_Type: text/evil',
    'X-Kept: b',
  )
  assert.equal((await ask({ path: '/public', headers })).status, 200)
  const [request] = service.requests
  assert.ok(request)
  const names = request.rawHeaders.filter((_text, at) => at % 2 === 0)
  assert.deepEqual(names, [
    'host',
    'connection',
    'X-Kept',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'Via',
    'X-Request-Id',
  ])
})

test('Via names the gateway after those before it, with the version it was asked by', async (t) => {
  const { ask, service } = await startWorld(t)
  await ask({ path: '/public', headers: ['Via', '1.1 edge'] })
  assert.deepEqual(service.requests[0]?.all('Via'), ['1.1 edge', '1.1 portcullis'])
})

test('a sane request id goes on and comes back, any other is replaced', async (t) => {
  const { ask, service } = await startWorld(t)
  const kept = await ask({ path: '/public', headers: ['X-Request-ID', 'abc-1.2_3'] })
  assert.equal(kept.headers['x-request-id'], 'abc-1.2_3')
  assert.deepEqual(service.requests.splice(0)[0]?.all('X-Request-Id'), ['abc-1.2_3'])

  const insane = [
    [],
    ['X-Request-Id', ''],
    ['X-Request-Id', 'a b'],
    ['X-Request-Id', 'a"b'],
    ['X-Request-Id', '[31mred'],
    ['X-Request-Id', 'x'.repeat(129)],
    ['X-Request-Id', 'a', 'X-Request-Id', 'b'],
    ['X_Request_Id', 'a'],
  ]
  for (const headers of insane) {
    const answer = await ask({ path: '/public', headers })
    const id = String(answer.headers['x-request-id'])
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f-]{27}$/, headers.join())
    const [request] = service.requests.splice(0)
    assert.deepEqual(request?.all('X-Request-Id'), [id])
    assert.deepEqual(request.all('X_Request_Id'), [])
  }
  const refused = await ask({ headers: ['X-Request-Id', 'abc'] })
  assert.equal(refused.headers['x-request-id'], 'abc')
})

test('the headers of an answer come back in order and number, without what ends here', async (t) => {
  const { ask } = await startWorld(t, {
    service: (_request, response) => {
      response.sendDate = false
      const own = fields('Set-Cookie: a=1', 'X-One: 1', 'Set-Cookie: b=2', 'Location: /orders/1')
      const hop = fields('Connection: X-Listed', 'X-Listed: a', 'Proxy-Authenticate: Basic')
      const rest = fields('Keep-Alive: timeout=99', 'X-Request-Id: forged', 'X-Name: \xe9')
      response.writeHead(201, [...own, ...hop, ...rest, 'Content-Length', '2'])
      response.end(Buffer.from('ok'))
    },
  })
  const answer = await ask({ path: '/public' })
  assert.equal(answer.status, 201)
  assert.equal(answer.body, 'ok')
  assert.deepEqual(
    answer.rawHeaders.slice(0, 12),
    fields(
      'Set-Cookie: a=1',
      'X-One: 1',
      'Set-Cookie: b=2',
      'Location: /orders/1',
      'X-Name: \xe9',
      'Content-Length: 2',
    ),
  )
  for (const name of ['x-listed', 'proxy-authenticate', 'keep-alive']) {
    assert.equal(answer.headers[name], undefined, name)
  }
  assert.notEqual(answer.headers['x-request-id'], 'forged')
})

test('a redirect of a service goes to the client and is not followed', async (t) => {
  const elsewhere = await startRecorder()
  t.after(elsewhere.close)
  const { ask } = await startWorld(t, {
    service: (_request, response) => {
      response.writeHead(302, { Location: `${elsewhere.origin}/metadata` }).end()
    },
  })
  const answer = await ask({ path: '/public' })
  assert.equal(answer.status, 302)
  assert.equal(answer.headers.location, `${elsewhere.origin}/metadata`)
  assert.equal(elsewhere.requests.length, 0)
})
