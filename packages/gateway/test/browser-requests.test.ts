import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { RequestListener } from 'node:http'
import type { Browser, BrowserWorld, Node } from './browser-world.ts'
import {
  alice,
  assertProblem,
  cookieName,
  host,
  openBrowser,
  ownPage,
  startBrowserWorld,
} from './browser-world.ts'
import { ask } from './http-client.ts'

const origin = `https://${host}`
const path = '/orders/1'

interface Ready extends BrowserWorld {
  readonly node: Node
  readonly browser: Browser
}

/** All tests of this file but the last ones change nothing, so they share a world. */
async function startReady(
  t: Parameters<typeof startBrowserWorld>[0],
  file: Readonly<Record<string, unknown>> = {},
  service?: RequestListener,
): Promise<Ready> {
  const world = await startBrowserWorld(t, service === undefined ? {} : { service })
  const node = await world.startNode(file)
  const browser = openBrowser(node)
  assert.equal((await browser.signIn()).status, 200)
  assert.equal((await browser.ask({ path })).status, 200)
  return { ...world, node, browser }
}

const endings: (() => unknown)[] = []
let ready: Ready
before(async () => {
  ready = await startReady({ after: (end: () => unknown) => endings.unshift(end) } as never)
})
after(async () => {
  for (const end of endings) await end()
})

const foreignPages: readonly (readonly string[])[] = [
  [],
  ['Origin', 'https://evil.example'],
  ['Origin', 'null'],
  ['Origin', 'null', 'Sec-Fetch-Site', 'same-origin'],
  ['Origin', `https://www.${host}`, 'Sec-Fetch-Site', 'same-site'],
  ['Origin', `${origin}:8443`],
  ['Origin', `${origin}.evil.example`],
  ['Origin', `${origin}/`],
  ['Origin', `http://${host}`],
  ['Origin', origin.toUpperCase()],
  ['Origin', origin, 'Origin', origin],
  ['Origin', `${origin}, ${origin}`],
  ['Origin', origin, 'Sec-Fetch-Site', 'cross-site'],
  ['Origin', 'https://evil.example', 'Sec-Fetch-Site', 'same-origin'],
  ['Sec-Fetch-Site', 'same-site'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Sec-Fetch-Site', 'none'],
  ['Sec-Fetch-Site', 'same-origin', 'Sec-Fetch-Site', 'same-origin'],
  ['Referer', `${origin}/`],
]

test('what changes something counts only from a page of this very origin', async () => {
  const { browser, service, wire } = ready
  const [served, cookie, logins] = [
    service.requests.length,
    browser.cookie(),
    wire.seenAt('/login').length,
  ]
  for (const page of foreignPages) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      assertProblem(await browser.ask({ method, path, page }), 403, 'cross-origin')
      assertProblem(await browser.ask({ method, path: '/optional/1', page }), 403, 'cross-origin')
    }
    assertProblem(await browser.signIn(undefined, { page }), 403, 'cross-origin')
    assertProblem(await browser.logout('/logout', { page }), 403, 'cross-origin')
    assertProblem(await browser.logout('/logout/everywhere', { page }), 403, 'cross-origin')
  }
  assert.equal(service.requests.length, served)
  assert.equal(wire.seenAt('/login').length, logins)
  assert.equal(browser.cookie(), cookie)
  for (const page of [
    ownPage,
    ['Origin', origin],
    ['Origin', origin, 'Host', `${host}:443`],
    ['Sec-Fetch-Site', 'same-origin'],
    ['Origin', 'http://localhost:4003', 'Host', 'localhost:4003'],
    ['Origin', 'http://127.0.0.1:4003', 'Host', '127.0.0.1:4003'],
  ]) {
    assert.equal((await browser.ask({ method: 'POST', path, page })).status, 200, page.join(' '))
  }
})

test('what changes nothing may be opened by a link, and is read by no other page', async () => {
  const { browser } = ready
  const navigation = ['Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document']
  const statusFor = async (page: readonly string[]): Promise<number> =>
    (await browser.ask({ path, page })).status
  for (const page of [
    [],
    ['Sec-Fetch-Site', 'same-origin'],
    ['Sec-Fetch-Site', 'none', ...navigation],
    ['Sec-Fetch-Site', 'same-site', ...navigation],
    ['Sec-Fetch-Site', 'cross-site', ...navigation],
    ['Origin', origin],
  ]) {
    assert.equal(await statusFor(page), 200, page.join(' '))
  }
  for (const page of [
    ['Sec-Fetch-Site', 'same-site', 'Sec-Fetch-Mode', 'no-cors', 'Sec-Fetch-Dest', 'script'],
    ['Sec-Fetch-Site', 'same-site', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'iframe'],
    ['Sec-Fetch-Site', 'cross-site'],
    ['Origin', `https://www.${host}`, 'Sec-Fetch-Site', 'same-site'],
    ['Origin', 'null'],
  ]) {
    assert.equal(await statusFor(page), 403, page.join(' '))
    assert.equal((await browser.session({ page })).status, 403)
  }
})

test('a request without the cookie is judged as ever, whatever page has sent it', async () => {
  const { node, service } = ready
  const headers = ['Origin', 'https://evil.example', 'Sec-Fetch-Site', 'cross-site']
  const asked = { method: 'POST', headers }
  assert.equal((await ask(node.port, { ...asked, path: '/optional/1' })).status, 200)
  assert.equal((await ask(node.port, { ...asked, path })).status, 401)
  const token = service.requests[0]?.all('authorization')[0]?.slice('Bearer '.length) ?? ''
  assert.equal((await ask(node.port, { ...asked, path, token })).status, 200)
})

test('the refresh cookie goes to no service, and every other cookie as it came', async () => {
  const { node, browser, service } = ready
  const own = `${cookieName}=${browser.cookie()}`
  for (const [sent, forwarded] of [
    [[own], []],
    [[`a=1; ${own}`], ['a=1']],
    [[`${own}; b=2`], ['b=2']],
    [[`${own};b=2`], ['b=2']],
    [[`a=1;  b="x y" ;${own};c=;=;;é=\u00ff`], ['a=1;  b="x y" ;c=;=;;é=\u00ff']],
    [
      ['a=1', own, 'b=2;'],
      ['a=1', 'b=2;'],
    ],
    [
      [`portcullis_refresh=1; __Secure-portcullis_refresh=2; ${own}`],
      ['portcullis_refresh=1; __Secure-portcullis_refresh=2'],
    ],
  ] as const) {
    for (const asked of [path, '/public/1']) {
      const headers = ['Sec-Fetch-Site', 'same-origin', ...sent.flatMap((one) => ['Cookie', one])]
      const answer = await ask(node.port, { path: asked, headers })
      assert.equal(answer.status, 200, answer.body)
      const request = service.requests.at(-1)
      assert.deepEqual(request?.all('cookie').map(latin1), forwarded.map(latin1))
      assert.equal(request?.all('authorization').length, asked === path ? 1 : 0)
      assert.doesNotMatch(String(request?.rawHeaders), /prt_/)
    }
  }
})

function latin1(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}

test('a cookie that can be read in more than one way is refused on every route', async () => {
  const { node, browser, service } = ready
  const value = browser.cookie() ?? ''
  const own = `${cookieName}=${value}`
  const served = service.requests.length
  for (const cookies of [
    [`${own}; ${own}`],
    [own, own],
    [`${own}; ${cookieName}=other`],
    [`${own}; ${cookieName}`],
    [cookieName],
    [`${own}; ${cookieName.toLowerCase()}=other`],
    [`${cookieName.toUpperCase()}=${value}`],
    [`${cookieName} =${value}`],
    [`=${own}`],
    [`=${cookieName}`],
    [`\u00a0${own}`],
  ]) {
    const headers = [...ownPage, ...cookies.flatMap((one) => ['Cookie', one])]
    for (const asked of [path, '/optional/1', '/public/1', '/_portcullis/session']) {
      const answer = await ask(node.port, { path: asked, headers })
      assertProblem(answer, 400, 'invalid-request')
      assert.equal(answer.headers['set-cookie'], undefined)
    }
  }
  assert.equal(service.requests.length, served)
})

test('a cookie beside an Authorization header is refused where a token is judged', async () => {
  const { node, browser, service } = ready
  const headers = [...ownPage, 'Cookie', `${cookieName}=${browser.cookie()}`]
  const token = service.requests[0]?.all('authorization')[0]?.slice('Bearer '.length) ?? ''
  for (const asked of [path, '/optional/1', '/_portcullis/session']) {
    assertProblem(await ask(node.port, { path: asked, headers, token }), 400, 'invalid-request')
  }
  const basic = ['Authorization', 'Basic YTpi']
  const open = await ask(node.port, { path: '/public/1', headers: [...headers, ...basic] })
  assert.equal(open.status, 200)
  assert.deepEqual(service.requests.at(-1)?.all('authorization'), ['Basic YTpi'])
  assert.deepEqual(service.requests.at(-1)?.all('cookie'), [])
})

test('identity sees the network and the device of the browser, and never a page', async () => {
  const { node, wire } = ready
  const browser = openBrowser(node)
  assert.equal((await browser.signIn()).status, 200)
  assert.equal((await browser.ask({ path })).status, 200)
  for (const asked of ['/login', '/token']) {
    const { headers } = wire.seenAt(asked).at(-1) ?? assert.fail()
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(headers['user-agent'], 'Test/1')
    assert.doesNotMatch(JSON.stringify(headers), /shop\.example|theme/)
  }
})

test('behind a trusted proxy the browser is the one that the proxy names', async (t) => {
  const { wire, startNode, issuer } = await startBrowserWorld(t, {
    identity: { trustedProxies: ['127.0.0.1', '192.0.2.1'] },
  })
  const node = await startNode({ trustedProxies: ['127.0.0.1'] })
  const browser = openBrowser(node)
  const headers = ['X-Forwarded-For', '203.0.113.9', 'X-Forwarded-Host', 'www.shop.example']
  const page = ['Origin', 'https://www.shop.example', ...headers]
  assert.equal((await browser.signIn(undefined, { page })).status, 200)
  assert.equal(wire.seenAt('/login')[0]?.headers['x-forwarded-for'], '203.0.113.9')
  const { identifier, password } = alice
  const login = await fetch(`${issuer}/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password, audience: issuer }),
  })
  const { access_token: token } = (await login.json()) as { access_token: string }
  const listed = await fetch(`${issuer}/sessions`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { sessions } = (await listed.json()) as { sessions: { network: string; device: string }[] }
  const places = sessions.map(({ network, device }) => [network, device].join(' '))
  assert.ok(places.includes('203.0.113.9 Test/1'), places.join(', '))
})

test('a login takes what people type, and what identity says of it', async () => {
  const { node, wire } = ready
  const browser = openBrowser(node)
  const { identifier, password } = alice
  const logins = wire.seenAt('/login').length
  for (const member of ['delivery', 'client_id', 'client_secret', 'audience', 'max_age']) {
    const answer = await browser.signIn({ identifier, password, [member]: 'x' })
    assertProblem(answer, 400, 'malformed')
    const errors = [{ field: `/${member}`, message: 'is not known here' }]
    assert.deepEqual(answer.json()['errors'], errors)
  }
  for (const body of ['', 'null', '[]', '{', '{"identifier":"a","identifier":"b"}']) {
    const headers = ['Content-Type', 'application/json']
    const asked = { method: 'POST', path: '/_portcullis/login', headers, body }
    assertProblem(await browser.ask(asked), 400, 'malformed')
  }
  for (const type of [[], ['Content-Type', 'text/plain'], ['Content-Type', 'application/jsonx']]) {
    const asked = { method: 'POST', path: '/_portcullis/login', headers: type, body: '{}' }
    assertProblem(await browser.ask(asked), 415, 'unsupported-media-type')
  }
  const long = await browser.signIn({ identifier, password: 'a'.repeat(20_000) })
  assertProblem(long, 413, 'too-large')
  assert.equal(wire.seenAt('/login').length, logins)

  const missing = await browser.signIn({ identifier })
  assertProblem(missing, 400, 'malformed')
  assert.deepEqual(missing.json()['errors'], [{ field: '/password', message: 'is required' }])
  const wrong = await browser.signIn({ identifier: 'nobody', password: 'guessed' })
  assertProblem(wrong, 401, 'bad-credentials')
  assert.match(String(wrong.headers['www-authenticate']), /^Password realm=/)
  assertProblem(await browser.signIn({ identifier, password, scope: 'nope' }), 400, 'unknown-scope')
  assert.equal(browser.cookie(), undefined)
  const asked = { path: '/_portcullis/login', page: ownPage }
  const refused = await browser.ask(asked)
  assertProblem(refused, 405, 'method-not-allowed')
  assert.equal(refused.headers['allow'], 'POST')
  assertProblem(await browser.ask({ path: '/_portcullis/loginx' }), 404, 'not-found')
  const narrowed = await browser.signIn({ identifier, password, scope: 'orders:read' })
  assert.equal(narrowed.status, 200, narrowed.body)
})

test('a flood of guesses is told when to come again', async (t) => {
  const world = await startBrowserWorld(t)
  const browser = openBrowser(await world.startNode())
  for (let guess = 0; guess < 60; guess += 1) {
    const answer = await browser.signIn({ identifier: alice.identifier, password: `${guess}` })
    if (answer.status === 401) continue
    assertProblem(answer, 429, 'throttled')
    assert.match(String(answer.headers['retry-after']), /^\d+$/)
    return
  }
  assert.fail('nobody is throttled')
})

test('a service cannot set the cookie, and its other cookies stay', async (t) => {
  const sent = [
    'theme=dark; Path=/',
    `${cookieName}=stolen; Path=/; Secure`,
    `${cookieName}=; Max-Age=0; Path=/; Secure`,
    `__HOST-Portcullis_Refresh = x; Path=/; Secure`,
    `=${cookieName}=x`,
    cookieName,
    'last=1',
  ]
  const { node, browser } = await startReady(t, {}, (request, response) => {
    request.resume()
    response
      .writeHead(
        200,
        sent.flatMap((value) => ['Set-Cookie', value]),
      )
      .end()
  })
  for (const asked of [path, '/public/1', '/optional/1']) {
    const answer = await browser.ask({ path: asked })
    assert.deepEqual(answer.headers['set-cookie'], ['theme=dark; Path=/', 'last=1'])
    const anonymous = await ask(node.port, { path: asked })
    assert.doesNotMatch(String(anonymous.headers['set-cookie']), /portcullis/i)
  }
})

test('no cache in front keeps what belongs to one person', async (t) => {
  let fields: readonly string[] = []
  const { browser, node } = await startReady(t, {}, (request, response) => {
    request.resume()
    response.writeHead(200, [...fields]).end()
  })
  for (const [said, cacheControl] of [
    [[], 'private'],
    [['Cache-Control', 'public, max-age=60'], 'private, max-age=60'],
    [
      ['Cache-Control', 'max-age=60', 'cache-control', 'S-MaxAge=600, no-cache="a, public"'],
      'private, max-age=60, no-cache="a, public"',
    ],
    [['Cache-Control', 'private="x-a, x-b", must-revalidate'], 'private, must-revalidate'],
    [['Cache-Control', 'no-store, public'], 'no-store'],
    [['CDN-Cache-Control', 'max-age=60', 'Surrogate-Control', 'max-age=60'], 'private'],
    [['X-Accel-Expires', '60', 'Edge-Control', 'max-age=60'], 'private'],
  ] as const) {
    fields = said
    const answer = await browser.ask({ path })
    assert.equal(answer.headers['cache-control'], cacheControl)
    assert.equal(answer.headers['cdn-cache-control'], undefined)
    assert.equal(answer.headers['surrogate-control'], undefined)
    assert.equal(answer.headers['x-accel-expires'], undefined)
    assert.equal(answer.headers['edge-control'], undefined)
    assert.equal(answer.headers['vary'], 'Cookie')
  }
  for (const vary of ['*', 'Accept, cookie']) {
    fields = ['Vary', vary]
    assert.equal((await browser.ask({ path })).headers['vary'], vary)
  }
  fields = ['Cache-Control', 'public, max-age=60', 'Vary', 'Accept']
  const anonymous = await ask(node.port, { path: '/optional/1' })
  assert.equal(anonymous.headers['cache-control'], 'public, max-age=60')
  assert.equal(anonymous.headers['vary'], 'Accept, Cookie')
  const open = await browser.ask({ path: '/public/1' })
  assert.deepEqual([open.headers['cache-control'], open.headers['vary']], [fields[1], 'Accept'])
  // With a refresh token in it, an answer is kept by nobody.
  const rotating = await browser.ask({ path: '/reviews/1' })
  const again = rotating.headers['set-cookie'] === undefined
  assert.equal(rotating.headers['cache-control'], again ? 'private, max-age=60' : 'no-store')
})

test('without browser mode a cookie is nothing to the gateway', async (t) => {
  const world = await startBrowserWorld(t)
  const node = await world.startNode({ browser: undefined })
  const browser = openBrowser(node)
  assertProblem(await browser.signIn(), 404, 'not-found')
  browser.plant('prt_anything')
  assertProblem(await browser.ask({ path }), 401, 'missing-token')
  assert.equal((await browser.ask({ path: '/public/1' })).status, 200)
  assert.match(String(world.service.requests[0]?.all('cookie')), /prt_anything/)
})
