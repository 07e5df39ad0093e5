import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { Environment } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import { describeIdentitySettings, readIdentitySettings } from '../src/index.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const smallest = { issuer: 'https://id.example', audiences: {} }

const secrets = {
  PORTCULLIS_SEALING_KEY: randomBytes(32).toString('base64'),
  PORTCULLIS_REFRESH_PEPPER: randomBytes(32).toString('base64'),
}

function fileWith(t: TestContext, content: unknown, name = 'identity.json'): string {
  const folder = createTemporaryFolder()
  t.after(folder.remove)
  const path = join(folder.path, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** The lines of the one error, and its remedies. */
function errorOf(
  file: string,
  environment: Environment,
  database?: string,
): { readonly lines: readonly string[]; readonly remedies: readonly string[] } {
  try {
    readIdentitySettings({ file, environment, database })
  } catch (error) {
    assert.ok(error instanceof StartError, String(error))
    return { lines: error.message.split('\n'), remedies: error.remedy.split('\n') }
  }
  assert.fail('nothing was wrong')
}

test('the environment wins over the file, value by value, and the command line over both', (t) => {
  const file = fileWith(t, {
    ...smallest,
    listen: { host: 'localhost', port: 4001 },
    keyRotationDays: 7,
    trustedProxies: ['10.0.0.0/8'],
  })
  const environment = {
    ...secrets,
    PORTCULLIS_LISTEN_PORT: '4002',
    PORTCULLIS_TRUSTED_PROXIES: '192.0.2.0/24, fd00::/8',
    PORTCULLIS_DANGEROUSLY_PLAIN_HTTP: 'true',
    PORTCULLIS_DATABASE: 'sqlite:one.db',
    // Compose files pass empty variables for those that are not there.
    PORTCULLIS_LISTEN_HOST: '',
  }
  const { settings } = readIdentitySettings({ file, environment })
  assert.deepEqual([settings.listen.host, settings.listen.port], ['localhost', 4002])
  assert.deepEqual(settings.trustedProxies, ['192.0.2.0/24', 'fd00::/8'])
  assert.equal(settings.dangerouslyPlainHttp, true)
  assert.equal(settings.keyRotationDays, 7)
  assert.equal(settings.database, 'sqlite:one.db')
  const other = readIdentitySettings({ file, environment, database: 'sqlite:two.db' })
  assert.equal(other.settings.database, 'sqlite:two.db')
})

test('the issuer may come from the environment alone', (t) => {
  const file = fileWith(t, { audiences: {} })
  const environment = { ...secrets, PORTCULLIS_ISSUER: 'https://other.example/one' }
  const { settings } = readIdentitySettings({ file, environment })
  assert.equal(settings.issuer, 'https://other.example/one')
  assert.equal(settings.registry.issuer, 'https://other.example/one')
  assert.deepEqual(errorOf(file, secrets).lines.slice(1), ['  /issuer is required'])
})

test('every mistake of file, environment and secrets is in one error, each with its place', (t) => {
  const file = fileWith(t, { ...smallest, keyRotationDays: 0, roles: { r: { nowhere: [] } } })
  const { lines, remedies } = errorOf(file, {
    PORTCULLIS_LISTEN_PORT: '80 80',
    PORTCULLIS_DANGEROUSLY_PLAIN_HTTP: 'yes',
    PORTCULLIS_TOKEN_BYTES_MAX: '1e9',
    PORTCULLIS_ISSUER: 'http://id.example',
    PORTCULLIS_ALLOWED_ORIGINS: 'https://shop.example,*',
    PORTCULLIS_REFRESH_PEPPER: 'short',
    PORTCULLIS_DATABASE: 'sqlite:one.db',
    PORTCULLIS_DATABASE_FILE: '/nowhere',
  })
  assert.deepEqual(lines, [
    `2 mistakes in ${file}:`,
    '  /keyRotationDays must be >= 1',
    '  /roles/r/nowhere is not an audience of this file',
    '6 mistakes in the environment:',
    '  PORTCULLIS_DATABASE and PORTCULLIS_DATABASE_FILE are both set: unset one of them',
    '  PORTCULLIS_LISTEN_PORT must be integer',
    '  PORTCULLIS_DANGEROUSLY_PLAIN_HTTP must be boolean',
    '  PORTCULLIS_TOKEN_BYTES_MAX must be integer',
    '  PORTCULLIS_ISSUER is not an issuer: plain http is for loopback only; use https',
    '  PORTCULLIS_ALLOWED_ORIGINS has a mistake: entry 2 is not an origin as browsers send it, such as https://shop.example',
    '2 mistakes in the secrets:',
    '  PORTCULLIS_SEALING_KEY is not set',
    '  PORTCULLIS_REFRESH_PEPPER holds 3 bytes instead of 32',
  ])
  assert.equal(remedies.length, 3)
})

test('a file that is no JSON keeps nobody from hearing what else is wrong', (t) => {
  const file = fileWith(t, '{ "issuer": ')
  const { lines } = errorOf(file, { ...secrets, PORTCULLIS_KEY_ROTATION_DAYS: '366' })
  assert.deepEqual(lines, [
    `the settings file ${file} is not JSON: line 1, column 1: what begins here is not closed: } is missing`,
    '1 mistake in the environment:',
    '  PORTCULLIS_KEY_ROTATION_DAYS must be <= 365',
  ])
  const missing = errorOf(`${file}.missing`, secrets)
  assert.equal(missing.lines.length, 1)
  assert.match(missing.lines[0] ?? '', /cannot be read \(ENOENT\)/)
})

const pairs: readonly (readonly [object, Environment, string])[] = [
  [{ sessionSeconds: 3600 }, {}, '/sessionSeconds does not fit'],
  [{ sessionSeconds: 3600, sessionIdleSeconds: 3601 }, {}, '/sessionIdleSeconds does not fit'],
  [
    { sessionSeconds: 3600 },
    { PORTCULLIS_SESSION_IDLE_SECONDS: '3601' },
    'PORTCULLIS_SESSION_IDLE',
  ],
  [{}, { PORTCULLIS_SESSION_SECONDS: '60' }, 'PORTCULLIS_SESSION_SECONDS does not fit'],
  [{ listen: { host: '0.0.0.0' } }, {}, '/listen/host is not on loopback'],
  [{ listen: { host: '::' } }, {}, '/listen/host is not on loopback'],
  [{ listen: { host: 'id.example' } }, {}, '/listen/host is not on loopback'],
  [{ listen: { host: 'localhost.example' } }, {}, '/listen/host is not on loopback'],
  [{}, { PORTCULLIS_LISTEN_HOST: '192.0.2.1' }, 'PORTCULLIS_LISTEN_HOST is not on loopback'],
  [{ listen: { tls: { keyFile: 'k' } } }, {}, '/listen/tls/keyFile is alone'],
  [{ listen: { tls: { certificateFile: 'c' } } }, {}, '/listen/tls/certificateFile is alone'],
  [{ trustedProxies: ['10.0.0.1', '0.0.0.0/0'] }, {}, '/trustedProxies has a mistake: entry 2'],
  [
    { nats: { servers: ['nats.example', 'nats://me:secret@nats.example:4222'] } },
    {},
    '/nats/servers has a mistake: entry 2',
  ],
  [{ nats: { servers: ['wss://nats.example'] } }, {}, '/nats/servers has a mistake: entry 1'],
  [{ nats: { stream: 'a.b' } }, {}, '/nats/stream may have letters'],
  [{ allowedOrigins: ['null'] }, {}, '/allowedOrigins has a mistake: entry 1'],
  [{ allowedOrigins: ['http://shop.example'] }, {}, '/allowedOrigins has a mistake: entry 1'],
  [{ allowedOrigins: ['https://*.shop.example'] }, {}, '/allowedOrigins has a mistake: entry 1'],
  [{ allowedOrigins: ['https://shop.example/'] }, {}, '/allowedOrigins has a mistake: entry 1'],
  [{ allowedOrigins: ['ftp://shop.example'] }, {}, '/allowedOrigins has a mistake: entry 1'],
  [
    { issuer: 'http://localhost', listen: { tls: { certificateFile: 'c', keyFile: 'k' } } },
    {},
    '/issuer does not fit: a listener with TLS',
  ],
]

test('what does not fit together is said where somebody chose it', (t) => {
  assert.ok(pairs.length > 0)
  for (const [members, variables, where] of pairs) {
    const file = fileWith(t, { ...smallest, ...members })
    const { lines } = errorOf(file, { ...secrets, ...variables })
    assert.equal(lines.length, 2, lines.join('\n'))
    assert.ok(String(lines[1]).startsWith(`  ${where}`), lines.join('\n'))
  }
})

test('loopback speaks plain http, and so does what says so by name', (t) => {
  const fine = [
    ...['127.0.0.1', '127.9.9.9', 'localhost', '::1', '::ffff:127.0.0.1'].map((host) => ({
      listen: { host },
    })),
    { listen: { host: '0.0.0.0' }, dangerouslyPlainHttp: true },
    { listen: { host: '0.0.0.0', tls: { certificateFile: 'c', keyFile: 'k' } } },
    { allowedOrigins: ['https://shop.example', 'https://a.example:8443', 'http://[::1]:5173'] },
  ]
  for (const members of fine) {
    const file = fileWith(t, { ...smallest, ...members })
    assert.doesNotThrow(() => readIdentitySettings({ file, environment: secrets }))
  }
})

test('a slip of the pen in a variable is a mistake that says what was meant', (t) => {
  const slips = {
    PORTCULLIS_LISTEN_PROT: 'PORTCULLIS_LISTEN_PORT',
    PORTCULLIS_LISTENPORT: 'PORTCULLIS_LISTEN_PORT',
    portcullis_listen_port: 'PORTCULLIS_LISTEN_PORT',
    PORTCULLIS_REFRESH_GRACE_SECOND: 'PORTCULLIS_REFRESH_GRACE_SECONDS',
    PORTCULLIS_DATABASE_FIEL: 'PORTCULLIS_DATABASE_FILE',
    PORTCULLIS_SEALING_KEYS: 'PORTCULLIS_SEALING_KEY',
    PORTCULLIS_REFRESH_PEPPER_PREVIOS: 'PORTCULLIS_REFRESH_PEPPER_PREVIOUS',
  }
  const file = fileWith(t, smallest)
  for (const [slip, meant] of Object.entries(slips)) {
    const { lines } = errorOf(file, { ...secrets, [slip]: '1' })
    assert.equal(lines[1], `  ${slip} is not known: did you mean ${meant}?`)
  }
})

test('the variables of other programs are none of ours', (t) => {
  const others = {
    PORTCULLIS_PORT_BASE: '0',
    PORTCULLIS_KEY_SET_FILE: 'x',
    PORTCULLIS_TEST_SEED: '1',
    // What Kubernetes makes of a service that is called portcullis, or portcullis-gateway.
    PORTCULLIS_PORT: 'tcp://10.0.0.1:4000',
    PORTCULLIS_PORT_4000_TCP: 'tcp://10.0.0.1:4000',
    PORTCULLIS_SERVICE_HOST: '10.0.0.1',
    PORTCULLIS_SERVICE_PORT: '4000',
    PORTCULLIS_GATEWAY_PORT: 'tcp://10.0.0.1:4003',
    PORTCULLIS_GATEWAY_LISTEN_PORT: '4003',
    LISTEN_PORT: '1',
  }
  const file = fileWith(t, smallest)
  const { settings } = readIdentitySettings({ file, environment: { ...secrets, ...others } })
  assert.equal(settings.listen.port, 4000)
})

test('what is described has every value with its source, and no secret', (t) => {
  const file = fileWith(t, { ...smallest, listen: { port: 4001 } })
  const environment = {
    PORTCULLIS_SEALING_KEY: 'not even a key',
    PORTCULLIS_REFRESH_PEPPER_FILE: '/nowhere/pepper',
    PORTCULLIS_KEY_ROTATION_DAYS: '7',
  }
  const described = describeIdentitySettings({ file, environment, database: 'sqlite:x.db' })
  assert.deepEqual(described.secrets, {
    PORTCULLIS_SEALING_KEY: 'set',
    PORTCULLIS_SEALING_KEY_PREVIOUS: 'not set',
    PORTCULLIS_REFRESH_PEPPER: 'set',
    PORTCULLIS_REFRESH_PEPPER_PREVIOUS: 'not set',
    PORTCULLIS_HS256_SECRET: 'not set',
    PORTCULLIS_HS256_SECRET_PREVIOUS: 'not set',
  })
  const { settings } = described
  assert.deepEqual(settings['listen.host'], { value: '127.0.0.1', from: 'default' })
  assert.deepEqual(settings['listen.port'], { value: 4001, from: 'file' })
  assert.deepEqual(settings['listen.tls.keyFile'], { value: null, from: 'default' })
  assert.deepEqual(settings['audiences'], { value: {}, from: 'file' })
  assert.deepEqual(settings['keyRotationDays'], {
    value: 7,
    from: 'environment',
    by: 'PORTCULLIS_KEY_ROTATION_DAYS',
  })
  assert.deepEqual(settings['database'], {
    value: 'sqlite:x.db',
    from: 'command line',
    by: '--database',
  })
  const text = JSON.stringify(described)
  assert.ok(!text.includes('not even a key') && !text.includes('/nowhere'))
})

/** What is shown of each; the word hunter2 is the password, or a piece of one that was not escaped. */
const databases: Readonly<Record<string, string>> = {
  'sqlite:.portcullis/identity.db': 'sqlite:.portcullis/identity.db',
  'postgres://db.example/identity': 'postgres://db.example/identity',
  'postgres://user:hunter2@db.example:5432/identity?sslmode=require':
    'postgres://user:redacted@db.example:5432/identity?sslmode=require',
  'postgresql://user:hunter2%40@db.example/identity':
    'postgresql://user:redacted@db.example/identity',
  'postgres://db.example/identity?user=a&password=hunter2':
    'postgres://db.example/identity?user=a&password=redacted',
  'postgres://user:a@hunter2@db.example/identity': 'postgres://user:redacted@db.example/identity',
  'postgres://user:a/hunter2@db.example/identity': 'postgres:redacted',
  'postgres://user:12/hunter2@db.example/identity': 'postgres:redacted',
  'postgres://user:12?hunter2@db.example/identity': 'postgres:redacted',
  'postgres://user:12#hunter2@db.example/identity': 'postgres:redacted',
  'postgres:user:hunter2@db.example': 'postgres:redacted',
  hunter2: 'redacted',
}

test('the password of a database is shown nowhere, whichever way it came', (t) => {
  const file = fileWith(t, smallest)
  for (const [database, shown] of Object.entries(databases)) {
    const path = fileWith(t, `${database}\n`, 'database')
    for (const environment of [
      { PORTCULLIS_DATABASE: database },
      { PORTCULLIS_DATABASE_FILE: path },
    ]) {
      const { settings } = describeIdentitySettings({ file, environment })
      assert.equal(settings['database']?.value, shown)
      const read = readIdentitySettings({ file, environment: { ...secrets, ...environment } })
      assert.equal(read.settings.database, database)
    }
  }
})
