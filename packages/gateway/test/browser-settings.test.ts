import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { NewClient } from '@portcullis/identity'
import { newClientCredential } from '@portcullis/identity'
import { StartError } from '@portcullis/runtime'
import { parseGatewaySettings } from '../src/index.ts'
import { assertProblem, openBrowser, startBrowserWorld } from './browser-world.ts'

const to = ['http://127.0.0.1:4001']
const smallest = {
  listen: { port: 4003 },
  issuer: 'https://id.example',
  routes: [{ match: '/orders/*', to, auth: { audience: 'orders' } }],
}

function mistakesIn(file: object): readonly string[] {
  try {
    parseGatewaySettings({ ...smallest, ...file })
    return []
  } catch (error) {
    assert.ok(error instanceof StartError)
    return [...error.message.matchAll(/(\/[\w/]*)[: ]/g)].map(([, path = '']) => path)
  }
}

test('browser mode has defaults for everything, and mistakes in it are named', () => {
  const { browser } = parseGatewaySettings({ ...smallest, browser: {} })
  const defaults = { client: 'web', clientFile: undefined, audiences: undefined, sessions: 20_000 }
  assert.deepEqual(browser, defaults)
  assert.ok(mistakesIn({ browser: { cookie: 'x' } }).includes('/browser/cookie'))
  assert.ok(mistakesIn({ browser: { sessions: 0 } }).includes('/browser/sessions'))
  assert.ok(mistakesIn({ browser: { audiences: [] } }).includes('/browser/audiences'))
  assert.ok(mistakesIn({ browser: { client: 'a', clientFile: 'b' } }).includes('/browser/client'))
  const open = [{ match: '/*', to, auth: { mode: 'none' } }]
  assert.ok(mistakesIn({ browser: {}, routes: open }).includes('/browser'))
})

/** A client with a secret, whose refresh tokens are good for nothing without it. */
function backendClient(t: TestContext): { client: NewClient; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-gateway-'))
  t.after(() => rmSync(folder, { recursive: true, maxRetries: 5 }))
  const credential = newClientCredential()
  const path = join(folder, 'client.json')
  const { clientId, clientSecret } = credential
  writeFileSync(path, JSON.stringify({ client_id: clientId, client_secret: clientSecret }))
  const members = { ...credential, name: 'shop', audiences: ['orders'], scopes: [] }
  // As an administrator makes them.
  const client = { ...members, grants: ['login', 'refresh_token'] } as unknown as NewClient
  return { client, path }
}

test('a gateway can be a client with a secret, without which its cookies are good for nothing', async (t) => {
  const { client, path } = backendClient(t)
  const world = await startBrowserWorld(t, { clients: [client] })
  const node = await world.startNode({ browser: { clientFile: path } })
  const browser = openBrowser(node)
  const signedIn = await browser.signIn()
  assert.equal(signedIn.status, 200, signedIn.body)
  const other = openBrowser(await world.startNode())
  other.plant(browser.cookie())
  const refused = await other.ask()
  assert.ok(refused.status === 401 || refused.status === 503, refused.body)
  assert.equal((await browser.ask()).status, 200)
  assert.equal(world.wire.seenAt('/token').length, 1, 'the token of the login is for this service')
  // The session is for no other service.
  const reviews = await browser.ask({ path: '/reviews/1' })
  assertProblem(reviews, 403, 'insufficient-scope')
  assert.equal((await browser.session()).json()['signed_in'], true)
})

test('a login asks for the audiences of the file', async (t) => {
  const world = await startBrowserWorld(t)
  const browser = openBrowser(await world.startNode({ browser: { audiences: ['reviews'] } }))
  assert.equal((await browser.signIn()).status, 200)
  assertProblem(await browser.ask(), 403, 'insufficient-scope')
  assert.equal((await browser.ask({ path: '/reviews/1' })).status, 200)
  const { subject } = (await browser.session()).json()
  assert.match(String(subject), /^[\w-]{22}$/)
})

test('a client of identity that cannot be used is an error of the gateway, not of people', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode({ browser: { client: 'nobody' } })
  assertProblem(await openBrowser(node).signIn(), 503, 'identity-unavailable')
  assert.match(node.log(), /"code":"unknown-client".*identity refuses what the gateway asks/)
})

test('a new file keeps what is known of sessions, where it asks identity as before', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode()
  const browser = openBrowser(node)
  assert.equal((await browser.signIn()).status, 200)
  assert.equal((await browser.ask()).status, 200)
  const file = {
    listen: { port: 0 },
    issuer: world.issuer,
    revocation: { maxStalenessSeconds: 3600 },
    routes: [{ match: '/*', to: [world.service.origin], auth: { audience: 'orders' } }],
  }
  await node.gateway.reload(parseGatewaySettings({ ...file, browser: {} }))
  assert.equal((await browser.ask({ path: '/anything' })).status, 200)
  assert.equal(world.wire.seenAt('/token').length, 1)
  const other = parseGatewaySettings({ ...file, browser: { sessions: 1 } })
  // What another worker could not take, none takes.
  ;(await node.gateway.prepare(other)).abandon()
  await node.gateway.reload(parseGatewaySettings({ ...file, browser: {} }))
  assert.equal((await browser.ask()).status, 200)
  assert.equal(world.wire.seenAt('/token').length, 1)
  await node.gateway.reload(other)
  assert.equal((await browser.ask()).status, 200)
  assert.equal(world.wire.seenAt('/token').length, 2)
  const clientFile = '/nowhere/client.json'
  const mistaken = parseGatewaySettings({ ...file, browser: { clientFile } })
  await assert.rejects(node.gateway.reload(mistaken), StartError)
  assert.equal((await browser.ask()).status, 200)
  await node.gateway.reload(parseGatewaySettings(file))
  assertProblem(await browser.ask(), 401, 'missing-token')
})

test('with room for one session, two browsers still go on', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode({ browser: { sessions: 1 } })
  const browsers = [openBrowser(node), openBrowser(node)]
  for (const browser of browsers) assert.equal((await browser.signIn()).status, 200)
  for (let round = 0; round < 3; round += 1) {
    const answers = await Promise.all(browsers.map((browser) => browser.ask()))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
  }
})
