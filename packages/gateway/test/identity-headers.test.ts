import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sendRaw, statusesIn } from './http-client.ts'
import { startWorld } from './world.ts'

const named = {
  subject: 'X-Auth-Subject',
  roles: 'X-Auth-Roles',
  scope: 'X-Auth-Scope',
  session: 'X-Auth-Session',
}

/** What a client may try to be taken for the subject header by some service. */
const aliases = [
  'X-Auth-Subject',
  'x-auth-subject',
  'X-AUTH-SUBJECT',
  'X_Auth_Subject',
  'x_auth-subject',
  'X.Auth.Subject',
  'X-Auth.Subject',
  'X~Auth~Subject',
  'X+Auth!Subject',
]

test('the headers carry what the token says', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
  })
  const token = issuer.mint({
    sub: 'person',
    roles: ['clerk', 'admin'],
    sid: 'session',
    scope: 'a b',
  })
  assert.equal((await ask({ token })).status, 200)
  const [request] = service.requests
  assert.ok(request)
  assert.deepEqual(request.all('X-Auth-Subject'), ['person'])
  assert.deepEqual(request.all('X-Auth-Roles'), ['clerk,admin'])
  assert.deepEqual(request.all('X-Auth-Scope'), ['a b'])
  assert.deepEqual(request.all('X-Auth-Session'), ['session'])
  assert.deepEqual(request.all('Authorization'), [`Bearer ${token}`])
})

test('a claim that the token lacks has no header, whatever the client sent', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
  })
  const machine = { sub: 'c07c2b0f6a1e', sid: undefined, gen: undefined }
  const token = issuer.mint({ ...machine, roles: undefined, scope: undefined })
  const headers = ['X-Auth-Roles', 'admin', 'X-Auth-Session', 'x', 'X-Auth-Scope', 'all']
  assert.equal((await ask({ token, headers })).status, 200)
  const [request] = service.requests
  assert.ok(request)
  assert.deepEqual(request.all('X-Auth-Subject'), ['c07c2b0f6a1e'])
  for (const name of ['X-Auth-Roles', 'X-Auth-Scope', 'X-Auth-Session']) {
    assert.deepEqual(request.all(name), [], name)
  }
})

// RFC 9700 O23. CVE-2017-6062, CVE-2017-6413, GHSA-5m6w-wvh7-57vm: no spelling speaks for the gateway.
test('no alias of an identity header gets through, on any kind of route', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
  })
  assert.ok(aliases.length > 0)
  const routes = [
    { path: '/orders', token: issuer.mint(), subjects: ['b1946ac92492d234'] },
    { path: '/optional', token: issuer.mint(), subjects: ['b1946ac92492d234'] },
    { path: '/optional', subjects: [] },
    { path: '/public', token: issuer.mint(), subjects: [] },
    { path: '/public', subjects: [] },
  ]
  for (const { subjects, ...question } of routes) {
    for (const alias of aliases) {
      const headers = [alias, 'admin', 'X-Other', 'kept', alias, 'root']
      assert.equal((await ask({ ...question, headers })).status, 200)
      const [request] = service.requests.splice(0)
      assert.ok(request)
      assert.deepEqual(valuesOfAliases(request.rawHeaders), subjects, `${question.path} ${alias}`)
      assert.deepEqual(request.all('X-Other'), ['kept'])
    }
  }
})

test('the default names are wiped while the feature is off', async (t) => {
  const { ask, issuer, service } = await startWorld(t)
  for (const question of [{ token: issuer.mint() }, { path: '/public' }]) {
    const headers = Object.values(named).flatMap((name) => [name, 'forged'])
    await ask({ ...question, headers })
    const [request] = service.requests.splice(0)
    assert.ok(request)
    assert.ok(!request.rawHeaders.includes('forged'))
  }
})

test('names of the operator are wiped with their aliases, and the default names too', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: { subject: 'Remote_User' } }),
  })
  const headers = [
    'Remote-User',
    'a',
    'remote.user',
    'b',
    'REMOTE_USER',
    'c',
    'X-Auth-Subject',
    'd',
  ]
  await ask({ token: issuer.mint(), headers })
  await ask({ path: '/public', headers })
  const [judged, open] = service.requests
  assert.deepEqual(judged?.all('Remote_User'), ['b1946ac92492d234'])
  for (const value of ['a', 'b', 'c', 'd']) {
    assert.ok(!judged.rawHeaders.includes(value))
    assert.ok(open && !open.rawHeaders.includes(value))
  }
})

test('Connection removes neither our identity headers nor the token', async (t) => {
  const { port, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
  })
  const listed = [...Object.values(named), 'authorization', 'cookie', 'host', 'x-request-id', 'via']
  const forwarded = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-own']
  const raw = await sendRaw(
    port,
    `GET /orders HTTP/1.1\r\nHost: shop.example\r\nAuthorization: Bearer ${issuer.mint()}\r\n` +
      `Cookie: a=b\r\nX-Own: mine\r\nConnection: close, ${[...listed, ...forwarded].join(', ')}\r\n\r\n`,
  )
  assert.deepEqual(statusesIn(raw), [200])
  const [request] = service.requests
  assert.ok(request)
  for (const name of [...listed, ...forwarded.slice(0, 3)]) {
    assert.equal(request.all(name).length, 1, name)
  }
  assert.deepEqual(request.all('X-Auth-Subject'), ['b1946ac92492d234'])
  assert.deepEqual(request.all('X-Own'), [], 'what Connection may name ends at the gateway')
})

test('an identity header in a trailer does not arrive', async (t) => {
  const { port, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
  })
  const raw = await sendRaw(
    port,
    `POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${issuer.mint()}\r\n` +
      'Trailer: X-Auth-Roles\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n' +
      '2\r\nhi\r\n0\r\nX-Auth-Roles: admin\r\n\r\n',
  )
  assert.deepEqual(statusesIn(raw), [200])
  const [request] = service.requests
  assert.equal(request?.body, 'hi')
  assert.deepEqual(request.all('X-Auth-Roles'), ['customer'])
  assert.deepEqual(request.all('Trailer'), [])
})

test('what no header can carry is percent-encoded, and a role cannot become two', async (t) => {
  const { ask, issuer, service } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
  })
  const roles = ['a,admin', '100%', 'Käse 日本', ' b ']
  assert.equal((await ask({ token: issuer.mint({ sub: 'jürgen, 1', roles }) })).status, 200)
  const [request] = service.requests
  assert.ok(request)
  assert.deepEqual(request.all('X-Auth-Subject'), ['j%C3%BCrgen%2C%201'])
  const [value = ''] = request.all('X-Auth-Roles')
  assert.match(value, /^[\x21-\x7e]+$/)
  assert.deepEqual(value.split(',').map(decodeURIComponent), roles)
})

test('a service cannot speak in the names of identity headers', async (t) => {
  const { ask } = await startWorld(t, {
    file: () => ({ identityHeaders: named }),
    service: (_request, response) => {
      response.writeHead(200, { 'X-Auth-Subject': 'x', x_auth_roles: 'y', 'X-Other': 'z' }).end()
    },
  })
  const { headers } = await ask({ path: '/public' })
  assert.equal(headers['x-auth-subject'], undefined)
  assert.equal(headers['x_auth_roles'], undefined)
  assert.equal(headers['x-other'], 'z')
})

function valuesOfAliases(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter(
    (_value, at) => at % 2 === 1 && /^x.auth.subject$/i.test(rawHeaders[at - 1] ?? ''),
  )
}
