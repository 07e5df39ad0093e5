import assert from 'node:assert/strict'
import { request as startRequest } from 'node:https'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { json } from 'node:stream/consumers'
import { createLog, listen, readTlsFiles } from '@portcullis/runtime'
import { readForwarded } from '../src/request/forwarded.ts'
import { headerFields } from '../src/headers/fields.ts'
import { createOriginReader } from '../src/request/origin.ts'
import { createGatewayServer, drainServer } from '../src/server.ts'
import { secureOptions } from '../src/tls/secure-options.ts'
import { fields } from './http-client.ts'
import { startWorld } from './world.ts'

/** What the service is told about a request that the test, whose address is 127.0.0.1, sends with these headers. */
async function startTold(
  t: TestContext,
  file: Readonly<Record<string, unknown>>,
): Promise<(...lines: readonly string[]) => Promise<string>> {
  const { ask, service } = await startWorld(t, { file: () => file })
  return async (...lines) => {
    assert.equal((await ask({ path: '/public', headers: fields(...lines) })).status, 200)
    const [request] = service.requests.splice(0)
    assert.ok(request)
    const metadata = request.rawHeaders.filter((name) => /^(?:x.)?(?:forwarded|real)/i.test(name))
    assert.deepEqual(metadata, ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host'])
    return metadata.map((name) => request.all(name).join(' and ')).join(' ')
  }
}

const trustedProxies = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8']
const own = '127.0.0.1 http shop.example'

test('a peer that is no trusted proxy is not believed, whatever it says', async (t) => {
  const said = [
    'X-Forwarded-For: 192.0.2.1',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: other.example',
    'Forwarded: for=192.0.2.1;proto=https;host=other.example',
    'X-Real-IP: 192.0.2.1',
  ]
  const files = [
    {},
    { trustedProxies: ['10.0.0.0/8', '127.0.0.2', '::1'] },
    { trustedProxies: ['10.0.0.0/8'], proxyHeaders: 'forwarded' },
  ]
  for (const file of files) {
    const told = await startTold(t, file)
    for (const line of said) assert.equal(await told(line), own, line)
    assert.equal(await told(...said), own)
  }
})

/** The client by the list that a trusted proxy sends; of several lines where there is a bar. */
const chains: Readonly<Record<string, string>> = {
  '192.0.2.1': '192.0.2.1',
  '6.6.6.6, 192.0.2.1': '192.0.2.1',
  '6.6.6.6|192.0.2.1': '192.0.2.1',
  '10.0.0.1, 6.6.6.6, 192.0.2.1, 10.0.0.2': '192.0.2.1',
  '6.6.6.6, 192.0.2.1|10.0.0.3,fd00::1': '192.0.2.1',
  '2001:DB8::0:1': '2001:db8::1',
  '[2001:db8::1]:443': '2001:db8::1',
  '192.0.2.1:5000': '192.0.2.1',
  '::ffff:192.0.2.1': '192.0.2.1',
  'fe80::1%eth0': 'fe80::1',
  // None of these is an address: the proxy that wrote it stands for the client.
  '': '127.0.0.1',
  unknown: '127.0.0.1',
  '6.6.6.6, _hidden': '127.0.0.1',
  '6.6.6.6, 010.0.0.1': '127.0.0.1',
  '6.6.6.6, 0x7f.1': '127.0.0.1',
  '6.6.6.6, "192.0.2.1"': '127.0.0.1',
  '6.6.6.6, , 10.0.0.1': '10.0.0.1',
  '6.6.6.6,': '127.0.0.1',
  '10.0.0.7': '10.0.0.7',
}

test('of the list of a trusted proxy the client is the last address that is none', async (t) => {
  const told = await startTold(t, { trustedProxies })
  assert.ok(Object.keys(chains).length >= 15)
  for (const [chain, client] of Object.entries(chains)) {
    const lines = chain.split('|').map((part) => `X-Forwarded-For: ${part}`)
    assert.equal(await told(...lines), `${client} http shop.example`, chain)
  }
})

test('scheme and host of a trusted proxy are believed where one thing is said', async (t) => {
  const told = await startTold(t, { trustedProxies })
  const address = 'X-Forwarded-For: 192.0.2.1'
  const both = ['X-Forwarded-Proto: HTTPS', 'X-Forwarded-Host: Other.example:8443']
  assert.equal(await told(address, ...both), '192.0.2.1 https Other.example:8443')
  const schemes = ['https, http', 'ftp', '', 'https;', 'https evil']
  for (const scheme of schemes) {
    assert.equal(await told(`X-Forwarded-Proto: ${scheme}`), own, scheme)
  }
  for (const host of ['a, b', 'user@a', 'a/b', '', 'a.example.', 'a b']) {
    assert.equal(await told(`X-Forwarded-Host: ${host}`), own, host)
  }
  assert.equal(await told('X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'), own)
  assert.equal(await told('X_Forwarded_For: 6.6.6.6', 'X_Forwarded_Proto: https'), own)
  assert.equal(await told('X-Forwarded-Port: 443', 'X-Real-IP: 6.6.6.6'), own)
})

// A proxy that writes one of them hands on the other as the client has sent it.
test('only the family of headers is read that the file names', async (t) => {
  const standard = 'Forwarded: for=6.6.6.6;proto=https;host=evil.example'
  const usual = ['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil']
  const byUsual = await startTold(t, { trustedProxies })
  assert.equal(await byUsual(standard), own)
  assert.equal(await byUsual(standard, 'X-Forwarded-For: 192.0.2.1'), '192.0.2.1 http shop.example')
  const byStandard = await startTold(t, { trustedProxies, proxyHeaders: 'forwarded' })
  assert.equal(await byStandard(...usual), own)
  assert.equal(
    await byStandard(...usual, 'Forwarded: for=192.0.2.1'),
    '192.0.2.1 http shop.example',
  )
})

/** Lines of `Forwarded`, and what is believed of them. */
const forwarded: Readonly<Record<string, string>> = {
  'for=192.0.2.1': '192.0.2.1 http shop.example',
  'For="192.0.2.1:80";Proto=https;Host="a.example:8443"': '192.0.2.1 https a.example:8443',
  'for="[2001:db8::1]:4711"; proto=https': '2001:db8::1 https shop.example',
  'for=6.6.6.6;host=evil, for=192.0.2.1;proto=https;host=a.example, for=10.0.0.1;proto=http':
    '192.0.2.1 https a.example',
  'for=6.6.6.6;proto=https|for=192.0.2.1': '192.0.2.1 http shop.example',
  // Written by the proxy that stands for the client.
  'for=unknown;proto=https': '127.0.0.1 https shop.example',
  'for=6.6.6.6, for=_hidden;host=a.example': '127.0.0.1 http a.example',
  'proto=https;host=a.example': '127.0.0.1 https a.example',
  'for=6.6.6.6;proto=https, for=10.0.0.1': '6.6.6.6 https shop.example',
  // A quotation that the client opens must not swallow what the proxy appends.
  'for=6.6.6.6;x=", for=192.0.2.1': own,
  'for=6.6.6.6;x=", for="[2001:db8::1]"': own,
  'for=6.6.6.6;x="|for=192.0.2.1': '192.0.2.1 http shop.example',
  'for=6.6.6.6;for=192.0.2.1': own,
  'for=6.6.6.6;': own,
  'for=6.6.6.6,': own,
  'for=6.6.6.6 for=192.0.2.1': own,
  'for= 192.0.2.1': own,
  for: own,
  '': own,
}

test('of Forwarded the element is believed that the outermost trusted proxy wrote', async (t) => {
  const told = await startTold(t, { trustedProxies, proxyHeaders: 'forwarded' })
  assert.ok(Object.keys(forwarded).length >= 15)
  for (const [lines, expected] of Object.entries(forwarded)) {
    const headers = lines.split('|').map((line) => `Forwarded: ${line}`)
    assert.equal(await told(...headers), expected, lines)
  }
})

test('a long line of Forwarded is read in time that grows with its length', () => {
  const startedMs = performance.now()
  for (const piece of ['a=b;', '"', 'a="\\', ' ', 'for=1,', 'a="b";']) {
    readForwarded(piece.repeat(65_536 / piece.length))
  }
  assert.ok(performance.now() - startedMs < 1000)
})

test('a host that a trusted proxy tells chooses no route', async (t) => {
  const { ask } = await startWorld(t, {
    file: (to) => ({
      trustedProxies,
      routes: [
        { host: 'shop.example', match: '/*', to },
        { host: 'open.example', match: '/*', to, auth: { mode: 'none' } },
      ],
    }),
  })
  const headers = ['X-Forwarded-Host', 'open.example']
  assert.equal((await ask({ path: '/a', headers })).status, 401)
})

test('over TLS the scheme is https', async (t) => {
  const folder = join(import.meta.dirname, 'tls')
  const tls = await readTlsFiles({
    certificateFile: join(folder, 'localhost-certificate.pem'),
    keyFile: join(folder, 'localhost-key.pem'),
  })
  const limits = {
    headerBytes: 16_384,
    headersTimeoutSeconds: 10,
    idleTimeoutSeconds: 60,
    requestTimeoutSeconds: 300,
    connections: 100,
  }
  const originOf = createOriginReader({ trustedProxies, proxyHeaders: 'x-forwarded' })
  const server = createGatewayServer(
    limits,
    createLog({ name: 'gateway', level: 'silent' }),
    (request, response) =>
      response.end(
        JSON.stringify(originOf({ request, fields: headerFields(request.rawHeaders) }, 'a')),
      ),
    { options: secureOptions(tls) },
  )
  t.after(() => drainServer(server))
  const port = await listen(server, { host: '127.0.0.1', port: 0 }, 'the test')
  const request = startRequest({ port, host: '127.0.0.1', agent: false, rejectUnauthorized: false })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const expected = { clientAddress: '127.0.0.1', scheme: 'https', host: 'a' }
  assert.deepEqual(await json(response), expected)
})
