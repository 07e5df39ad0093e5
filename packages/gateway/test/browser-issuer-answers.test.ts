import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertProblem, cookieName, openBrowser, startBrowserWorld } from './browser-world.ts'
import { ask } from './http-client.ts'
import type { Scripted } from './issuer-wire.ts'

const tokens = { access_token: 'a.b.c', expires_in: 300, session_id: 'x' }
const cookie = '__Host-portcullis_refresh=prt_x; Max-Age=10; Path=/; HttpOnly; Secure'

/** What identity, or something in front of it, may answer to a refresh. */
const answers: readonly (readonly [Scripted, status: number, code: string])[] = [
  [{ status: 400, body: { error: 'invalid_target' } }, 403, 'insufficient-scope'],
  // A token that would be too large, or one that wants a proof of a key.
  [{ status: 400, body: { error: 'invalid_request' } }, 403, 'insufficient-scope'],
  [{ status: 400, body: { error: 'invalid_dpop_proof' } }, 403, 'insufficient-scope'],
  [{ status: 401, body: { error: 'invalid_client' } }, 503, 'identity-unavailable'],
  [{ status: 500, body: {} }, 503, 'identity-unavailable'],
  [{ status: 503, body: {}, headers: { 'retry-after': '4' } }, 503, 'identity-unavailable'],
  [{ status: 429, body: {}, headers: { 'retry-after': '4' } }, 503, 'identity-unavailable'],
  [{ status: 200, body: 'a page' }, 503, 'identity-unavailable'],
  [{ status: 200, body: 'x'.repeat(70_000) }, 503, 'identity-unavailable'],
  [{ status: 200, body: tokens }, 503, 'identity-unavailable'],
  [{ status: 200, body: {}, headers: { 'set-cookie': cookie } }, 503, 'identity-unavailable'],
  [
    { status: 302, body: {}, headers: { location: 'http://127.0.0.1:9/' } },
    503,
    'identity-unavailable',
  ],
]

test('whatever identity answers to a refresh, nobody is let in by it, signed out by it or left waiting for long', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode()
  const [browser, other] = [openBrowser(node), openBrowser(node)]
  for (const each of [browser, other]) assert.equal((await each.signIn()).status, 200)
  assert.equal((await other.ask()).status, 200)
  const kept = browser.cookie()
  for (const [answer, status, code] of answers) {
    world.wire.decide(({ path }) => (path === '/token' ? answer : 'through'))
    const refused = await browser.ask()
    assertProblem(refused, status, code)
    if (status === 503) {
      const retryAfter = answer.headers?.['retry-after'] ?? '1'
      assert.equal(refused.headers['retry-after'], retryAfter)
    }
    assert.equal(browser.cookie(), kept)
    assert.equal((await other.ask()).status, 200)
    world.wire.decide(() => 'through')
    // What is wrong with one session keeps no other one waiting.
    const fresh = openBrowser(node)
    assert.equal((await fresh.signIn()).status, 200)
    assert.equal((await fresh.ask()).status, status === 403 ? 200 : 503)
    // As long as a refusal is remembered.
    world.advanceSeconds(10)
  }
  assert.equal((await browser.ask()).status, 200)
  assert.doesNotMatch(node.log(), /prt_|eyJ/)
})

test('a login that identity answers in an unknown way is no login', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode()
  const browser = openBrowser(node)
  for (const answer of [
    { status: 200, body: tokens },
    { status: 200, body: { session_id: 'x' }, headers: { 'set-cookie': cookie } },
    { status: 400, body: { code: 'unknown-client', detail: 'web' } },
    { status: 403, body: { code: 'cross-origin' } },
    { status: 500, body: { code: 'bad-credentials' } },
    { status: 404, body: 'not found' },
  ]) {
    world.wire.decide(({ path }) => (path === '/login' ? answer : 'through'))
    assertProblem(await browser.signIn(), 503, 'identity-unavailable')
    assert.equal(browser.cookie(), undefined)
  }
})

test('nobody keeps identity from others by a request that is as large as the gateway takes', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode()
  // With its own fields around it, more than identity takes of a header.
  const headers = ['User-Agent', 'a'.repeat(16_150), 'Cookie', `${cookieName}=x`]
  assertProblem(await ask(node.port, { path: '/orders/1', headers }), 401, 'invalid-token')
  const { headers: seen } = world.wire.seenAt('/token').at(-1) ?? assert.fail()
  assert.equal(seen['user-agent'], 'a'.repeat(512))
  const browser = openBrowser(node)
  assert.equal((await browser.signIn()).status, 200)
  assert.equal((await browser.ask({ path: '/orders/1' })).status, 200)
})
