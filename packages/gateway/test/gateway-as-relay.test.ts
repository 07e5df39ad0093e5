import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { StartError } from '@portcullis/runtime'
import type { Fetch } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { Agent } from 'undici'
import { parseGatewaySettings } from '../src/index.ts'
import { fateOf, feedToken, healthOf, statusAt } from './relay-world.ts'
import { waitUntil } from './wait-until.ts'
import { certificateOf, pathsOf } from './tls-files.ts'
import { startWorld } from './world.ts'

const sid = 'A'.repeat(22)

test('a gateway hands on the feed that it follows to services beside it, by its one stream', async (t) => {
  const { issuer, port, ask } = await startWorld(t, { file: () => ({ relay: {} }) })
  const relay = `http://127.0.0.1:${port}/_portcullis`
  await waitUntil(async () => (await statusAt(`${relay}/revocations/snapshot`)) === 200, 'the feed')
  const service = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: { relay },
  })
  t.after(service.close)
  await service.ready()
  await waitUntil(() => healthOf(service).counts.framesApplied > 0, 'a frame')
  assert.equal(healthOf(service).source, 'relay')
  const token = issuer.mint({ sid })
  assert.equal((await ask({ token })).status, 200)
  issuer.revoke({ sid })
  await waitUntil(async () => (await fateOf(service, token)) === 'revoked', 'a refusal')
  await waitUntil(async () => (await ask({ token })).status === 401, 'a refusal of the gateway')
  assert.equal(healthOf(service).source, 'relay')
  assert.equal(issuer.feedRequests.stream, 1)
})

/** What the types of `fetch` leave out. */
function fetchBy(dispatcher: Agent): Fetch {
  return (input, init) => {
    const by = { ...init, dispatcher }
    return fetch(input, by)
  }
}

test('over TLS, by HTTP/1.1 or HTTP/2, services of other hosts read the feed of a gateway too', async (t) => {
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, certificateOf('authority')])
  t.after(() => setDefaultCACertificates(trusted))
  const listen = { port: 0, tls: pathsOf('service') }
  const { issuer, port } = await startWorld(t, { file: () => ({ listen, relay: {} }) })
  const relay = `https://localhost:${port}/_portcullis`
  await waitUntil(async () => (await statusAt(`${relay}/revocations/snapshot`)) === 200, 'the feed')
  const overHttp1 = new Agent({ allowH2: false })
  const overHttp2 = new Agent({ allowH2: true })
  t.after(() => Promise.all([overHttp1.destroy(), overHttp2.destroy()]))
  for (const dispatcher of [overHttp1, overHttp2]) {
    const service = createVerifier({
      issuer: issuer.issuer,
      audience: 'orders',
      revocation: { relay },
      fetch: fetchBy(dispatcher),
    })
    t.after(service.close)
    await service.ready()
    await waitUntil(() => healthOf(service).counts.framesApplied > 0, 'a frame')
    assert.equal(healthOf(service).source, 'relay')
    const token = issuer.mint({ sid: dispatcher === overHttp1 ? sid : 'B'.repeat(22) })
    issuer.revoke({ sid: dispatcher === overHttp1 ? sid : 'B'.repeat(22) })
    await waitUntil(async () => (await fateOf(service, token)) === 'revoked', 'a refusal')
    assert.equal(healthOf(service).source, 'relay')
  }
})

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

test('who may not read the feed of the issuer gets it from no gateway', async (t) => {
  const { issuer, port } = await startWorld(t, { file: () => ({ relay: {} }) })
  const snapshot = `http://127.0.0.1:${port}/_portcullis/revocations/snapshot`
  await waitUntil(async () => (await statusAt(snapshot)) === 200, 'the feed')
  assert.equal(await statusAt(snapshot, bearer(feedToken(issuer))), 200)
  assert.equal(await statusAt(snapshot, bearer(issuer.mint())), 401)
  assert.equal(await statusAt(snapshot, bearer(feedToken(issuer, { scope: 'orders:read' }))), 403)
})

test('a gateway that is not told to hands on nothing', async (t) => {
  const { ask } = await startWorld(t)
  assert.equal((await ask({ path: '/_portcullis/revocations/snapshot' })).status, 404)
})

function assertMistaken(settings: object): void {
  assert.throws(
    () => parseGatewaySettings(settings),
    (error) => error instanceof StartError && /\/relay has no effect/.test(error.message),
  )
}

test('to hand on a feed that is not followed is a mistake of the file', () => {
  const file = {
    listen: { port: 0 },
    issuer: 'https://id.example',
    relay: {},
    auth: { mode: 'none' },
    routes: [{ match: '/public', to: ['http://127.0.0.1:1'] }],
  }
  assertMistaken(file)
  const judged = { ...file, auth: { audience: 'orders' } }
  assert.deepEqual(parseGatewaySettings(judged).relay, {
    followers: 4096,
    followersPerClient: 1024,
  })
  assertMistaken({ ...judged, revocation: 'untilExpiry' })
})
