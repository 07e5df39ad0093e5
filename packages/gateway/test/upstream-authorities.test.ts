import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { createLog, StartError } from '@portcullis/runtime'
import { parseGatewaySettings, startGateway } from '../src/index.ts'
import type { FileWorld } from './file-world.ts'
import { open, startFileWorld } from './file-world.ts'
import { ask } from './http-client.ts'
import type { PairName } from './tls-files.ts'
import { certificateOf, keyOf } from './tls-files.ts'

interface SecureService {
  readonly port: number
  /** The Authorization of each request that has arrived. */
  readonly tokens: (string | undefined)[]
  readonly connections: () => number
  /** Answers of `/held` that are not ended. */
  readonly held: ServerResponse[]
}

async function startSecureService(t: TestContext, name: PairName): Promise<SecureService> {
  const tokens: (string | undefined)[] = []
  const held: ServerResponse[] = []
  let connections = 0
  const server = createServer(
    { key: keyOf(name), cert: certificateOf(name) },
    (request, response) => {
      tokens.push(request.headers.authorization)
      if (request.url === '/held') held.push(response)
      else response.end('ok')
    },
  )
  server.on('secureConnection', () => {
    connections += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return { port, tokens, connections: () => connections, held }
}

interface TrustingWorld extends FileWorld {
  readonly trust: (pem: string) => void
  readonly askWithToken: (path?: string) => Promise<number>
}

/** A gateway before the service of that origin, which trusts `authority` alone until the test says otherwise. */
async function startTrustingWorld(t: TestContext, origin: string): Promise<TrustingWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-authorities-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const ca = join(folder, 'ca.pem')
  const trust = (pem: string): void => writeFileSync(ca, pem)
  trust(certificateOf('authority'))
  const world = await startFileWorld(t, { upstreamTls: { ca }, routes: [open('/*', [origin])] })
  return {
    ...world,
    trust,
    askWithToken: async (path = '/a') => {
      const { status } = await ask(world.gateway.port, { path, token: 'a.token.of-somebody' })
      return status
    },
  }
}

test('a service is trusted by the authorities of the file, and what they have not signed gets no token', async (t) => {
  const trusted = await startSecureService(t, 'service')
  const world = await startTrustingWorld(t, `https://localhost:${trusted.port}`)
  assert.equal(await world.askWithToken(), 200)
  assert.deepEqual(trusted.tokens, ['Bearer a.token.of-somebody'])
  const cases: readonly (readonly [PairName, host: string, code: string])[] = [
    ['localhost', 'localhost', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['expired', 'localhost', 'CERT_HAS_EXPIRED'],
    ['shop', 'localhost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['service', '127.0.0.1', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ]
  for (const [name, host, code] of cases) {
    const service = await startSecureService(t, name)
    const { askWithToken, log } = await startTrustingWorld(t, `https://${host}:${service.port}`)
    assert.equal(await askWithToken(), 502, name)
    assert.deepEqual(service.tokens, [], name)
    const line = `"upstream":"https://${host}:${service.port}","code":"${code}","msg":"the upstream failed"`
    assert.ok(log().includes(line), `${name}: ${log()}`)
    assert.ok(!log().includes('a.token'), name)
  }
})

test('a connection does not outlive the authority that it was trusted by, and no request is dropped', async (t) => {
  const service = await startSecureService(t, 'service')
  const { trust, tick, askWithToken, log } = await startTrustingWorld(
    t,
    `https://localhost:${service.port}`,
  )
  for (let count = 0; count < 3; count += 1) assert.equal(await askWithToken(), 200)
  assert.equal(service.connections(), 1)
  const held = askWithToken('/held')
  while (service.held.length === 0) await tick()
  trust(certificateOf('other-authority'))
  await tick()
  assert.equal(await askWithToken(), 502)
  service.held[0]?.end('held')
  assert.equal(await held, 200)
  assert.equal(service.tokens.length, 4)
  trust(certificateOf('other-authority') + certificateOf('authority'))
  await tick()
  assert.equal(await askWithToken(), 200)
  assert.match(log(), /other authorities are trusted for services/)
})

test('a bad file of authorities leaves those before it trusted, and that is told', async (t) => {
  const service = await startSecureService(t, 'service')
  const world = await startTrustingWorld(t, `https://localhost:${service.port}`)
  const { trust, tick, askWithToken, warnings, log, gateway } = world
  const good = certificateOf('authority')
  for (const bad of [
    '',
    'no PEM',
    good.slice(0, 200),
    good + good.slice(0, 200),
    keyOf('service'),
  ]) {
    trust(bad)
    await tick()
    assert.deepEqual(await warnings(), ['upstream-authorities-refused'])
    assert.equal(await askWithToken(), 200)
  }
  await gateway.reload()
  assert.deepEqual(await warnings(), ['upstream-authorities-refused'])
  assert.match(log(), /\/upstreamTls\/ca the file .*ca\.pem holds no certificates in PEM/)
  trust(good)
  await tick()
  assert.equal(await warnings(), undefined)
  assert.equal(service.connections(), 1)
})

test('at the start a file of authorities that is bad is a mistake, beside those of certificates', async () => {
  const settings = parseGatewaySettings({
    listen: { port: 0, tls: { cert: '/nowhere/a', key: '/nowhere/b' } },
    issuer: 'https://id.example',
    upstreamTls: { ca: '/nowhere/c' },
    routes: [{ match: '/*', to: ['https://a.example'], auth: { mode: 'none' } }],
  })
  await assert.rejects(
    startGateway(settings, { log: createLog({ name: 'gateway', level: 'silent' }) }),
    (error) => {
      assert.ok(error instanceof StartError)
      assert.match(error.message, /\/listen\/tls the certificate file/)
      assert.match(
        error.message,
        /\/upstreamTls\/ca the file \/nowhere\/c cannot be read \(ENOENT\)/,
      )
      return true
    },
  )
})
