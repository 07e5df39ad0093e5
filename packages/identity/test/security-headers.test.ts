import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { after, test } from 'node:test'
import { connect } from 'node:net'
import { once } from 'node:events'
import { ask, sendRaw } from './http-client.ts'
import { alice, jsonLogin, startRunningIdentity } from './running-identity.ts'

const identity = await startRunningIdentity()
after(identity.close)

const jwksPath = '/.well-known/jwks.json'
const documents = [
  jwksPath,
  '/.well-known/revocation-keys.json',
  '/.well-known/oauth-authorization-server',
]

const always = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'strict-transport-security': 'max-age=31536000',
}
const unlessPublic = {
  ...always,
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

function assertHeaders(headers: Headers, expected: Headers, of: string): void {
  for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value, of)
  const loose = Object.keys(headers).filter((name) =>
    /^(server|x-powered-by|access-control-.*|vary)$/.test(name),
  )
  assert.deepEqual(loose, [], of)
}

// RFC 9700 O24, O25: no answer can be framed, and no address is told to where a page leads.
test('every answer that a route, a refusal or an error gives has the security headers', async () => {
  const { identifier, password } = alice
  const answers = {
    signedIn: await identity.login({ identifier, password }),
    wrong: await identity.login({ identifier, password: 'not this one' }),
    malformed: await identity.ask(jsonLogin('{')),
    tooLarge: await identity.ask(jsonLogin(`{"a":"${'x'.repeat(20_000)}"}`)),
    wrongType: await identity.ask(jsonLogin('a=b', 'text/plain')),
    oauthError: await identity.token({ grant_type: 'x' }),
    noToken: await identity.ask({ path: '/sessions' }),
    notFound: await identity.ask({ path: '/nowhere' }),
    wrongMethod: await identity.ask({ path: '/login' }),
    options: await identity.ask({ method: 'OPTIONS', path: '/login' }),
    noUrl: await identity.ask({ path: '/%' }),
    head: await identity.ask({ method: 'HEAD', path: '/nowhere' }),
    expectation: await identity.ask({ path: jwksPath, headers: { expect: 'tea' } }),
  }
  const statuses = Object.values(answers).map(({ status }) => status)
  assert.deepEqual(statuses, [200, 401, 400, 413, 415, 400, 401, 404, 405, 405, 400, 404, 417])
  for (const [name, { headers }] of Object.entries(answers)) {
    assertHeaders(headers, unlessPublic, name)
  }
})

test('the public documents may be kept and embedded by anybody, and have the rest too', async () => {
  for (const path of documents) {
    const { status, headers } = await identity.ask({ path })
    assert.equal(status, 200)
    assertHeaders(headers, { ...always, 'cross-origin-resource-policy': 'cross-origin' }, path)
    assert.match(String(headers['cache-control']), /^public, max-age=/)
    const again = { path, headers: { 'if-none-match': String(headers.etag) } }
    const unchanged = await identity.ask(again)
    assert.equal(unchanged.status, 304)
    assertHeaders(unchanged.headers, always, path)
  }
})

/** The head of an answer in raw octets. */
function headersOf(raw: string): Headers {
  const [head = ''] = raw.split('\r\n\r\n')
  const fields = head.split('\r\n').slice(1)
  return Object.fromEntries(
    fields.map((field) => {
      const [name = '', value = ''] = field.split(/: (.*)/s)
      return [name.toLowerCase(), value]
    }),
  )
}

test('answers to what is no request have the headers as well', async () => {
  const raws = {
    garbage: await sendRaw(identity.port, 'this is not HTTP\r\n\r\n'),
    noHost: await sendRaw(identity.port, `GET ${jwksPath} HTTP/1.1\r\n\r\n`),
    long: await sendRaw(
      identity.port,
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(32_768)}\r\n\r\n`,
    ),
  }
  for (const [name, raw] of Object.entries(raws)) {
    assert.match(raw, /^HTTP\/1\.1 4/, name)
    assertHeaders(headersOf(raw), unlessPublic, name)
  }
})

async function streamHead(t: TestContext, port: number, position: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`GET /revocations/stream?after=${position} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const [octets] = await once(socket, 'data')
  return String(octets)
}

test('the stream of the feed has them, and an http issuer promises no secure transport', async (t) => {
  const open = await startRunningIdentity({ file: { issuer: 'http://localhost:4000' } })
  t.after(open.close)
  const [head] = await open.query("SELECT epoch || ':' || seq AS position FROM revocation_head")
  const raw = await streamHead(t, open.port, String(head?.['position']))
  assert.match(raw, /^HTTP\/1\.1 200 /)
  const { 'strict-transport-security': promise, ...expected } = unlessPublic
  assert.notEqual(promise, undefined)
  assertHeaders(headersOf(raw), { ...expected, 'content-type': 'text/event-stream' }, 'stream')
  for (const path of [...documents, '/nowhere']) {
    const { headers } = await ask(open.port, { path })
    assert.equal(headers['strict-transport-security'], undefined)
  }
})
