import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuthenticateOptions } from '@portcullis/verify'
import type { Adapter } from './adapter-servers.ts'
import { adapters } from './adapter-servers.ts'
import { startWorld } from './adapter-world.ts'

const session = '__Host-session'
const application = 'https://app.example'
const metadataUrl = 'https://orders.example/.well-known/oauth-protected-resource'

assert.ok(adapters.length >= 6, 'adapters are missing')
for (const adapter of adapters) describe(`the ${adapter.name} adapter`, () => contract(adapter))

function contract(adapter: Adapter): void {
  letsIn(adapter)
  refusesTokens(adapter)
  tellsWhatIsWrong(adapter)
  refusesByRequirement(adapter)
  readsCookies(adapter)
  asksForTheOrigin(adapter)
}

function letsIn(adapter: Adapter): void {
  test('a good token is let in, and the handler knows who calls', async (t) => {
    const { issuer, ask, show } = await startWorld(t, adapter)
    assert.equal((await show(issuer.mint())).body, 'let in')
    assert.equal((await show(issuer.mint(), '/', 'POST')).body, 'let in')
    assert.equal((await show(issuer.mint({ sub: 'alice' }), '/caller')).body, 'alice')
    const lowerCase = ['authorization', `bearer ${issuer.mint({ sub: 'bob' })}`]
    assert.equal((await ask('/caller', lowerCase)).body, 'bob')
  })

  test('what the handler throws is the business of its framework', async (t) => {
    const { issuer, show } = await startWorld(t, adapter)
    const answer = await show(issuer.mint(), '/fails')
    // GraphQL answers the fields that did not fail.
    assert.equal(answer.status, adapter.name === 'graphql' ? 200 : 500)
    assert.equal(answer.code, undefined)
    assert.equal(answer.challenge, undefined)
  })

  test('an option that is unknown or wrong is a mistake at once', async () => {
    const verifier = { audience: 'orders', verify: () => assert.fail('nothing is verified') }
    const wrong: readonly (readonly [unknown, string])[] = [
      [{ cookies: {} }, 'unknown option "cookies"'],
      [{ cookie: null }, 'option "cookie"'],
      [{ cookie: { name: 'session', origin: application } }, 'option "cookie.name"'],
      [{ resourceMetadata: 'http://orders.example' }, 'option "resourceMetadata"'],
    ]
    for (const [options, message] of wrong) {
      await assert.rejects(async () => adapter.serve(verifier, options as AuthenticateOptions), {
        name: 'TypeError',
        message: new RegExp(`^${message}`),
      })
    }
  })
}

function refusesTokens(adapter: Adapter): void {
  // RFC 6750 section 3, RFC 6750 section 3.1.
  test('without a token there is a challenge without an error', async (t) => {
    const { issuer, ask } = await startWorld(t, adapter)
    const inQuery = `/?access_token=${issuer.mint()}`
    const inCookie = ['Cookie', `access_token=${issuer.mint()}; ${session}=${issuer.mint()}`]
    const elsewhere = ['X-Authorization', `Bearer ${issuer.mint()}`]
    const asValue = ['X', 'Authorization', 'Y', `Bearer ${issuer.mint()}`]
    for (const answer of [
      await ask('/'),
      await ask('/', [], 'POST'),
      await ask('/', ['Authorization', 'Basic dTpw']),
      await ask(inQuery),
      await ask('/', inCookie),
      await ask('/', elsewhere),
      await ask('/', asValue),
    ]) {
      assert.equal(answer.status, 401)
      assert.equal(answer.challenge, 'Bearer realm="orders"')
      assert.equal(answer.code, 'missing-token')
      assert.equal(answer.headers['cache-control'], 'no-store')
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
    }
  })

  test('a token that is not good here is a 401 that says so, and quotes nothing', async (t) => {
    const { issuer, show } = await startWorld(t, adapter)
    const nowSeconds = issuer.now() / 1000
    for (const token of [
      issuer.mint({ exp: nowSeconds - 60, iat: nowSeconds - 120 }),
      issuer.mint({ aud: 'a"b\\c\u00e9' }),
      issuer.forge({ signature: 'stranger' }),
      'no-token-at-all',
    ]) {
      const answer = await show(token)
      assert.equal(answer.status, 401)
      assert.equal(answer.code, 'invalid-token')
      assert.match(answer.challenge ?? '', /^Bearer realm="orders", error="invalid_token", /)
      assert.match(answer.challenge ?? '', /^[\x20-\x5b\x5d-\x7e]+$/)
    }
  })

  // RFC 6750 section 2: one way of sending a token.
  test('an Authorization header that can be read in two ways is a 400', async (t) => {
    const { issuer, ask } = await startWorld(t, adapter)
    const good = `Bearer ${issuer.mint()}`
    for (const lines of [
      ['Authorization', good, 'Authorization', good],
      ['authorization', good, 'AUTHORIZATION', 'Basic dTpw'],
      ['Authorization', 'Basic dTpw', 'Authorization', good],
      ['Authorization', `${good}, ${good}`],
      ['Authorization', `Basic dTpw, ${good}`],
      ['Authorization', 'Bearer'],
      ['Authorization', good.replace(' ', '  ')],
    ]) {
      const answer = await ask('/', lines)
      assert.equal(answer.status, 400, lines.join(' '))
      assert.equal(answer.code, 'invalid-request')
      assert.match(answer.challenge ?? '', /error="invalid_request"/)
    }
  })
}

function tellsWhatIsWrong(adapter: Adapter): void {
  test('an outage of the issuer is a 503 with a time to come back', async (t) => {
    const { issuer, show } = await startWorld(t, adapter)
    issuer.goDown()
    const answer = await show(issuer.mint())
    assert.equal(answer.status, 503)
    assert.equal(answer.headers['retry-after'], '1')
    assert.equal(answer.challenge, undefined)
    assert.equal(answer.code, 'keys-unavailable')
    assert.ok(!answer.body.includes(issuer.issuer), 'the reason is for the operator')
  })

  test('every challenge tells where the metadata of the service is, if it has some', async (t) => {
    const { issuer, ask, show } = await startWorld(t, adapter, { resourceMetadata: metadataUrl })
    for (const answer of [
      await ask('/'),
      await ask('/', ['Authorization', 'Bearer']),
      await show('no-token-at-all'),
      await show(issuer.mint(), '/role'),
      await show(issuer.mint({ auth_time: undefined }), '/recent'),
    ]) {
      assert.match(
        answer.challenge ?? '',
        /, resource_metadata="https:\/\/orders\.example\/\.well-known\/oauth-protected-resource"$/,
      )
    }
  })
}

function refusesByRequirement(adapter: Adapter): void {
  test('a scope or a role that the token has not is a 403', async (t) => {
    const { issuer, show } = await startWorld(t, adapter)
    assert.equal((await show(issuer.mint({ scope: 'x orders:read' }), '/scope')).body, 'let in')
    const scope = await show(issuer.mint({ scope: 'orders:write' }), '/scope')
    assert.equal(scope.status, 403)
    assert.equal(scope.code, 'insufficient-scope')
    assert.match(scope.challenge ?? '', /error="insufficient_scope".* scope="orders:read"$/)

    assert.equal((await show(issuer.mint({ roles: ['admin'] }), '/role')).body, 'let in')
    const role = await show(issuer.mint({ roles: ['Admin', 'customer'] }), '/role')
    assert.equal(role.status, 403)
    assert.match(role.challenge ?? '', /error="insufficient_scope"/)
  })

  test('a person who signed in too long ago is asked to do so again', async (t) => {
    const { issuer, clock, show } = await startWorld(t, adapter)
    const signedInAt = clock.now() / 1000
    const token = issuer.mint({ auth_time: signedInAt })
    clock.advanceSeconds(300)
    assert.equal((await show(token, '/recent')).body, 'let in')
    clock.advanceSeconds(1)
    for (const old of [token, issuer.mint({ auth_time: undefined })]) {
      const answer = await show(old, '/recent')
      assert.equal(answer.status, 401)
      assert.equal(answer.code, 'insufficient-user-authentication')
      assert.match(
        answer.challenge ?? '',
        /^Bearer .*error="insufficient_user_authentication".* max_age="300"$/,
      )
    }
  })

  test('a route that wants a fresher word refuses as the verifier does, and others let in', async (t) => {
    const { issuer, clock, show } = await startWorld(t, adapter)
    const token = issuer.mint()
    clock.advanceSeconds(5)
    assert.equal((await show(token, '/fresh')).body, 'let in')
    clock.advanceSeconds(1)
    assert.equal((await show(token)).body, 'let in')
    const answer = await show(token, '/fresh')
    assert.equal(answer.status, 401)
    assert.equal(answer.code, 'invalid-token')
    assert.equal(
      answer.challenge,
      'Bearer realm="orders", error="invalid_token", error_description="stale"',
    )
    assert.equal((await show(issuer.mint(), '/fresh')).body, 'let in')
  })

  test('a requirement on a route that nothing authenticates lets nobody in', async (t) => {
    const { issuer, show } = await startWorld(t, adapter)
    const answer = await show(issuer.mint({ roles: ['admin'] }), '/unguarded')
    assert.ok(answer.status >= 400)
    assert.notEqual(answer.body, 'let in')
  })
}

const fromApplication = ['Origin', application]
const strangers: readonly (readonly string[])[] = [
  [],
  ['Origin', 'null'],
  ['Origin', 'null', 'Sec-Fetch-Site', 'same-origin'],
  ['Origin', 'https://app.example.evil.example'],
  ['Origin', 'https://APP.example'],
  ['Origin', `${application}:8443`],
  ['Origin', 'http://app.example'],
  ['Origin', application, 'Origin', application],
  ['Origin', 'https://evil.example', 'Sec-Fetch-Site', 'same-origin'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['Sec-Fetch-Site', 'same-site'],
  ['Sec-Fetch-Site', 'none'],
  ['Referer', `${application}/`],
]

const withCookie = { cookie: { name: session, origin: [application, 'https://admin.example'] } }

function readsCookies(adapter: Adapter): void {
  test('a cookie is read where that was asked for', async (t) => {
    const { issuer, ask } = await startWorld(t, adapter, withCookie)
    const cookie = `${session}=${issuer.mint({ sub: 'alice' })}`
    for (const line of [cookie, `theme=dark; ${cookie}; x=y=z`, `x;${cookie}`]) {
      assert.equal((await ask('/caller', ['Cookie', line])).body, 'alice', line)
    }
    const bearer = ['Authorization', `Bearer ${issuer.mint()}`]
    assert.equal((await ask('/', bearer, 'POST')).body, 'let in')
    assert.equal((await ask('/', ['Cookie', `theme=dark`])).code, 'missing-token')
  })

  test('a cookie that could be another one is not read', async (t) => {
    const { issuer, ask } = await startWorld(t, adapter, withCookie)
    const token = issuer.mint()
    for (const name of [
      '__host-session',
      '__Secure-session',
      'session',
      `x${session}`,
      `${session} `,
    ]) {
      assert.equal((await ask('/', ['Cookie', `${name}=${token}`])).code, 'missing-token', name)
    }
    const dressed = await ask('/', ['Cookie', `${session}="${token}"`])
    assert.equal(dressed.code, 'invalid-token')
    const empty = await ask('/', ['Cookie', `${session}=`])
    assert.equal(empty.code, 'invalid-token')
  })

  test('two cookies of the name, or a cookie and a header, are a 400', async (t) => {
    const { issuer, ask } = await startWorld(t, adapter, withCookie)
    const cookie = `${session}=${issuer.mint()}`
    for (const lines of [
      ['Cookie', `${cookie}; ${cookie}`],
      ['Cookie', `${cookie}; ${session}=`],
      ['Cookie', cookie, 'Cookie', cookie],
      ['Cookie', cookie, 'Authorization', `Bearer ${issuer.mint()}`],
      ['Cookie', cookie, 'Authorization', 'Basic dTpw'],
    ]) {
      const answer = await ask('/', lines)
      assert.equal(answer.status, 400)
      assert.equal(answer.code, 'invalid-request')
    }
  })
}

function asksForTheOrigin(adapter: Adapter): void {
  test('a cookie changes something only on behalf of a page of the application', async (t) => {
    const { issuer, ask } = await startWorld(t, adapter, withCookie)
    const cookie = ['Cookie', `${session}=${issuer.mint()}`]
    for (const proof of [
      fromApplication,
      ['Origin', 'https://admin.example'],
      [...fromApplication, 'Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Site', 'same-origin'],
    ]) {
      assert.equal((await ask('/', [...cookie, ...proof], 'POST')).body, 'let in')
    }
    for (const lines of strangers) {
      const answer = await ask('/', [...cookie, ...lines], 'POST')
      assert.equal(answer.status, 403, lines.join(' '))
      assert.equal(answer.code, 'cross-origin')
      assert.equal(answer.challenge, undefined)
      // A page that is to read an answer names its origin.
      const reading = await ask('/', [...cookie, ...lines])
      assert.equal(reading.body === 'let in', !lines.includes('Origin'), lines.join(' '))
      // A page of any origin may open a WebSocket.
      const upgrade = ['Connection', 'Upgrade', 'Upgrade', 'websocket']
      const opening = await ask('/', [...cookie, ...lines, ...upgrade])
      assert.equal(opening.code, 'cross-origin', lines.join(' '))
    }
  })
}
