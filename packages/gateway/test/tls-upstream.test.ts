import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

// Self-signed, for the name localhost alone. The key protects nothing: it is for these tests only.
const key = readFileSync(new URL('tls/localhost-key.pem', import.meta.url))
const cert = readFileSync(new URL('tls/localhost-certificate.pem', import.meta.url), 'utf8')

interface TlsWorld extends World {
  /** The Host of each request that arrived. */
  readonly hosts: string[]
  readonly connections: () => number
}

/** A gateway before a service that speaks TLS, under the given name. */
async function startTlsWorld(t: TestContext, name: string): Promise<TlsWorld> {
  const hosts: string[] = []
  let connections = 0
  const server = createServer({ key, cert }, (request, response) => {
    hosts.push(String(request.headers.host))
    response.end('ok')
  })
  server.on('secureConnection', () => {
    connections += 1
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const to = [`https://${name}:${port}`]
  const world = await startWorld(t, { file: () => ({ routes: [{ match: '/orders', to }] }) })
  return { ...world, hosts, connections: () => connections }
}

function trustTheService(t: TestContext): void {
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, cert])
  t.after(() => setDefaultCACertificates(trusted))
}

test('a service whose certificate is not trusted gets nothing', async (t) => {
  const { ask, issuer, hosts, log } = await startTlsWorld(t, 'localhost')
  const answer = await ask({ token: issuer.mint() })
  assert.equal(answer.status, 502)
  assert.equal(hosts.length, 0)
  assert.match(log(), /"code":"DEPTH_ZERO_SELF_SIGNED_CERT"/)
})

test('a trusted service gets the Host of the client, whatever it is, on one connection', async (t) => {
  trustTheService(t)
  const { ask, issuer, hosts, connections } = await startTlsWorld(t, 'localhost')
  for (const host of ['shop.example', 'evil.example', '127.0.0.1', 'localhost']) {
    const answer = await ask({ token: issuer.mint(), headers: ['Host', host] })
    assert.equal(answer.status, 200, host)
  }
  assert.deepEqual(hosts, ['shop.example', 'evil.example', '127.0.0.1', 'localhost'])
  assert.equal(connections(), 1)
})

test('the name in the certificate must be that of the file, not that of the Host', async (t) => {
  trustTheService(t)
  const { ask, issuer, hosts, log } = await startTlsWorld(t, '127.0.0.1')
  const answer = await ask({ token: issuer.mint(), headers: ['Host', 'localhost'] })
  assert.equal(answer.status, 502)
  assert.equal(hosts.length, 0)
  assert.match(log(), /"code":"ERR_TLS_CERT_ALTNAME_INVALID"/)
})
