import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { parseGatewaySettings } from '../src/index.ts'

const to = ['http://127.0.0.1:4001']
const smallest = {
  listen: { port: 4003 },
  issuer: 'https://id.example',
  auth: { audience: 'orders' },
  routes: [{ match: '/orders/*', to }],
}

test('the smallest file gets every default', () => {
  assert.deepEqual(parseGatewaySettings(smallest), {
    listen: { host: '127.0.0.1', port: 4003 },
    tls: undefined,
    upstreamTls: { caFile: undefined },
    operations: undefined,
    issuer: 'https://id.example',
    clientFile: undefined,
    revocation: { maxStalenessSeconds: 30 },
    relay: undefined,
    trustedProxies: [],
    proxyHeaders: 'x-forwarded',
    forwardAuth: undefined,
    browser: undefined,
    routes: [
      {
        host: undefined,
        match: { text: '/orders/*', path: '/orders', isPrefix: true },
        methods: undefined,
        to,
        rewrite: undefined,
        balance: 'round-robin',
        auth: { mode: 'required', audience: 'orders', scope: [], roles: [] },
        limits: { bodyBytes: 10_485_760, idleTimeoutSeconds: 60 },
      },
    ],
    identityHeaders: {},
    limits: {
      headerBytes: 16_384,
      headerCount: 100,
      bodyBytes: 10_485_760,
      headersTimeoutSeconds: 10,
      idleTimeoutSeconds: 60,
      requestTimeoutSeconds: 300,
      connections: 10_000,
      requests: 4096,
      requestsPerService: 1024,
    },
    rateLimits: { subject: undefined, client: undefined, network: undefined },
    tracing: undefined,
    stop: { notReadySeconds: 0, drainSeconds: 5 },
  })
})

test('a route takes each member of auth that it does not have itself from the default', () => {
  const { routes } = parseGatewaySettings({
    ...smallest,
    auth: { mode: 'optional', audience: 'orders', scope: ['orders:read'], roles: ['customer'] },
    routes: [
      { match: '/a', to },
      { match: '/b', to, auth: { mode: 'required', scope: [] } },
      { match: '/c', to, auth: { audience: 'reviews', roles: ['moderator'] } },
      { match: '/d', to, auth: { mode: 'none' } },
      { match: '/e', to, auth: { maxStalenessSeconds: 5 } },
    ],
  })
  assert.deepEqual(
    routes.map((route) => route.auth),
    [
      { mode: 'optional', audience: 'orders', scope: ['orders:read'], roles: ['customer'] },
      { mode: 'required', audience: 'orders', scope: [], roles: ['customer'] },
      { mode: 'optional', audience: 'reviews', scope: ['orders:read'], roles: ['moderator'] },
      { mode: 'none' },
      {
        mode: 'optional',
        audience: 'orders',
        scope: ['orders:read'],
        roles: ['customer'],
        maxStalenessSeconds: 5,
      },
    ],
  )
})

test('every mistake of a file is reported at once, each with its JSON pointer', () => {
  const pointers = pointersOf({
    listen: { host: '', port: 70_000, quic: {} },
    issuer: 'http://id.example/',
    audience: 'orders',
    auth: { mode: 'sometimes' },
    routes: [
      { match: 'orders', to },
      { match: '/a*', to },
      { match: '/a/../b', to },
      { match: '/%61', to },
      { match: '/b', to: ['http://127.0.0.1:4001/', 'ftp://a', 'orders'], retries: 3 },
      { match: '/c', to: [], methods: ['get', 'CONNECT', 'TRACE'] },
      { match: '/d', to, auth: { scope: ['orders:read orders:write'], roles: [''] } },
      { match: '/e', to },
      { match: '/e', to, methods: ['GET'] },
    ],
    identityHeaders: {
      subject: 'X Subject',
      roles: 'Authorization',
      scope: 'X-Scope',
      session: 'x_scope',
      email: 'X-Email',
    },
    limits: { headerBytes: 1, bodyBytes: -1, headersTimeoutSeconds: 0.5, idleTimeoutSeconds: '60' },
  })
  const expected = [
    '/audience',
    '/auth/mode',
    '/identityHeaders/email',
    '/identityHeaders/roles',
    '/identityHeaders/session',
    '/identityHeaders/subject',
    '/issuer',
    '/limits/bodyBytes',
    '/limits/headerBytes',
    '/limits/headersTimeoutSeconds',
    '/limits/idleTimeoutSeconds',
    '/listen/host',
    '/listen/port',
    '/listen/quic',
    '/routes/0/match',
    '/routes/1/match',
    '/routes/2/match',
    '/routes/3/match',
    '/routes/4/retries',
    '/routes/4/to/0',
    '/routes/4/to/1',
    '/routes/4/to/2',
    '/routes/5/methods/0',
    '/routes/5/methods/1',
    '/routes/5/methods/2',
    '/routes/5/to',
    '/routes/6/auth/roles/0',
    '/routes/6/auth/scope/0',
    '/routes/8',
  ]
  assert.deepEqual([...new Set(pointers)].toSorted(), expected)
})

test('a route that would be laxer than all is refused, and told where the bound is', () => {
  const lax = { match: '/a', to, auth: { maxStalenessSeconds: 60 } }
  const fileOf = (more: object): object => ({ ...smallest, routes: [lax], ...more })
  const refused: readonly (readonly [object, string, number])[] = [
    [fileOf({}), '/routes/0/auth', 30],
    [fileOf({ revocation: { whenStale: 'refuse' } }), '/routes/0/auth', 30],
    [fileOf({ revocation: { maxStalenessSeconds: 59 } }), '/routes/0/auth', 59],
    [{ ...smallest, auth: { audience: 'orders', maxStalenessSeconds: 31 } }, '/auth', 30],
  ]
  for (const [file, path, bound] of refused) {
    assert.throws(
      () => parseGatewaySettings(file),
      (error: unknown) => {
        assert.ok(error instanceof StartError)
        assert.ok(
          error.message.includes(
            `${path}/maxStalenessSeconds has no effect: /revocation/maxStalenessSeconds is ${bound} for every route`,
          ),
          error.message,
        )
        return true
      },
    )
  }
  // There it is the only bound, or no laxer one.
  for (const revocation of [
    'untilExpiry',
    { whenStale: 'accept' },
    { maxStalenessSeconds: 60 },
    { maxStalenessSeconds: 61 },
  ]) {
    const [route] = parseGatewaySettings(fileOf({ revocation })).routes
    assert.ok(route?.auth.mode === 'required' && route.auth.maxStalenessSeconds === 60)
  }
})

/** Each alone in a file that is otherwise right. */
const mistaken: readonly (readonly [string, string, object])[] = [
  ['no issuer', '/issuer', { issuer: undefined }],
  ['no routes', '/routes', { routes: [] }],
  ['no audience', '/routes/0/auth', { auth: {} }],
  ['an audience only where none is needed', '/routes/0/auth', { auth: { mode: 'optional' } }],
  ['an issuer over plain http', '/issuer', { issuer: 'http://id.example' }],
  ['a wildcard in the middle', '/routes/0/match', { routes: [{ match: '/a/*/b', to }] }],
  ['two wildcards', '/routes/0/match', { routes: [{ match: '/a/**', to }] }],
  ['an empty segment', '/routes/0/match', { routes: [{ match: '/a//b', to }] }],
  ['a query', '/routes/0/match', { routes: [{ match: '/a?b', to }] }],
  ['a path parameter', '/routes/0/match', { routes: [{ match: '/orders/:id', to }] }],
  ['user info', '/routes/0/to/0', { routes: [{ match: '/a', to: ['http://u:p@a'] }] }],
  ['a default port', '/routes/0/to/0', { routes: [{ match: '/a', to: ['http://a:80'] }] }],
  ['an upper-case host', '/routes/0/to/0', { routes: [{ match: '/a', to: ['http://A'] }] }],
  [
    'the same twice',
    '/routes/1',
    {
      routes: [
        { match: '/a', to },
        { match: '/a', to },
      ],
    },
  ],
  [
    'a shared method',
    '/routes/1',
    {
      routes: [
        { match: '/a', to, methods: ['GET', 'PUT'] },
        { match: '/a', to, methods: ['POST', 'PUT'] },
      ],
    },
  ],
  [
    'a scope that is never asked for',
    '/routes/0/auth/scope',
    { routes: [{ match: '/a', to, auth: { mode: 'none', scope: ['a'] } }] },
  ],
  [
    'a freshness that is never asked for',
    '/routes/0/auth/maxStalenessSeconds',
    { routes: [{ match: '/a', to, auth: { mode: 'none', maxStalenessSeconds: 5 } }] },
  ],
  [
    'a path of the gateway itself',
    '/routes/0/match',
    { routes: [{ match: '/_portcullis/*', to }] },
  ],
  ['a route that leads nowhere', '/routes/0/to', { routes: [{ match: '/a' }] }],
  ['headers of no proxies', '/proxyHeaders', { proxyHeaders: 'forwarded' }],
  ['unknown headers of proxies', '/proxyHeaders', { ...proxies('::1'), proxyHeaders: 'Via' }],
  ['IPv4 as IPv6', '/trustedProxies/0', proxies('::ffff:10.0.0.1')],
  ['questions of nobody', '/trustedProxies', { forwardAuth: { dialect: 'nginx' } }],
  ['a dialect that nobody speaks', '/forwardAuth/dialect', asked({ dialect: 'apache' })],
  ['questions without a dialect', '/forwardAuth/dialect', asked({})],
  ['a name for a proxy', '/trustedProxies/1', proxies('127.0.0.1', 'localhost')],
  ['everybody as a proxy', '/trustedProxies/0', proxies('0.0.0.0/0')],
  ['everybody as a proxy, IPv6', '/trustedProxies/0', proxies('::/0')],
  ['a prefix that is too long', '/trustedProxies/0', proxies('10.0.0.0/33')],
  ['a prefix that is none', '/trustedProxies/0', proxies('10.0.0.0/x')],
  ['an address of one machine only', '/trustedProxies/0', proxies('fe80::1%eth0')],
  ['a host with a star', '/routes/0/host', routed({ host: '*.example' })],
  ['a host with a path', '/routes/0/host', routed({ host: 'shop.example/a' })],
  ['a host with a scheme', '/routes/0/host', routed({ host: 'https://shop.example' })],
  ['a host with a dot at its end', '/routes/0/host', routed({ host: 'shop.example.' })],
  ['a host outside ASCII', '/routes/0/host', routed({ host: 'läden.example' })],
  ['a host with an impossible port', '/routes/0/host', routed({ host: 'shop.example:65536' })],
  ['a rewrite that is no path', '/routes/0/rewrite', routed({ rewrite: 'a/*' })],
  ['a rewrite with an empty segment', '/routes/0/rewrite', routed({ rewrite: '/a//*' })],
  ['a rewrite with a dot segment', '/routes/0/rewrite', routed({ rewrite: '/../*' })],
  ['a rewrite with an escape', '/routes/0/rewrite', routed({ rewrite: '/%61/*' })],
  ['a rewrite with a query', '/routes/0/rewrite', routed({ rewrite: '/a?b/*' })],
  ['many paths to one', '/routes/0/rewrite', routed({ rewrite: '/b' })],
  ['one path to many', '/routes/0/rewrite', routed({ match: '/a', rewrite: '/b/*' })],
  ['a choice of one', '/routes/0/balance', routed({ balance: 'least-busy' })],
  ['an unknown choice', '/routes/0/balance', routed({ balance: 'hash', to: [...to, 'http://b'] })],
  ['an unknown limit', '/routes/0/limits/headerBytes', routed({ limits: { headerBytes: 2048 } })],
  [
    'a recent sign-in where nobody signs in',
    '/routes/0/auth/recentAuthSeconds',
    routed({ auth: { mode: 'none', recentAuthSeconds: 60 } }),
  ],
  [
    'one host in two spellings',
    '/routes/1',
    {
      routes: [
        { host: 'shop.example', match: '/a', to },
        { host: 'SHOP.example', match: '/a', to },
      ],
    },
  ],
  [
    'a rewrite of what is not forwarded',
    '/routes/0/rewrite',
    { ...proxies('127.0.0.1'), routes: [{ match: '/a', rewrite: '/b' }] },
  ],
  ['a header with another meaning', '/identityHeaders/subject', header('Content_Length')],
  ['a forwarding header', '/identityHeaders/subject', header('X-Forwarded-User')],
  ['a hop-by-hop header', '/identityHeaders/subject', header('Proxy-User')],
]

test('each mistake is found alone', () => {
  assert.ok(mistaken.length > 0)
  for (const [name, pointer, change] of mistaken) {
    assert.deepEqual(pointersOf({ ...smallest, ...change }), [pointer], name)
  }
})

test('with proxies that may ask, a route may lead nowhere', () => {
  const { forwardAuth, routes } = parseGatewaySettings({
    ...smallest,
    ...asked({ dialect: 'envoy' }),
    trustedProxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1'],
    routes: [{ match: '/a' }, { match: '/b', to }],
  })
  assert.deepEqual(forwardAuth, {
    dialect: 'envoy',
    proxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1'],
  })
  assert.deepEqual(
    routes.map((route) => route.to),
    [[], to],
  )
})

test('a route has its own limits where it says so, and the common ones otherwise', () => {
  const { routes } = parseGatewaySettings({
    ...smallest,
    limits: { bodyBytes: 100, idleTimeoutSeconds: 5 },
    routes: [
      { match: '/a', to },
      { match: '/b', to, limits: { bodyBytes: 200 } },
      { match: '/c', to, limits: { idleTimeoutSeconds: 600 } },
    ],
  })
  assert.deepEqual(
    routes.map(({ limits }) => limits),
    [
      { bodyBytes: 100, idleTimeoutSeconds: 5 },
      { bodyBytes: 200, idleTimeoutSeconds: 5 },
      { bodyBytes: 100, idleTimeoutSeconds: 600 },
    ],
  )
})

test('one match for several hosts, and for one host with several ports, is no mistake', () => {
  const hosts = [undefined, 'shop.example', 'shop.example:8443', '[::1]', 'a_b.example']
  const { routes } = parseGatewaySettings({
    ...smallest,
    routes: hosts.map((host) => ({ match: '/a', to, ...(host && { host }) })),
  })
  assert.deepEqual(
    routes.map(({ host }) => host?.text),
    hosts,
  )
})

test('different methods of one match are no mistake, nor are two routes to one service', () => {
  const routes = [
    { match: '/a', to, methods: ['GET'] },
    { match: '/a', to, methods: ['POST'], auth: { scope: ['write'] } },
    { match: '/a/*', to },
  ]
  assert.equal(parseGatewaySettings({ ...smallest, routes }).routes.length, 3)
})

test('the files in the README are right ones', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const examples = [...readme.matchAll(/```json\n(\{\n  "listen".*?)```/gs)]
  const settings = examples.map(([, text = '']) => parseGatewaySettings(JSON.parse(text)))
  assert.deepEqual(
    settings.map(({ routes }) => routes.length),
    [2, 3],
  )
})

test('what is no object at all is a StartError too', () => {
  for (const value of [undefined, null, 3, 'text', []]) {
    assert.throws(() => parseGatewaySettings(value), StartError)
  }
})

function routed(route: object): object {
  return { routes: [{ match: '/a/*', to, ...route }] }
}

function asked(forwardAuth: object): object {
  return { trustedProxies: ['127.0.0.1'], forwardAuth }
}

function proxies(...trustedProxies: readonly string[]): object {
  return { trustedProxies, forwardAuth: { dialect: 'nginx' } }
}

function header(subject: string): object {
  return { identityHeaders: { subject } }
}

function pointersOf(value: unknown): string[] {
  try {
    parseGatewaySettings(value)
  } catch (error) {
    assert.ok(error instanceof StartError)
    const [, ...lines] = error.message.split('\n')
    return lines.map((line) => /^ {2}(\(the whole\)|\/\S*) /.exec(line)?.[1] ?? line)
  }
  return []
}
