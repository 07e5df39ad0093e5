import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { createVerifier } from '@portcullis/verify'
import { parseGatewaySettings } from '../src/index.ts'
import { fateOf, feedToken, healthOf, statusAt, until } from './relay-world.ts'
import { startWorld } from './world.ts'

const sid = 'A'.repeat(22)

test('a gateway hands on the feed that it follows to services beside it, by its one stream', async (t) => {
  const { issuer, port, ask } = await startWorld(t, { file: () => ({ relay: {} }) })
  const relay = `http://127.0.0.1:${port}/_portcullis`
  await until(async () => (await statusAt(`${relay}/revocations/snapshot`)) === 200, 'the feed')
  const service = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: { relay },
  })
  t.after(service.close)
  await service.ready()
  await until(() => healthOf(service).counts.framesApplied > 0, 'a frame')
  assert.equal(healthOf(service).source, 'relay')
  const token = issuer.mint({ sid })
  assert.equal((await ask({ token })).status, 200)
  issuer.revoke({ sid })
  await until(async () => (await fateOf(service, token)) === 'revoked', 'a refusal')
  await until(async () => (await ask({ token })).status === 401, 'a refusal of the gateway')
  assert.equal(healthOf(service).source, 'relay')
  assert.equal(issuer.feedRequests.stream, 1)
})

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

test('who may not read the feed of the issuer gets it from no gateway', async (t) => {
  const { issuer, port } = await startWorld(t, { file: () => ({ relay: {} }) })
  const snapshot = `http://127.0.0.1:${port}/_portcullis/revocations/snapshot`
  await until(async () => (await statusAt(snapshot)) === 200, 'the feed')
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
