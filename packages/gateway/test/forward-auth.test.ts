import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Answer } from './http-client.ts'
import { fields, sendRaw, statusesIn } from './http-client.ts'
import type { World, WorldOptions } from './world.ts'
import { startWorld } from './world.ts'

const path = '/_portcullis/authorize'
const names = {
  subject: 'X-Auth-Subject',
  roles: 'X-Auth-Roles',
  scope: 'X-Auth-Scope',
  session: 'X-Auth-Session',
}
const managed = Object.values(names)

type DialectName = 'nginx' | 'caddy' | 'traefik' | 'envoy'
const dialects: readonly DialectName[] = ['nginx', 'caddy', 'traefik', 'envoy']

interface Asked {
  readonly method?: string
  readonly target: string
  readonly token?: string
  readonly headers?: readonly string[]
}

/** Asks as that proxy does. */
async function askAs(world: World, dialect: DialectName, asked: Asked): Promise<Answer> {
  const { method = 'GET', target, headers = [], ...rest } = asked
  if (dialect === 'envoy') {
    return world.ask({ ...rest, method, path: `${path}${target}`, headers })
  }
  const of =
    dialect === 'nginx'
      ? ['X-Original-Method', method, 'X-Original-URI', target]
      : [
          'X-Forwarded-Method',
          method,
          'X-Forwarded-Uri',
          target,
          'X-Forwarded-Host',
          'shop.example',
        ]
  return world.ask({ ...rest, path, headers: [...of, ...headers] })
}

/** A gateway that a proxy on loopback may ask; `/only-judged/*` leads nowhere. */
function startAsked(
  t: TestContext,
  dialect: DialectName,
  more: Readonly<Record<string, unknown>> = {},
  options: WorldOptions = {},
): Promise<World> {
  return startWorld(t, {
    ...options,
    file: (to) => ({
      trustedProxies: ['127.0.0.1'],
      forwardAuth: { dialect },
      identityHeaders: names,
      routes: [
        { match: '/*', to, auth: { mode: 'none' } },
        { match: '/orders/*', to },
        { match: '/admin/*', auth: { roles: ['admin'] } },
        { match: '/writes/*', methods: ['POST'], auth: { scope: ['orders:write'] } },
        { match: '/optional/*', auth: { mode: 'optional' } },
      ],
      ...more,
    }),
  })
}

for (const dialect of dialects) {
  test(`${dialect}: what the token says comes back in the identity headers`, async (t) => {
    const world = await startAsked(t, dialect)
    const claims = { sub: 'person', roles: ['clerk'], sid: 'session', scope: 'a b' }
    const token = world.issuer.mint(claims)
    const answer = await askAs(world, dialect, { target: '/orders/1?x=%2F..', token })
    assert.equal(answer.status, 200)
    assert.equal(answer.body, '')
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.deepEqual(identityIn(answer), ['person', 'clerk', 'a b', 'session'])
    assert.equal(world.service.requests.length, 0, 'nothing is forwarded')
  })

  test(`${dialect}: every identity header is there, and empty where nothing is known`, async (t) => {
    const world = await startAsked(t, dialect)
    const bare = { sub: 'c07c2b0f6a1e', sid: undefined, gen: undefined }
    const token = world.issuer.mint({ ...bare, roles: undefined, scope: undefined })
    const spoofed = managed.flatMap((name) => [name, 'forged'])
    const known = await askAs(world, dialect, { target: '/orders', token, headers: spoofed })
    assert.deepEqual(identityIn(known), ['c07c2b0f6a1e', '', '', ''])
    for (const target of ['/optional', '/anything']) {
      const nobody = await askAs(world, dialect, { target, headers: spoofed })
      assert.equal(nobody.status, 200)
      assert.deepEqual(identityIn(nobody), ['', '', '', ''])
    }
  })

  test(`${dialect}: routes ask for the same as when the gateway forwards`, async (t) => {
    const world = await startAsked(t, dialect)
    const token = world.issuer.mint({ roles: ['customer'], scope: 'orders:read' })
    const bad = world.issuer.forge({ signature: 'stranger' })
    const denied = dialect === 'nginx' ? 403 : undefined
    const expected: readonly (readonly [Asked, number, string])[] = [
      [{ target: '/orders' }, 401, 'missing-token'],
      [{ target: '/orders', token: bad }, 401, 'invalid-token'],
      [{ target: '/optional', token: bad }, 401, 'invalid-token'],
      [{ target: '/admin', token }, 403, 'insufficient-scope'],
      [{ target: '/writes', token, method: 'POST' }, 403, 'insufficient-scope'],
      [{ target: '/writes', token }, denied ?? 405, 'method-not-allowed'],
      [{ target: '/writes', token, method: 'HEAD' }, denied ?? 405, 'method-not-allowed'],
      [{ target: '/writes', token, method: 'OPTIONS' }, denied ?? 405, 'method-not-allowed'],
      [{ target: '/orders/../anything', token }, denied ?? 400, 'ambiguous-target'],
      [{ target: '/anything/..%2forders' }, denied ?? 400, 'ambiguous-target'],
      [{ target: '/%6frders' }, denied ?? 400, 'ambiguous-target'],
      [{ target: '/anything/%252e%252e/orders' }, denied ?? 400, 'ambiguous-target'],
      [{ target: '//anything' }, denied ?? 400, 'ambiguous-target'],
      [{ target: '/anything;/../orders' }, denied ?? 400, 'ambiguous-target'],
    ]
    for (const [asked, status, code] of expected) {
      const answer = await askAs(world, dialect, asked)
      assert.equal(answer.status, status, `${asked.target} ${code}`)
      if (asked.method !== 'HEAD') assert.equal(answer.json()['code'], code, asked.target)
      const challenge = String(answer.headers['www-authenticate'])
      const isChallenged = code === 'insufficient-scope' || status === 401
      assert.equal(challenge.startsWith('Bearer realm="orders"'), isChallenged, asked.target)
      for (const name of managed) assert.equal(answer.headers[name.toLowerCase()], undefined)
    }
  })

  test(`${dialect}: a token that was taken back is refused`, async (t) => {
    const world = await startAsked(t, dialect)
    const sid = 'A'.repeat(22)
    const token = world.issuer.mint({ sid })
    assert.equal((await askAs(world, dialect, { target: '/orders', token })).status, 200)
    world.issuer.revoke({ sid })
    const deadline = Date.now() + 3000
    let { status } = await askAs(world, dialect, { target: '/orders', token })
    while (status === 200 && Date.now() < deadline) {
      ;({ status } = await askAs(world, dialect, { target: '/orders', token }))
    }
    assert.equal(status, 401)
    assert.match(world.log(), /"reason":"revoked"/)
  })

  test(`${dialect}: without keys of the issuer the answer is 503, and never yes`, async (t) => {
    const world = await startAsked(t, dialect, {}, { issuerIsDown: true })
    const token = world.issuer.mint()
    assert.equal((await askAs(world, dialect, { target: '/orders', token })).status, 503)
    assert.equal((await askAs(world, dialect, { target: '/anything' })).status, 200)
  })

  // Copying overwrites one name; a service behind CGI or WSGI would still read the other one.
  test(`${dialect}: a header that some service takes for an identity header is refused`, async (t) => {
    const world = await startAsked(t, dialect)
    const token = world.issuer.mint()
    for (const name of ['X_Auth_Subject', 'x.auth.roles', 'X-Auth_Scope', 'X~Auth~Session']) {
      const asked = { target: '/orders', token, headers: [name, 'admin'] }
      const answer = await askAs(world, dialect, asked)
      assert.equal(answer.status, dialect === 'nginx' ? 403 : 400, name)
    }
    const exact = { target: '/orders', token, headers: ['x-aUTH-subject', 'admin'] }
    assert.equal((await askAs(world, dialect, exact)).status, 200)
  })

  // GHSA of oauth2-proxy, CVE-2026-40575: whoever reaches the path directly must not gain by it.
  test(`${dialect}: who is no trusted proxy gets what is there without forward-auth`, async (t) => {
    const world = await startAsked(t, dialect, { trustedProxies: ['10.0.0.0/8', 'fd00::/8'] })
    const token = world.issuer.mint()
    for (const asked of [{ target: '/anything' }, { target: '/orders', token }]) {
      const answer = await askAs(world, dialect, asked)
      assert.equal(answer.status, 404)
      assert.equal(answer.json()['code'], 'not-found')
    }
    assert.equal(world.service.requests.length, 0)
    assert.match(world.log(), /"reason":"untrusted-proxy"/)
  })

  test(`${dialect}: two tokens are refused on every route`, async (t) => {
    const world = await startAsked(t, dialect)
    const headers = ['Authorization', 'Bearer a', 'Authorization', `Bearer ${world.issuer.mint()}`]
    for (const target of ['/orders', '/anything']) {
      const { status } = await askAs(world, dialect, { target, headers })
      assert.equal(status, dialect === 'nginx' ? 403 : 400)
    }
  })
}

const told = {
  nginx: ['X-Original-Method', 'X-Original-URI'],
  caddy: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Forwarded-Host'],
  traefik: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Forwarded-Host'],
} as const
const values: Readonly<Record<string, string>> = {
  'X-Original-Method': 'GET',
  'X-Forwarded-Method': 'GET',
  'X-Original-URI': '/anything',
  'X-Forwarded-Uri': '/anything',
  'X-Forwarded-Host': 'shop.example',
}

for (const dialect of ['nginx', 'caddy', 'traefik'] as const) {
  test(`${dialect}: what the proxy says must be there once, under its one name`, async (t) => {
    const world = await startAsked(t, dialect)
    const whole = told[dialect].flatMap((name) => [name, values[name] ?? ''])
    const status = async (headers: readonly string[]): Promise<number> =>
      (await world.ask({ path, headers })).status
    const refused = dialect === 'nginx' ? 403 : 400
    assert.equal(await status(whole), 200)
    assert.ok(told[dialect].length >= 2)
    for (const name of told[dialect]) {
      const others = told[dialect].filter((other) => other !== name)
      const rest = others.flatMap((other) => [other, values[other] ?? ''])
      assert.equal(await status(rest), refused, `no ${name}`)
      assert.equal(await status([...rest, name, '']), refused, `empty ${name}`)
      assert.equal(await status([...whole, name, values[name] ?? '']), refused, `two ${name}`)
      const alias = name.replaceAll('-', '_')
      assert.equal(await status([...whole, alias, '/x']), refused, `${name} and ${alias}`)
      assert.equal(await status([...rest, alias, values[name] ?? '']), refused, alias)
    }
    const [, , ...rest] = whole
    for (const host of dialect === 'nginx' ? [] : ['a b', 'user@a', 'a, b', 'a/b']) {
      const named = whole.toSpliced(-1, 1, host)
      assert.equal(await status(named), refused, host)
    }
    for (const method of ['get', 'GET POST', 'GET,POST', 'UNHEARD', 'TRACE', 'CONNECT']) {
      const [methodHeader] = told[dialect]
      const answered = await status([methodHeader, method, ...rest])
      assert.ok(answered >= 400 && answered < 500, `${method}: ${answered}`)
    }
  })

  test(`${dialect}: what another dialect says is not listened to`, async (t) => {
    const world = await startAsked(t, dialect)
    const foreign = dialect === 'nginx' ? 'X-Forwarded-Uri' : 'X-Original-URI'
    const headers = [
      foreign,
      '/anything',
      'X-Rewrite-URL',
      '/anything',
      'X-HTTP-Method-Override',
      'GET',
    ]
    const answer = await askAs(world, dialect, { target: '/orders', headers })
    assert.equal(answer.status, 401)
    const whole = told[dialect].flatMap((name) => [name, values[name] ?? ''])
    for (const other of [`${path}/anything`, `${path}/`, `${path}X`]) {
      const { status } = await world.ask({ path: other, headers: whole })
      assert.equal(status, dialect === 'nginx' ? 403 : 404, other)
    }
    const withQuery = { path: `${path}?/orders`, headers: whole }
    assert.equal((await world.ask(withQuery)).status, 200, 'Caddy leaves the query there')
    assert.equal(world.service.requests.length, 0)
  })
}

test('envoy: only the request line tells what is asked', async (t) => {
  const world = await startAsked(t, 'envoy')
  const headers = fields(
    'X-Forwarded-Uri: /anything',
    'X-Original-URI: /anything',
    'X-Envoy-Original-Path: /anything',
    'X-Forwarded-Method: GET',
  )
  assert.equal((await askAs(world, 'envoy', { target: '/orders', headers })).status, 401)
  const write = { target: '/writes', method: 'DELETE', headers }
  assert.equal((await askAs(world, 'envoy', write)).status, 405)
  for (const other of ['*', '', '?x', 'X', '//anything', '/http://a/anything', '/']) {
    const { status } = await world.ask({ path: `${path}${other}` })
    const isRoot = other === '/'
    assert.equal(status === 200, isRoot, other)
  }
  assert.equal(world.service.requests.length, 0)
})

test('a question with a body, an expectation or an odd method is answered, and keeps its connection sound', async (t) => {
  const world = await startAsked(t, 'traefik')
  const token = world.issuer.mint({ scope: 'orders:write' })
  const question = (method: string, more: string, body: string): string =>
    `${method} ${path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ${token}\r\n` +
    `X-Forwarded-Method: POST\r\nX-Forwarded-Uri: /writes\r\nX-Forwarded-Host: a\r\n${more}\r\n${body}`
  const last = question('GET', 'Connection: close\r\n', '')
  const bodies = [
    question('POST', 'Content-Length: 5\r\n', 'hello'),
    question('PUT', 'Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'),
    question('OPTIONS', '', ''),
    question('HEAD', '', ''),
  ]
  for (const first of bodies) {
    assert.deepEqual(statusesIn(await sendRaw(world.port, `${first}${last}`)), [200, 200], first)
  }
  const expecting = question('POST', 'Expect: 100-continue\r\nContent-Length: 5\r\n', '')
  assert.deepEqual(statusesIn(await sendRaw(world.port, expecting)), [200])
  const smuggled = question(
    'POST',
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
    '0\r\n\r\n',
  )
  assert.deepEqual(statusesIn(await sendRaw(world.port, smuggled)), [400])
})

test('a route without `to` is for questions only, and no wider route is asked instead', async (t) => {
  const world = await startAsked(t, 'caddy')
  const token = world.issuer.mint({ roles: ['admin'] })
  assert.equal((await world.ask({ path: '/admin', token })).status, 404)
  assert.equal((await world.ask({ path: '/admin/x' })).status, 404)
  assert.equal((await askAs(world, 'caddy', { target: '/admin', token })).status, 200)
  assert.equal(world.service.requests.length, 0)
  assert.equal((await world.ask({ path: '/orders', token })).status, 200)
})

test('without the setting nothing is answered, and nothing below our path is ever forwarded', async (t) => {
  const world = await startWorld(t, {
    file: (to) => ({ routes: [{ match: '/*', to, auth: { mode: 'none' } }] }),
  })
  for (const dialect of dialects) {
    assert.equal((await askAs(world, dialect, { target: '/orders' })).status, 404)
  }
  for (const own of ['', '/', '*', 'X', '/authorize', '/revocations/stream']) {
    assert.equal((await world.ask({ path: `/_portcullis${own}` })).status, 404, own)
  }
  assert.equal(world.service.requests.length, 0)
})

test('the names of the file come first, with the default ones empty', async (t) => {
  const identityHeaders = { subject: 'Remote-User', roles: 'X_Auth_Roles' }
  const world = await startAsked(t, 'nginx', { identityHeaders })
  const token = world.issuer.mint({ sub: 'person', roles: ['clerk'] })
  const answer = await askAs(world, 'nginx', { target: '/orders', token })
  const { rawHeaders } = answer
  const pairs = rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && /auth|remote/i.test(name) ? [[name, rawHeaders[at + 1]]] : [],
  )
  assert.deepEqual(pairs, [
    ['Remote-User', 'person'],
    ['X_Auth_Roles', 'clerk'],
    ['X-Auth-Subject', ''],
    ['X-Auth-Scope', ''],
    ['X-Auth-Session', ''],
  ])
  const headers = ['X-Auth-Roles', 'admin']
  assert.equal((await askAs(world, 'nginx', { target: '/orders', token, headers })).status, 403)
})

test('the log tells the method and the route that were judged, and nothing that was sent', async (t) => {
  const world = await startAsked(t, 'nginx')
  const token = world.issuer.mint({ sub: 'person', scope: 'orders:read' })
  await askAs(world, 'nginx', { target: '/writes/secret', method: 'POST', token })
  const line = JSON.parse(world.log().trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  const { method, route, status, reason, subject, forwardAuth } = line
  assert.deepEqual(
    { method, route, status, reason, subject, forwardAuth },
    {
      method: 'POST',
      route: '/writes/*',
      status: 403,
      reason: 'insufficient-scope',
      subject: 'person',
      forwardAuth: true,
    },
  )
  assert.ok(!world.log().includes('secret'))
  await askAs(world, 'nginx', { target: '//secret' })
  assert.match(world.log(), /"status":403,"reason":"ambiguous-target"/)
})

function identityIn(answer: Answer): readonly unknown[] {
  return managed.map((name) => answer.headers[name.toLowerCase()])
}
