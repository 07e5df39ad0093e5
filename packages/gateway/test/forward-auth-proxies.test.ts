import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frontProxies } from './front-proxies.ts'
import { quietPort } from './listening-program.ts'
import { identityAt, managed, startGuarded } from './guarded-world.ts'
import type { Question } from './http-client.ts'
import { ask, statusesIn } from './http-client.ts'

const caddyKind = frontProxies.find(({ name }) => name === 'caddy') ?? assert.fail()

for (const kind of frontProxies) {
  const { name, skip } = kind
  const isNginx = name === 'nginx'

  test(
    `${name}: a request with a valid token arrives as it was sent, with who sent it`,
    { skip },
    async (t) => {
      const { askProxy, behind, issuer } = await startGuarded(t, kind)
      const token = issuer.mint({ sub: 'person', roles: ['clerk'], sid: 'session', scope: 'a b' })
      const target = '/orders/1%2C2/x?a=1&b=%2F..'
      const body = 'x'.repeat(20_000)
      const answer = await askProxy({ method: 'POST', path: target, token, body })
      assert.equal(answer.status, 200)
      assert.equal(answer.body, '{"ok":true}')
      const [request] = behind.requests
      assert.ok(request)
      assert.equal(request.method, 'POST')
      assert.equal(request.target, target)
      assert.equal(request.body, body)
      assert.deepEqual(request.all('Authorization'), [`Bearer ${token}`])
      assert.deepEqual(identityAt(request).toSorted(), [
        'x-auth-roles: clerk',
        'x-auth-scope: a b',
        'x-auth-session: session',
        'x-auth-subject: person',
      ])
      for (const header of managed) {
        assert.equal(answer.headers[header.toLowerCase()], undefined, 'the client is told nothing')
      }
    },
  )

  test(
    `${name}: a token that lets nobody in reaches no service, and its client is told why`,
    { skip },
    async (t) => {
      const { askProxy, behind, issuer } = await startGuarded(t, kind)
      const bad = issuer.forge({ signature: 'stranger' })
      const unknown = isNginx ? 403 : 404
      const questions: readonly (readonly [Question, number, RegExp?])[] = [
        [{ path: '/orders' }, 401, /^Bearer realm="orders"$/],
        [{ path: '/orders', token: bad }, 401, /^Bearer .*error="invalid_token"/],
        [{ path: '/optional', token: bad }, 401, /^Bearer .*error="invalid_token"/],
        [
          { path: '/writes', method: 'POST', token: issuer.mint() },
          403,
          /error="insufficient_scope"/,
        ],
        [{ path: '/unknown', token: issuer.mint() }, unknown],
        [{ path: '/writes', token: issuer.mint({ roles: ['admin'] }) }, isNginx ? 403 : 405],
      ]
      for (const [question, status, challenge] of questions) {
        const answer = await askProxy(question)
        assert.equal(answer.status, status, String(question.path))
        const challenges = answer.rawHeaders.filter(
          (_value, at) =>
            at % 2 === 1 && /^www-authenticate$/i.test(answer.rawHeaders[at - 1] ?? ''),
        )
        assert.equal(challenges.length, challenge === undefined ? 0 : 1, String(question.path))
        if (challenge !== undefined) assert.match(challenges[0] ?? '', challenge)
      }
      assert.equal(behind.requests.length, 0)
    },
  )

  test(`${name}: the method of the client is the one that is judged`, { skip }, async (t) => {
    const { askProxy, sendProxy, behind, issuer } = await startGuarded(t, kind)
    const token = issuer.mint({ roles: ['admin'] })
    assert.equal(
      (await askProxy({ path: '/writes', method: 'POST', token, body: 'x' })).status,
      200,
    )
    behind.requests.splice(0)
    const smuggled = [
      'X-HTTP-Method-Override: POST',
      'X-Original-Method: POST',
      'X-Forwarded-Method: POST',
      `Authorization: Bearer ${token}`,
    ]
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'post', 'PROPFIND']) {
      const [status = 0] = statusesIn(await sendProxy([`${method} /writes HTTP/1.1`, ...smuggled]))
      assert.ok(status >= 400 && status < 500, `${method}: ${status}`)
    }
    assert.equal(behind.requests.length, 0)
    const raw = await sendProxy(['HEAD /orders HTTP/1.1', `Authorization: Bearer ${token}`])
    assert.deepEqual(statusesIn(raw), [200])
    assert.equal(behind.requests[0]?.method, 'HEAD')
  })

  // CVE-2017-6062, CVE-2017-6413, CVE-2026-30851, GHSA-5m6w-wvh7-57vm, GHSA-f59h-q822-g45g.
  test(`${name}: no spelling of an identity header gets through`, { skip }, async (t) => {
    const { sendProxy, behind, issuer } = await startGuarded(t, kind)
    const bare = {
      sub: 'c07c2b0f6a1e',
      sid: undefined,
      gen: undefined,
      roles: undefined,
      scope: undefined,
    }
    const token = `Authorization: Bearer ${issuer.mint(bare)}`
    const spellings = managed.flatMap((header) => [
      header,
      header.toLowerCase(),
      header.toUpperCase(),
      header.replaceAll('-', '_'),
      header.replace('-', '_'),
      header.replaceAll('-', '.'),
      header.replaceAll('-', '~'),
    ])
    let served = 0
    for (const spelling of spellings) {
      for (const path of ['/orders', '/optional', '/public']) {
        const isKnown = path === '/orders'
        const raw = await sendProxy([
          `GET ${path} HTTP/1.1`,
          ...(isKnown ? [token] : []),
          `${spelling}: admin`,
          `${spelling}: root`,
          `Connection: close, ${spelling}`,
        ])
        const [status = 0] = statusesIn(raw)
        const [request] = behind.requests.splice(0)
        assert.equal(request === undefined, status !== 200, raw)
        if (request === undefined) assert.ok([400, 403].includes(status), raw)
        else
          assert.deepEqual(
            identityAt(request),
            isKnown ? ['x-auth-subject: c07c2b0f6a1e'] : [],
            raw,
          )
        served += request === undefined ? 0 : 1
      }
    }
    assert.ok(served > 0, 'only refused')
  })

  // CVE-2026-33495, CVE-2026-40575, GHSA-6384-m2mw-rf54.
  test(`${name}: a client cannot say what is judged`, { skip }, async (t) => {
    const { sendProxy, behind } = await startGuarded(t, kind)
    const lies = ['Uri', 'URI', 'Url', 'Path', 'Prefix'].flatMap((what) => [
      `X-Forwarded-${what}: /public`,
      `X-Original-${what}: /public`,
      `X_Forwarded_${what}: /public`,
      `X_Original_${what}: /public`,
      `X-Rewrite-${what}: /public`,
      `X-Envoy-Original-${what}: /public`,
    ])
    const others = [
      'Connection: close, X-Forwarded-Uri, X-Original-URI, X-Original-Method, X-Forwarded-Method',
      'X-Forwarded-Host: other.example',
      'Forwarded: for=127.0.0.1;host=other',
      'X-Accel-Redirect: /public',
      'X-Forwarded-Uri: /public\r\nX-Forwarded-Uri: /public',
    ]
    for (const lie of [...lies, ...others]) {
      const [status = 0] = statusesIn(await sendProxy(['GET /orders HTTP/1.1', lie]))
      assert.ok([400, 401, 403].includes(status), `${lie}: ${status}`)
      assert.equal(behind.requests.length, 0, lie)
    }
  })

  test(
    `${name}: two tokens, or one that is not in its header, let nobody in`,
    { skip },
    async (t) => {
      const { sendProxy, behind, issuer } = await startGuarded(t, kind)
      const good = `Authorization: Bearer ${issuer.mint()}`
      const refused = [
        ['Authorization: Bearer a', good],
        [good, 'Authorization: Bearer a'],
        [`${good}, Bearer a`],
        [`Proxy-${good}`],
        [`X-${good}`],
        [`Cookie: ${good.replace(': Bearer ', '=')}`],
      ]
      for (const lines of refused) {
        const [status = 0] = statusesIn(await sendProxy(['GET /orders HTTP/1.1', ...lines]))
        assert.ok([400, 401, 403].includes(status), `${lines.join(' + ').slice(0, 60)}: ${status}`)
      }
      assert.equal(behind.requests.length, 0)
    },
  )

  test(`${name}: nobody reaches the question itself from outside`, { skip }, async (t) => {
    const { sendProxy, behind } = await startGuarded(t, kind)
    const told = [
      'X-Forwarded-Method: GET',
      'X-Forwarded-Uri: /public',
      'X-Forwarded-Host: a',
      'X-Original-Method: GET',
      'X-Original-URI: /public',
    ]
    for (const path of ['', '/', '/x', '?x', '/../authorize', '/%2e']) {
      const raw = await sendProxy([`GET /_portcullis/authorize${path} HTTP/1.1`, ...told])
      const [status = 0] = statusesIn(raw)
      assert.ok([400, 403, 404].includes(status), raw)
      assert.doesNotMatch(raw, /x-auth/i)
    }
    assert.equal(behind.requests.length, 0)
  })

  test(`${name}: a token that was taken back is refused`, { skip }, async (t) => {
    const { askProxy, issuer } = await startGuarded(t, kind)
    const sid = 'A'.repeat(22)
    const token = issuer.mint({ sid })
    assert.equal((await askProxy({ token })).status, 200)
    issuer.revoke({ sid })
    const deadline = Date.now() + 3000
    let { status } = await askProxy({ token })
    while (status === 200 && Date.now() < deadline) ({ status } = await askProxy({ token }))
    assert.equal(status, 401)
  })

  test(`${name}: without keys, and without the gateway, nobody is let in`, { skip }, async (t) => {
    const down = { issuerIsDown: true }
    const { askProxy, behind, issuer } = await startGuarded(t, kind, {}, down)
    const token = issuer.mint()
    assert.equal((await askProxy({ path: '/public' })).status, 200)
    behind.requests.splice(0)
    assert.equal((await askProxy({ token })).status, 503)
    const alone = await kind.start({ gateway: await quietPort(), service: behind.port })
    t.after(alone.stop)
    const { status, headers } = await ask(alone.port, { path: '/public', token })
    assert.equal(status, isNginx ? 503 : 502)
    if (isNginx) assert.equal(headers['retry-after'], '5')
    assert.equal(behind.requests.length, 0)
  })

  test(`${name}: a gateway that does not trust the proxy lets nobody in`, { skip }, async (t) => {
    const { askProxy, behind, issuer } = await startGuarded(t, kind, {
      trustedProxies: ['10.0.0.1'],
    })
    const token = issuer.mint()
    assert.equal((await askProxy({ path: '/public', token })).status, isNginx ? 503 : 404)
    assert.equal(behind.requests.length, 0)
  })

  test(
    `${name}: bodies in chunks and expectations arrive whole, and a smuggled request does not`,
    { skip },
    async (t) => {
      const { sendProxy, behind, issuer } = await startGuarded(t, kind)
      const token = `Authorization: Bearer ${issuer.mint()}`
      const chunked = await sendProxy(
        ['POST /orders HTTP/1.1', token, 'Transfer-Encoding: chunked'],
        '5\r\nhello\r\n0\r\n\r\n',
      )
      assert.ok(statusesIn(chunked).includes(200), chunked)
      assert.equal(behind.requests.splice(0)[0]?.body, 'hello')
      const expecting = await sendProxy(
        ['POST /orders HTTP/1.1', token, 'Expect: 100-continue', 'Content-Length: 5'],
        'hello',
      )
      assert.ok(statusesIn(expecting).includes(200), expecting)
      assert.equal(behind.requests.splice(0)[0]?.body, 'hello')
      const inner = 'GET /orders/inner HTTP/1.1\r\nHost: a\r\n\r\n'
      const length = `Content-Length: ${inner.length + 5}`
      for (const coding of ['chunked', 'xchunked', 'chunked, identity', ' chunked']) {
        const lines = ['POST /public HTTP/1.1', length, `Transfer-Encoding: ${coding}`]
        await sendProxy(lines, `0\r\n\r\n${inner}`)
      }
      const targets = behind.requests.map(({ target }) => target)
      assert.ok(!targets.includes('/orders/inner'), targets.join(' '))
    },
  )
}

test(
  'caddy: a WebSocket opens behind it, and only with a token',
  { skip: caddyKind.skip },
  async (t) => {
    const { sendProxy, behind, issuer } = await startGuarded(t, caddyKind)
    const open = (more: readonly string[]): Promise<string> =>
      sendProxy(['GET /orders HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket', ...more])
    assert.deepEqual(statusesIn(await open([])), [401])
    const raw = await open([`Authorization: Bearer ${issuer.mint()}`])
    assert.deepEqual(statusesIn(raw), [200], raw)
    assert.deepEqual(behind.requests[0]?.all('Upgrade'), ['websocket'])
  },
)
