import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, BrowserWorld, Node } from './browser-world.ts'
import {
  accessTokenSeconds,
  admin,
  alice,
  assertProblem,
  graceSeconds,
  openBrowser,
  setCookieOf,
  startBrowserWorld,
} from './browser-world.ts'
import type { Answer } from './http-client.ts'

const path = '/orders/1'

interface SignedIn extends BrowserWorld {
  readonly node: Node
  readonly browser: Browser
  /** How often identity was asked for an access token. */
  readonly refreshes: () => number
}

async function startSignedIn(t: Parameters<typeof startBrowserWorld>[0]): Promise<SignedIn> {
  const world = await startBrowserWorld(t)
  const node = await world.startNode()
  const browser = openBrowser(node)
  assert.equal((await browser.signIn()).status, 200)
  return { ...world, node, browser, refreshes: () => world.wire.seenAt('/token').length }
}

function assertServed(answer: Answer): void {
  assert.equal(answer.status, 200, answer.body)
}

/** The browser has lost its session, and knows it. */
function assertSignedOut(answer: Answer, browser: Browser): void {
  assertProblem(answer, 401, 'invalid-token')
  assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="orders", error=/)
  assert.equal(browser.cookie(), undefined)
}

/** Asks until it is refused, as the feed brings it. */
async function untilRefused(asking: () => Promise<Answer>): Promise<Answer> {
  const startedMs = performance.now()
  for (;;) {
    const answer = await asking()
    if (answer.status !== 200) return answer
    assert.ok(performance.now() - startedMs < 5000, 'it is still served')
    await sleep(10)
  }
}

function claimsOf(authorization: string | undefined): Record<string, unknown> {
  const [, payload = ''] = (authorization ?? '').split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

// ASVS 10.1.1.
test('whoever signs in at the gateway gets a cookie and no token, and the service a token and no cookie', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode()
  const browser = openBrowser(node)
  const signedIn = await browser.signIn()
  assertServed(signedIn)
  const { session_id: sessionId, expires_at: expiresAt, ...members } = signedIn.json()
  assert.deepEqual(members, { signed_in: true })
  assert.match(String(sessionId), /^[\w-]{22}$/)
  assert.equal(signedIn.headers['cache-control'], 'no-store')
  assert.equal(setCookieOf(signedIn)?.maxAgeSeconds, 14 * 24 * 3600)

  const answer = await browser.ask({ path })
  assertServed(answer)
  const [request] = world.service.requests
  assert.match(String(request?.all('authorization')), /^Bearer eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
  assert.deepEqual(request?.all('cookie'), ['theme=dark; a="b'])

  const told = await browser.session()
  const { subject, authenticated_at: authenticatedAt, ...rest } = told.json()
  assert.equal(subject, claimsOf(request?.all('authorization')[0])['sub'])
  assert.equal(authenticatedAt, '2026-11-22T03:30:15.000Z')
  assert.deepEqual(rest, { signed_in: true, session_id: sessionId, expires_at: expiresAt })

  const everything = [signedIn, answer, told].map((one) => one.body + one.rawHeaders.join('\n'))
  assert.doesNotMatch(everything.join(''), /eyJ/)
  assert.doesNotMatch(node.log() + world.logged(), /eyJ|prt_/)
  assert.match(node.log(), /"route":"\/_portcullis\/login","status":200/)
})

test('a hundred requests at once with a cookie that is new here are one refresh, with one successor', async (t) => {
  const { browser, refreshes, service } = await startSignedIn(t)
  const cookie = browser.cookie()
  const answers = await Promise.all(Array.from({ length: 100 }, () => browser.ask({ path })))
  answers.forEach(assertServed)
  assert.equal(refreshes(), 1)
  const successors = new Set(answers.map((answer) => setCookieOf(answer)?.value))
  assert.equal(successors.size, 1)
  assert.ok(!successors.has(cookie))
  assert.equal(new Set(service.requests.map((one) => one.all('authorization')[0])).size, 1)
  const after = await browser.ask({ path })
  assert.equal(after.headers['set-cookie'], undefined, 'it has the newest already')
  assert.equal(refreshes(), 1)
})

test('a service gets a token for itself alone', async (t) => {
  const { browser, service } = await startSignedIn(t)
  for (const asked of [path, '/reviews/1', path]) assertServed(await browser.ask({ path: asked }))
  const audiences = service.requests.map((one) => claimsOf(one.all('authorization')[0])['aud'])
  assert.deepEqual(audiences, ['orders', 'reviews', 'orders'])
})

test('an access token is exchanged before it expires, and nobody notices', async (t) => {
  const { browser, refreshes, advanceSeconds } = await startSignedIn(t)
  assertServed(await browser.ask({ path }))
  const first = browser.cookie()
  advanceSeconds(accessTokenSeconds - 60)
  assertServed(await browser.ask({ path }))
  const before = refreshes()
  advanceSeconds(45)
  assertServed(await browser.ask({ path }))
  assert.equal(refreshes(), before + 1)
  assert.notEqual(browser.cookie(), first)
})

test('a session that nobody uses is over after its idle time', async (t) => {
  const world = await startBrowserWorld(t, { identity: { sessionIdleSeconds: 400 } })
  const browser = openBrowser(await world.startNode())
  assertServed(await browser.signIn())
  for (let use = 0; use < 3; use += 1) {
    world.advanceSeconds(310)
    const answer = await browser.ask({ path })
    assertServed(answer)
    assert.equal(setCookieOf(answer)?.maxAgeSeconds, 400)
  }
  world.advanceSeconds(401)
  assertSignedOut(await browser.ask({ path }), browser)
})

test('an answer of identity that is lost costs nobody the session, however late the next try comes', async (t) => {
  const { browser, wire, advanceSeconds } = await startSignedIn(t)
  wire.decide(({ path: asked }) => (asked === '/token' ? 'lose-answer' : 'through'))
  const lost = await browser.ask({ path })
  assertProblem(lost, 503, 'identity-unavailable')
  assert.match(String(lost.headers['retry-after']), /^\d$/)
  assert.equal(lost.headers['set-cookie'], undefined)
  wire.decide(() => 'through')
  advanceSeconds(10 * graceSeconds)
  assertServed(await browser.ask({ path }))
  assertServed(await browser.ask({ path }))
})

test('a browser that has not got its new cookie gets the same one again, at this gateway and at another', async (t) => {
  const { browser, startNode, advanceSeconds } = await startSignedIn(t)
  const other = await startNode()
  const old = browser.cookie()
  const successors = new Set<string | undefined>()
  for (const seconds of [0, 5, 10, 10]) {
    advanceSeconds(seconds)
    for (const asked of [{ path }, { path, to: other }, { path: '/reviews/1', to: other }]) {
      browser.plant(old)
      const answer = await browser.ask(asked)
      assertServed(answer)
      successors.add(setCookieOf(answer)?.value)
    }
  }
  assert.equal(successors.size, 1)
  assertServed(await browser.ask({ path }))
})

test('two gateways that race for one cookie both go on', async (t) => {
  const { browser, node, startNode, advanceSeconds } = await startSignedIn(t)
  const nodes = [node, await startNode(), await startNode()]
  for (let round = 0; round < 4; round += 1) {
    const cookie = browser.cookie()
    const answers = await Promise.all(
      nodes.flatMap((to) => Array.from({ length: 5 }, () => browser.ask({ path, to }))),
    )
    answers.forEach(assertServed)
    const successors = new Set(answers.flatMap((answer) => setCookieOf(answer)?.value ?? []))
    assert.ok(successors.size <= 1 && !successors.has(cookie ?? ''))
    advanceSeconds(accessTokenSeconds)
  }
})

test('an old cookie that comes back after the grace window ends the session, for thief and owner', async (t) => {
  const { browser: owner, node, advanceSeconds } = await startSignedIn(t)
  const thief = openBrowser(node)
  thief.plant(owner.cookie())
  assertServed(await owner.ask({ path }))
  advanceSeconds(graceSeconds + 1)
  assertSignedOut(await thief.ask({ path }), thief)
  assertSignedOut(await untilRefused(() => owner.ask({ path })), owner)
})

test('a logout at one gateway is the end of the session at every one, at once', async (t) => {
  const { browser, startNode, advanceSeconds } = await startSignedIn(t)
  const other = await startNode()
  assertServed(await browser.ask({ path }))
  assertServed(await browser.ask({ path, to: other }))
  const cookie = browser.cookie()
  const answer = await browser.logout()
  assertServed(answer)
  assert.match(answer.body, /^\{"revocation":\{"epoch":"[^"]+","seq":\d+\}\}$/)
  assert.equal(answer.headers['clear-site-data'], '"cache"')
  assert.equal(browser.cookie(), undefined)

  browser.plant(cookie)
  assertSignedOut(await browser.ask({ path }), browser)
  const startedMs = performance.now()
  const thief = openBrowser(other)
  const refused = await untilRefused(() => {
    thief.plant(cookie)
    return thief.ask({ path })
  })
  assertSignedOut(refused, thief)
  t.diagnostic(`refused ${(performance.now() - startedMs).toFixed(1)} ms later elsewhere`)
  assert.deepEqual((await browser.session()).json(), { signed_in: false })
  advanceSeconds(1)
  assertProblem(await browser.logout(), 401, 'missing-token')
})

test('a logout everywhere ends the sessions of other browsers too', async (t) => {
  const { browser, startNode } = await startSignedIn(t)
  const elsewhere = openBrowser(await startNode())
  assertServed(await elsewhere.signIn())
  assertServed(await elsewhere.ask({ path }))
  assertServed(await browser.logout('/logout/everywhere'))
  assertSignedOut(await untilRefused(() => elsewhere.ask({ path })), elsewhere)
})

/** A token for identity alone. */
async function tokenOf(issuer: string, { identifier, password }: typeof alice): Promise<string> {
  const answer = await fetch(`${issuer}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password, audience: issuer }),
  })
  return String(((await answer.json()) as { access_token?: unknown }).access_token)
}

test('a blocked account and a changed password end what browsers have', async (t) => {
  const { browser, issuer, service } = await startSignedIn(t)
  const post = async (at: string, token: string, body: object): Promise<void> => {
    const answer = await fetch(`${issuer}${at}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    assert.ok(answer.ok, `${at}: ${answer.status}`)
  }
  assertServed(await browser.ask({ path }))
  const changed = { current: alice.password, new: `${alice.password}!` }
  await post('/account/password', await tokenOf(issuer, alice), changed)
  assertSignedOut(await untilRefused(() => browser.ask({ path })), browser)

  assertProblem(await browser.signIn(), 401, 'bad-credentials')
  const members = { identifier: alice.identifier, password: changed.new }
  assertServed(await browser.signIn(members))
  assertServed(await browser.ask({ path }))
  const { sub } = claimsOf(service.requests.at(-1)?.all('authorization')[0])
  const block = `/admin/accounts/${String(sub)}/block`
  await post(block, await tokenOf(issuer, admin), { reason: 'a test' })
  assertSignedOut(await untilRefused(() => browser.ask({ path })), browser)
  assertProblem(await browser.signIn(members), 403, 'account-blocked')
})

test('roles that are taken away count at once, and nobody is signed out by it', async (t) => {
  const { browser, issuer, service } = await startSignedIn(t)
  assertServed(await browser.ask({ path }))
  const { sub } = claimsOf(service.requests.at(-1)?.all('authorization')[0])
  const answer = await fetch(`${issuer}/admin/accounts/${String(sub)}/roles`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await tokenOf(issuer, admin)}`,
    },
    body: JSON.stringify({ roles: [], reason: 'a test' }),
  })
  assert.ok(answer.ok, `${answer.status}`)
  for (let tries = 0; ; tries += 1) {
    assert.ok(tries < 500, 'the role is still there')
    assertServed(await browser.ask({ path }))
    const { roles } = claimsOf(service.requests.at(-1)?.all('authorization')[0])
    if (JSON.stringify(roles) !== '["customer"]') break
    await sleep(10)
  }
})

test('a session that is over is never anonymous, and its cookie is taken away', async (t) => {
  const { browser, service } = await startSignedIn(t)
  const cookie = browser.cookie() ?? ''
  assertServed(await browser.logout())
  const before = service.requests.length
  for (const planted of [cookie, `${cookie}x`, 'nonsense', 'a b', '']) {
    for (const asked of [path, '/optional/1']) {
      browser.plant(planted)
      assertSignedOut(await browser.ask({ path: asked }), browser)
    }
    browser.plant(planted)
    assert.deepEqual((await browser.session()).json(), { signed_in: false })
    assert.equal(browser.cookie(), undefined)
  }
  assert.equal(service.requests.length, before)
  assertServed(await browser.ask({ path: '/optional/1' }))
  assert.deepEqual(service.requests.at(-1)?.all('authorization'), [])
})

test('while identity is away, sessions go on until their tokens expire, and then wait for it', async (t) => {
  const { browser, wire, advanceSeconds, node } = await startSignedIn(t)
  assertServed(await browser.ask({ path }))
  const cookie = browser.cookie()
  wire.decide(({ path: asked }) => (asked.includes('revocation') ? 'through' : 'lose-request'))
  advanceSeconds(accessTokenSeconds - 20)
  assertServed(await browser.ask({ path }))
  assertProblem(await browser.ask({ path: '/reviews/1' }), 503, 'identity-unavailable')
  advanceSeconds(30)
  for (let tries = 0; tries < 3; tries += 1) {
    assertProblem(await browser.ask({ path }), 503, 'identity-unavailable')
  }
  assertProblem(await browser.signIn(), 503, 'identity-unavailable')
  assertProblem(await browser.logout(), 503, 'identity-unavailable')
  assertProblem(await browser.session(), 503, 'identity-unavailable')
  assert.equal(browser.cookie(), cookie, 'it is kept')
  assert.match(node.log(), /identity gives no tokens for browsers/)
  wire.decide(() => 'through')
  advanceSeconds(5)
  assertServed(await browser.ask({ path }))
})

test('a browser that signs in again leaves no session behind', async (t) => {
  const { browser, node } = await startSignedIn(t)
  assertServed(await browser.ask({ path }))
  const former = browser.cookie()
  assertServed(await browser.signIn())
  assert.notEqual(browser.cookie(), former)
  assertServed(await browser.ask({ path }))
  const thief = openBrowser(node)
  thief.plant(former)
  assertSignedOut(await thief.ask({ path }), thief)
  assertServed(await browser.ask({ path }))
})

test('a route that wants a recent sign-in gets one, and identity is not asked at each try', async (t) => {
  const world = await startBrowserWorld(t)
  const to = [world.service.origin]
  const auth = { audience: 'orders', recentAuthSeconds: 60 }
  const node = await world.startNode({ routes: [{ match: '/orders/*', to, auth }] })
  const browser = openBrowser(node)
  assertServed(await browser.signIn())
  assertServed(await browser.ask({ path }))
  world.advanceSeconds(61)
  const before = world.wire.seenAt('/token').length
  for (let tries = 0; tries < 5; tries += 1) {
    const refused = await browser.ask({ path })
    assertProblem(refused, 401, 'insufficient-user-authentication')
    assert.match(String(refused.headers['www-authenticate']), /max_age="60"/)
  }
  assert.equal(world.wire.seenAt('/token').length, before + 1)
  assert.equal((await browser.session()).json()['signed_in'], true)
  assertServed(await browser.signIn())
  assertServed(await browser.ask({ path }))
})
