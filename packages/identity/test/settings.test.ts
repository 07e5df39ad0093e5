import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { StartError } from '@portcullis/runtime'
import { parseIdentitySettings } from '../src/index.ts'

const smallest = { issuer: 'https://id.example', audiences: {} }

/** The example that the design of the file gives. Its member `claims` comes with a later release. */
const documented = {
  issuer: 'https://id.example',
  audiences: {
    orders: {
      scopes: ['orders:read', 'orders:write'],
      roles: ['customer', 'admin'],
      accessTokenSeconds: 900,
      algorithm: 'RS256',
    },
    reviews: { scopes: ['reviews:write'], roles: ['customer', 'moderator'] },
  },
  roles: {
    customer: { orders: ['orders:read', 'orders:write'], reviews: ['reviews:write'] },
  },
  clients: {
    web: { public: true, grants: ['login', 'refresh_token'], audiences: ['orders', 'reviews'] },
  },
}

/** Where the mistakes are, and what is said of each. */
function mistakesOf(value: unknown): readonly (readonly [string, string])[] {
  try {
    parseIdentitySettings(value, 'identity.json')
  } catch (error) {
    assert.ok(error instanceof StartError, String(error))
    const [heading = '', ...lines] = error.message.split('\n')
    assert.match(heading, new RegExp(`^${lines.length} mistakes? in identity\\.json:$`))
    return lines.map((line) => {
      const [, path = '', message = ''] = /^ {2}(\(the whole\)|\/\S*) (.*)$/.exec(line) ?? []
      return [path, message]
    })
  }
  return []
}

function pathsOf(value: unknown): readonly string[] {
  return mistakesOf(value).map(([path]) => path)
}

const usualAnomalies = {
  accountsPerNetworkMin: 20,
  networksPerAccountMin: 10,
  networkChangesMin: 4,
  tokensMin: 100,
  tokensTimesUsual: 5,
  refusalsMin: 200,
  refusalsTimesUsual: 5,
  clockApartSeconds: 5,
  keyOverdueHours: 24,
  followerBehindSeconds: 60,
  alertFor: [],
  endSessionFor: [],
  dangerouslyBlockAccountFor: [],
  actionsPerHourMax: 20,
}

test('the smallest file gets every default, and the built-in clients', () => {
  const { described, ...settings } = parseIdentitySettings(smallest, 'identity.json')
  assert.deepEqual(described['keyRotationDays'], { value: 30, from: 'default' })
  assert.deepEqual(settings, {
    registry: {
      issuer: 'https://id.example',
      audiences: new Map(),
      roles: new Map(),
      clients: new Map([
        ['web', { isPublic: true, grants: ['login', 'refresh_token'], audiences: [], scopes: [] }],
        [
          'portcullis-pages',
          { isPublic: true, grants: ['login', 'refresh_token'], audiences: [], scopes: [] },
        ],
      ]),
    },
    issuer: 'https://id.example',
    listen: {
      host: '127.0.0.1',
      port: 4000,
      tls: { certificateFile: undefined, keyFile: undefined },
    },
    dangerouslyPlainHttp: false,
    dangerouslySignOutSessionsOfPepper: undefined,
    trustedProxies: [],
    allowedOrigins: [],
    operations: { host: '127.0.0.1', port: 4004 },
    database: 'sqlite:.portcullis/identity.db',
    jwksMaxAgeSeconds: 300,
    keyRotationDays: 30,
    auditRetentionDays: 400,
    anomalies: usualAnomalies,
    nats: { servers: [], stream: 'portcullis-revocations', credentialsFile: undefined },
    streams: { reachableNetworks: [], retentionDays: 7, eventsHeldMax: 100_000 },
    dpopNonce: 'off',
    tokenBytesMax: 1800,
    sessionIdleSeconds: 14 * 24 * 3600,
    sessionSeconds: 90 * 24 * 3600,
    refreshGraceSeconds: 30,
    loginProtection: {
      freeTries: 10,
      delaySecondsMax: 900,
      networkFreeTries: 100,
      networkDelaySecondsMax: 36,
      strangerTriesPerMinute: 600,
      knownNetworkDays: 90,
      dangerouslyUnlimitedGuesses: false,
    },
    sessionsPerAccountMax: undefined,
    accounts: { selfRegistration: undefined, defaultRoles: [] },
    mail: { smtpUrl: undefined, from: undefined, dangerouslyPlainSmtp: false },
    links: { reset: undefined, verifyEmail: undefined },
    passwords: {
      contextWords: ['portcullis'],
      wordFile: undefined,
      breached: { baseUrl: undefined, timeoutMs: 1000 },
      hashCost: { memoryKib: 19_456, passes: 2, lanes: 1 },
      hashesRunningMax: Math.min(availableParallelism(), 3),
      hashesWaitingMax: 100,
    },
    tracing: { endpoint: undefined, sampleRatio: 0.1 },
  })
})

test('the documented example is accepted', () => {
  const { registry } = parseIdentitySettings(documented, 'identity.json')
  assert.deepEqual(registry.audiences.get('reviews'), {
    scopes: ['reviews:write'],
    roles: ['customer', 'moderator'],
    accessTokenSeconds: 900,
    algorithms: ['RS256'],
    claims: new Map(),
    requiresDpop: false,
  })
  assert.deepEqual(registry.roles.get('customer')?.get('reviews'), ['reviews:write'])
  assert.deepEqual([...registry.clients.keys()], ['web', 'portcullis-pages'])
})

test('the file that the README shows is accepted', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, file = ''] = /^```json\n(.*?)^```$/ms.exec(readme) ?? []
  const { registry } = parseIdentitySettings(JSON.parse(file), 'README.md')
  assert.deepEqual([...registry.audiences.keys()], ['orders', 'reviews'])
})

test('the built-in client web is for every audience unless the file declares it', () => {
  const { clients, ...withoutClients } = documented
  const { registry } = parseIdentitySettings(withoutClients, 'identity.json')
  assert.deepEqual(registry.clients.get('web')?.audiences, ['orders', 'reviews'])
  const narrowed = { web: { ...clients.web, audiences: ['reviews'] } }
  const other = parseIdentitySettings({ ...documented, clients: narrowed }, 'identity.json')
  assert.deepEqual(other.registry.clients.get('web')?.audiences, ['reviews'])
})

test('own claims of an audience come from attributes of the account', () => {
  const orders = { ...documented.audiences.orders, claims: { tenant: 'account.attributes.tenant' } }
  const audiences = { ...documented.audiences, orders }
  const { registry } = parseIdentitySettings({ ...documented, audiences }, 'identity.json')
  assert.deepEqual(registry.audiences.get('orders')?.claims, new Map([['tenant', 'tenant']]))
})

test('every mistake of a file is reported at once, each with its JSON pointer', () => {
  const paths = pathsOf({
    issuer: 'http://id.example/',
    audiences: {
      orders: {
        scopes: ['orders:read', 'orders read'],
        algorithm: 'HS256',
        claims: { sub: 'account.attributes.x' },
      },
      reviews: { scopes: 'reviews:write', accessTokenSeconds: 29, algorithm: 'ES256' },
      'no%spaces': {},
      fast: { accessTokenSeconds: 3601 },
    },
    roles: {
      customer: { orders: ['orders:delete'], elsewhere: [] },
      'a/b': {},
      admin: ['orders'],
    },
    clients: {
      web: { public: true, grants: ['login', 'password'], audiences: ['orders', 'nowhere'] },
      till: { public: false, grants: ['client_credentials'], audiences: ['fast', 'reviews'] },
      none: {},
    },
    listen: { port: 70_000, host: '', tls: { keyFile: '', passphrase: 'x' } },
    operations: 4004,
    database: 5,
    jwksMaxAgeSeconds: 0,
    keyRotationDays: 366,
    tokenBytesMax: 5000,
    'a~b/c': 1,
  })
  assert.deepEqual([...new Set(paths)].toSorted(), [
    '/audiences/fast/accessTokenSeconds',
    '/audiences/no%spaces',
    '/audiences/orders/algorithm',
    '/audiences/orders/claims/sub',
    '/audiences/orders/scopes/1',
    '/audiences/reviews/accessTokenSeconds',
    '/audiences/reviews/scopes',
    '/a~0b~1c',
    '/clients/none/audiences',
    '/clients/none/grants',
    '/clients/none/public',
    '/clients/till/audiences',
    '/clients/till/grants',
    '/clients/till/public',
    '/clients/web/audiences',
    '/clients/web/grants/1',
    '/database',
    '/issuer',
    '/jwksMaxAgeSeconds',
    '/keyRotationDays',
    '/listen/host',
    '/listen/port',
    '/listen/tls/keyFile',
    '/listen/tls/passphrase',
    '/operations',
    '/roles/admin',
    '/roles/a~1b',
    '/roles/customer/elsewhere',
    '/roles/customer/orders',
    '/tokenBytesMax',
  ])
})

/** Each alone in a file that is otherwise right. */
const mistaken: readonly (readonly [string, string, object])[] = [
  ['no issuer', '/issuer', { issuer: undefined }],
  ['no audiences', '/audiences', { audiences: undefined }],
  ['a role at an unknown audience', '/roles/r/nowhere', { roles: { r: { nowhere: [] } } }],
  ['a role with an unknown scope', '/roles/r/orders', { roles: { r: { orders: ['x'] } } }],
  ['a role at an inherited name', '/roles/r/toString', { roles: { r: { toString: [] } } }],
  ['a scope that comes twice', '/audiences/a/scopes', { audiences: { a: { scopes: ['x', 'x'] } } }],
  ['a client for an unknown audience', '/clients/c/audiences', client(['nowhere'])],
  ['a client for an inherited name', '/clients/c/audiences', client(['constructor'])],
  ['a client for two algorithms', '/clients/c/audiences', client(['orders', 'elliptic'])],
  ['a public client with a secret grant', '/clients/c/grants', client([], ['client_credentials'])],
]

function client(audiences: readonly string[], grants: readonly string[] = ['login']): object {
  return { clients: { c: { public: true, grants, audiences } } }
}

test('each mistake is found alone', () => {
  const audiences = { orders: { scopes: ['orders:read'] }, elliptic: { algorithm: 'ES256' } }
  assert.ok(mistaken.length > 0)
  for (const [name, path, change] of mistaken) {
    assert.deepEqual(pathsOf({ ...smallest, audiences, ...change }), [path], name)
  }
})

test('a file that is no object at all is a mistake of the whole', () => {
  for (const value of [null, [], 'text', 3]) {
    assert.deepEqual(pathsOf(value), ['(the whole)'])
  }
})

test('an issuer is https, or http on loopback, in its one spelling', () => {
  const issuers = [
    'https://id.example',
    'https://id.example:8443',
    'https://id.example/tenants/one',
    'http://localhost:4000',
    'http://127.0.0.1:4000',
    'http://[::1]:4000',
  ]
  for (const issuer of issuers) assert.deepEqual(mistakesOf({ ...smallest, issuer }), [], issuer)
})

test('an issuer in any other spelling is refused', () => {
  const issuers = [
    '',
    'id.example',
    'ftp://id.example',
    'http://id.example',
    'http://localhost.example:4000',
    'https://id.example/',
    'https://id.example/tenants/',
    'https://ID.example',
    'https://id.example:443',
    'https://user@id.example',
    'https://id.example?tenant=one',
    'https://id.example#top',
    'https://id.example/a/../b',
    'https://id.example/:tenant',
    'https://id.example/*',
    'https://id.example/caf%C3%A9',
  ]
  for (const issuer of issuers)
    assert.deepEqual(pathsOf({ ...smallest, issuer }), ['/issuer'], issuer)
})

test('a bound against guessing that would protect nothing, or lock people out, is a mistake', () => {
  const outside = {
    freeTries: 101,
    delaySecondsMax: 9,
    networkFreeTries: 0,
    networkDelaySecondsMax: 3601,
    strangerTriesPerMinute: 0,
    knownNetworkDays: 366,
    dangerouslyUnlimitedGuesses: 'yes',
    off: true,
  }
  const file = { ...smallest, loginProtection: outside }
  assert.throws(
    () => parseIdentitySettings(file, 'identity.json'),
    (error: unknown) => {
      assert.ok(error instanceof StartError)
      for (const member of Object.keys(outside)) {
        assert.ok(error.message.includes(`/loginProtection/${member}`), member)
      }
      return true
    },
  )
})
