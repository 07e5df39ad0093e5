import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createLog, StartError } from '@portcullis/runtime'
import { createTestIssuer } from '@portcullis/verify/testing'
import { parseGatewaySettings, startGateway } from '../src/index.ts'
import type { World } from './world.ts'
import { startWorld } from './world.ts'

const patienceMs = 2000

async function statusWith({ ask }: World, token: string): Promise<number> {
  return (await ask({ token })).status
}

async function untilRefused(world: World, token: string): Promise<number> {
  const startedAt = performance.now()
  while ((await statusWith(world, token)) !== 401) {
    assert.ok(performance.now() - startedAt < patienceMs, 'the token is still taken')
  }
  return performance.now() - startedAt
}

test('a token whose session was ended is refused at once, and others go on', async (t) => {
  const world = await startWorld(t)
  const { issuer } = world
  const [ended, other] = ['AAAAAAAAAAAAAAAAAAAAAA', 'BBBBBBBBBBBBBBBBBBBBBB'].map((sid) =>
    issuer.mint({ sid }),
  )
  assert.ok(ended !== undefined && other !== undefined)
  assert.equal(await statusWith(world, ended), 200)
  issuer.revoke({ sid: 'AAAAAAAAAAAAAAAAAAAAAA' })
  t.diagnostic(`refused ${(await untilRefused(world, ended)).toFixed(1)} ms after the revocation`)
  assert.equal(await statusWith(world, other), 200)
  assert.doesNotMatch(world.log(), /AAAAAAAAAAAAAAAAAAAAAA/)
})

test('an issuer that publishes no feed must be named as such', async (t) => {
  const plain = { issuer: { feed: false } as const }
  const followed = await startWorld(t, {
    ...plain,
    file: () => ({ operations: { port: 0 } }),
  })
  const old = followed.issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
  assert.equal(await statusWith(followed, old), 401)
  const unfollowed = await startWorld(t, {
    ...plain,
    file: () => ({ revocation: 'untilExpiry' }),
  })
  const accepted = unfollowed.issuer.mint({ iat: Math.floor(Date.now() / 1000) - 60 })
  assert.equal(await statusWith(unfollowed, accepted), 200)
})

async function untilLogged(world: World, what: RegExp): Promise<void> {
  const startedAt = performance.now()
  while (!what.test(world.log())) {
    assert.ok(performance.now() - startedAt < 5_000, `not logged: ${what}`)
    await setTimeout(20)
  }
}

test('a gateway that loses the feed stays ready, because young tokens still pass, and logs the loss and its end', async (t) => {
  let now = Date.now()
  const world = await startWorld(t, {
    issuer: { now: () => now },
    file: () => ({ operations: { port: 0 } }),
  })
  const { issuer } = world
  const ready = `http://127.0.0.1:${world.operationsPort}/health/ready`
  assert.equal((await fetch(ready)).status, 200)
  const old = issuer.mint({ iat: Math.floor(now / 1000) - 60 })
  assert.equal(await statusWith(world, old), 200)
  issuer.goDown()
  now += 31_000
  assert.equal(await statusWith(world, old), 401)
  assert.equal(await statusWith(world, issuer.mint()), 200)
  assert.equal((await fetch(ready)).status, 200)
  await untilLogged(world, /"level":40.*PORTCULLIS_REVOCATION_STALE.* is lost \(number 1\): /)
  issuer.comeBack()
  await untilLogged(world, /PORTCULLIS_REVOCATION_FRESH.* is fresh again: it was too old for/)
  assert.equal(world.log().match(/PORTCULLIS_REVOCATION_(STALE|FRESH)/g)?.length, 2)
})

test('a route that wants a fresher word than the others refuses before them', async (t) => {
  let now = Date.now()
  const world = await startWorld(t, {
    issuer: { now: () => now },
    file: (to) => ({
      routes: [
        { match: '/orders/*', to },
        { match: '/orders/refunds/*', to, auth: { maxStalenessSeconds: 5 } },
      ],
      operations: { port: 0 },
    }),
  })
  const { issuer, ask } = world
  const token = issuer.mint({ iat: Math.floor(now / 1000) - 60 })
  const path = '/orders/refunds/1'
  assert.equal((await ask({ token, path })).status, 200)
  issuer.goDown()
  now += 6_000
  assert.equal(await statusWith(world, token), 200)
  const refused = await ask({ token, path })
  assert.equal(refused.status, 401)
  assert.match(String(refused.headers['www-authenticate']), /error_description="stale"/)
  assert.equal((await ask({ token: issuer.mint(), path })).status, 200)
})

test('a gateway keeps what it knows to be revoked, and logs what is wrong with the file', async (t) => {
  const stateFile = fileWith(t, {})
  const options = { file: () => ({ revocation: { stateFile } }) }
  const world = await startWorld(t, options)
  const { issuer } = world
  const token = issuer.mint({ sid: 'A'.repeat(22) })
  assert.equal(await statusWith(world, token), 200)
  assert.match(world.log(), /PORTCULLIS_STATE_FILE.*is not used/, 'the file was no state')
  issuer.revoke({ sid: 'A'.repeat(22) })
  await untilRefused(world, token)
  await world.close()
  const kept = readFileSync(stateFile, 'latin1')
  assert.ok(kept.startsWith(`{"version":1,"iss":"${issuer.issuer}"`))
})

/** A file with this content, which goes with the test. */
function fileWith(t: TestContext, content: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-gateway-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  const path = join(folder, 'client.json')
  writeFileSync(path, JSON.stringify(content))
  return path
}

test('the feed is read with the credential of the client file', async (t) => {
  const issuer = await createTestIssuer({ clients: { 'the-gateway': 'its secret' } })
  const clientFile = fileWith(t, { client_id: 'the-gateway', client_secret: 'its secret' })
  const settings = parseGatewaySettings({
    listen: { port: 0 },
    operations: { port: 0 },
    issuer: issuer.issuer,
    clientFile,
    auth: { audience: 'orders' },
    routes: [{ match: '/orders/*', to: ['http://127.0.0.1:9'] }],
  })
  const gateway = await startGateway(settings, {
    log: createLog({ name: 'gateway', level: 'silent' }),
  })
  t.after(async () => {
    await gateway.close()
    await issuer.close()
  })
  const ready = `http://127.0.0.1:${gateway.operationsPort}/health/ready`
  assert.equal((await fetch(ready)).status, 200)
  assert.equal(issuer.requests.token, 1)
})

test('a client file that is wrong stops the start and repeats nothing of it', async (t) => {
  const clientFile = fileWith(t, { client_id: 'the-gateway', secret: 'its secret' })
  const settings = parseGatewaySettings({
    listen: { port: 0 },
    issuer: 'https://id.example',
    clientFile,
    routes: [{ match: '/orders/*', to: ['http://127.0.0.1:9'], auth: { audience: 'orders' } }],
  })
  const log = createLog({ name: 'gateway', level: 'silent' })
  await assert.rejects(startGateway(settings, { log }), (error) => {
    assert.ok(error instanceof StartError)
    assert.match(error.message, /client_secret/)
    assert.doesNotMatch(error.message, /its secret/)
    return true
  })
})
