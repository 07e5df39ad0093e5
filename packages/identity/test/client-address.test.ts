import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { boundPort, createHttpServer } from '../src/http/server.ts'
import { ask } from './http-client.ts'
import { alice, createLogInMemory, startRunningIdentity } from './running-identity.ts'

/** Asks a listener, whose peer is always 127.0.0.1, for whom it takes the client. */
async function addressTold(
  t: TestContext,
  trustedProxies: readonly string[],
  host = '127.0.0.1',
): Promise<(headers?: Readonly<Record<string, string>>) => Promise<string>> {
  const { log } = createLogInMemory()
  const app = createHttpServer(log, { issuer: 'https://id.example', trustedProxies })
  app.get('/', ({ ip, hostname, protocol }) => ({ ip, hostname, protocol }))
  t.after(() => app.close())
  await app.listen({ host, port: 0 })
  return async (headers = {}) => {
    const { ip, ...others } = (await ask(boundPort(app), { path: '/', headers })).members()
    assert.deepEqual(others, { hostname: headers['host'] ?? '127.0.0.1', protocol: 'http' })
    return String(ip)
  }
}

test('without trusted proxies the client is the peer, whatever it says', async (t) => {
  const tell = await addressTold(t, [])
  assert.equal(await tell(), '127.0.0.1')
  assert.equal(await tell({ 'x-forwarded-for': '192.0.2.1' }), '127.0.0.1')
  assert.equal(await tell({ forwarded: 'for=192.0.2.1', 'x-real-ip': '192.0.2.1' }), '127.0.0.1')
})

test('a peer that is no trusted proxy is not believed', async (t) => {
  const tell = await addressTold(t, ['10.0.0.0/8', 'fd00::/8'])
  assert.equal(await tell({ 'x-forwarded-for': '192.0.2.1' }), '127.0.0.1')
})

const chains: Readonly<Record<string, string>> = {
  '192.0.2.1': '192.0.2.1',
  // The client may write what it likes in front.
  '198.51.100.9, 192.0.2.1': '192.0.2.1',
  '10.0.0.1, 192.0.2.1': '192.0.2.1',
  '192.0.2.1, 10.0.0.1': '192.0.2.1',
  '198.51.100.9, 192.0.2.1, 10.0.0.1,10.0.0.2': '192.0.2.1',
  '192.0.2.1, ::ffff:10.0.0.1': '192.0.2.1',
  '192.0.2.1, ::ffff:a00:1': '192.0.2.1',
  // All of them trusted: the farthest that is known.
  '10.0.0.2, 10.0.0.1': '10.0.0.2',
  '': '127.0.0.1',
  // What is no address was written by the proxy behind it, which stands for the client then.
  unknown: '127.0.0.1',
  '192.0.2.1, unknown': '127.0.0.1',
  '192.0.2.1, unknown, 10.0.0.1': '10.0.0.1',
  '192.0.2.1, ': '127.0.0.1',
  '0x0a.0.0.1': '127.0.0.1',
  '::ffff:192.0.2.1': '192.0.2.1',
  '2001:DB8:0::1': '2001:db8::1',
  '192.0.2.1:4711': '192.0.2.1',
  '[2001:db8::1]:4711': '2001:db8::1',
  '[2001:db8::1]': '2001:db8::1',
  'fe80::1%eth0': 'fe80::1',
}

test('behind trusted proxies the client is the last address that none of them has', async (t) => {
  const tell = await addressTold(t, ['127.0.0.0/8', '10.0.0.0/8'])
  assert.ok(Object.keys(chains).length > 10)
  for (const [chain, client] of Object.entries(chains)) {
    assert.equal(await tell({ 'x-forwarded-for': chain }), client, chain)
  }
})

test('host and scheme of a request are never those that a proxy claims', async (t) => {
  const tell = await addressTold(t, ['127.0.0.1'])
  const claimed = {
    host: 'id.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '192.0.2.1',
  }
  assert.equal(await tell(claimed), '192.0.2.1')
})

test('a listener for both families sees an IPv4 client as IPv4', async (t) => {
  const tell = await addressTold(t, ['127.0.0.1'], '::')
  assert.equal(await tell(), '127.0.0.1')
  assert.equal(await tell({ 'x-forwarded-for': '192.0.2.1' }), '192.0.2.1')
})

test('the owner of a session sees the address behind the trusted proxies', async (t) => {
  const identity = await startRunningIdentity({ file: { trustedProxies: ['127.0.0.1'] } })
  t.after(identity.close)
  const { identifier, password } = alice
  const answer = await identity.ask({
    method: 'POST',
    path: '/login',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.7, 192.0.2.1' },
    body: JSON.stringify({ identifier, password }),
  })
  assert.equal(answer.status, 200)
  const rows = await identity.query('SELECT network FROM sessions')
  assert.deepEqual(
    rows.map(({ network }) => network),
    ['192.0.2.1'],
  )
})
