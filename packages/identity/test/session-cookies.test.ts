import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { isFromOwnPage, originsOfOwnPages } from '../src/http/own-pages.ts'
import type { PageFields } from './browser.ts'
import { openBrowser, refreshCookieName, setCookieOf } from './browser.ts'
import type { Answer } from './http-client.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  bob,
  call,
  eventKinds,
  isWelcome,
  positionOf,
  revokedKinds,
  signInHere,
  tokensOf,
} from './signed-in.ts'

const daySeconds = 24 * 3600
const graceMs = 30_000

const carol = { identifier: 'carol', password: newRandomSecret(), roles: [] }
const identity = await startRunningIdentity({ accounts: [alice, bob, carol] })
after(identity.close)

interface Happened {
  readonly revoked: readonly unknown[]
  readonly events: readonly unknown[]
}

/** What was revoked and what happened since this was called. */
async function watch(): Promise<() => Promise<Happened>> {
  const before = [(await revokedKinds(identity)).length, (await eventKinds(identity)).length]
  return async () => ({
    revoked: (await revokedKinds(identity)).slice(before[0]),
    events: (await eventKinds(identity)).slice(before[1]),
  })
}

function assertOAuthError(answer: Answer, status: number, error: string): void {
  assert.deepEqual([answer.status, answer.members()['error']], [status, error], answer.body)
}

/** A refresh with whatever header fields it is given. */
function refreshBy(
  headers: PageFields,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return identity.token({ grant_type: 'refresh_token', ...more }, headers)
}

// ASVS 10.1.1.
test('a login by cookie keeps the refresh token out of the body, and so does every refresh', async () => {
  const browser = openBrowser(identity)
  const { refresh_token: inBody, ...members } = (await browser.signIn()).members()
  assert.equal(inBody, undefined)
  assert.equal(members['refresh_expires_in'], 14 * daySeconds)
  const first = browser.cookie() ?? ''
  assert.match(first, /^prt_/)

  identity.clock.advanceMs(graceMs)
  const answer = await browser.refresh()
  const next = setCookieOf(answer)
  assert.equal(next?.maxAgeSeconds, 14 * daySeconds)
  assert.notEqual(next?.value, first)
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.members()['session_id'], members['session_id'])
  assert.ok(!answer.body.includes('prt_'))
  assert.ok(!identity.logged().includes('prt_'))
})

test('the cookie lives no longer than its session', async () => {
  const browser = openBrowser(identity)
  await browser.signIn()
  for (let day = 0; day < 80; day += 10) {
    identity.clock.advanceMs(10 * daySeconds * 1000)
    tokensOf(await browser.refresh())
  }
  identity.clock.advanceMs(5 * daySeconds * 1000)
  assert.equal(setCookieOf(await browser.refresh())?.maxAgeSeconds, 5 * daySeconds)
})

test('two tabs that refresh at once with one cookie both go on, with one successor', async () => {
  const happened = await watch()
  const browser = openBrowser(identity)
  await browser.signIn()
  for (const tabs of [2, 10]) {
    identity.clock.advanceMs(graceMs)
    const answers = await Promise.all(Array.from({ length: tabs }, () => browser.refresh()))
    assert.equal(new Set(answers.map((answer) => setCookieOf(answer)?.value)).size, 1)
    for (const answer of answers) assert.ok(await isWelcome(identity, tokensOf(answer).access))
  }
  assert.deepEqual(await happened(), { revoked: [], events: [] })
})

// ASVS 7.6.2, 10.6.2.
test('without a proof of origin neither login nor refresh nor logout counts, and nothing changes', async () => {
  const own = openBrowser(identity)
  await own.signIn()
  const cookie = own.cookie()
  const sessions = await identity.countRows('sessions')
  const foreign: PageFields[] = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `${identity.issuer}.evil.example` },
    { origin: `${identity.issuer}/` },
    { origin: identity.issuer.toUpperCase() },
    { origin: identity.issuer.replace('https', 'http') },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { origin: `${identity.issuer}, ${identity.issuer}` },
    { origin: identity.issuer, 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-origin, same-origin' },
    { referer: `${identity.issuer}/` },
  ]
  for (const fields of foreign) {
    const browser = openBrowser(identity, fields)
    browser.plant(cookie)
    assertProblem(await browser.signIn(), 403, 'cross-origin')
    assertOAuthError(await browser.refresh(), 403, 'invalid_request')
    assertProblem(await browser.logout(), 403, 'cross-origin')
    assertProblem(await browser.logout('/logout/everywhere'), 403, 'cross-origin')
    assert.equal(browser.cookie(), cookie)
  }
  assert.equal(await identity.countRows('sessions'), sessions)
  tokensOf(await own.refresh())
})

test('either proof is enough: the origin of the issuer, or the word of the browser', async () => {
  for (const fields of [
    { origin: identity.issuer },
    { 'sec-fetch-site': 'same-origin' },
  ] satisfies PageFields[]) {
    const browser = openBrowser(identity, fields)
    tokensOf(await browser.signIn())
    tokensOf(await browser.refresh())
    positionOf(await browser.logout())
  }
})

test('a cookie beside a token in the body, and a second or odd cookie, are refused', async () => {
  const browser = openBrowser(identity)
  await browser.signIn()
  const cookie = browser.cookie() ?? ''
  const { refresh: other, access } = await signInHere(identity)
  const happened = await watch()
  const page = { origin: identity.issuer }
  const one = `${refreshCookieName}=${cookie}`
  assertOAuthError(
    await refreshBy({ ...page, cookie: one }, { refresh_token: other }),
    400,
    'invalid_request',
  )
  for (const odd of [
    `${one}; ${one}`,
    `${one}; ${refreshCookieName}=other`,
    `${one}; ${refreshCookieName}`,
    `${one}; ${refreshCookieName.toLowerCase()}=other`,
    `${one}; ${refreshCookieName} =other`,
    `\u00a0${one}`,
    `${refreshCookieName}="${cookie}"`,
    `${refreshCookieName}= ${cookie}`,
    `${refreshCookieName}=${cookie}, ${cookie}`,
    `${refreshCookieName}=${encodeURIComponent('ü')}`,
    `${refreshCookieName}=`,
    `${refreshCookieName}=${'a'.repeat(513)}`,
  ]) {
    const headers = { ...page, cookie: odd }
    assertOAuthError(await refreshBy(headers), 400, 'invalid_request')
    for (const path of ['/logout', '/logout/everywhere']) {
      const answer = await identity.ask({ method: 'POST', path, headers })
      assertProblem(answer, 400, 'invalid-request')
    }
  }
  const withBearer = { ...page, cookie: one, authorization: `Bearer ${access}` }
  const twice = await identity.ask({ method: 'POST', path: '/logout', headers: withBearer })
  assertProblem(twice, 400, 'invalid-request')
  assert.deepEqual(await happened(), { revoked: [], events: [] })
  tokensOf(await browser.refresh())
})

test('cookies of others on the same host are their own business', async () => {
  const browser = openBrowser(identity)
  await browser.signIn()
  const value = browser.cookie() ?? ''
  const cookie = `a;=;x="é; __Secure-portcullis_refresh=1;\t${refreshCookieName}=${value}; =b`
  tokensOf(await refreshBy({ origin: identity.issuer, cookie }))
})

test('a refresh token counts only the way that it was handed out', async () => {
  const browser = openBrowser(identity)
  tokensOf(await browser.signIn())
  const inCookie = browser.cookie() ?? ''
  const { refresh: inBody } = await signInHere(identity)
  const happened = await watch()
  await assertNoRefresh(identity, inCookie)
  browser.plant(inBody)
  assertOAuthError(await browser.refresh(), 400, 'invalid_grant')
  browser.plant(inCookie)
  tokensOf(await browser.refresh())
  assert.deepEqual(await happened(), { revoked: [], events: [] })
})

test('a change of the password leaves the cookie as it is, and the refresh token out of the body', async () => {
  const browser = openBrowser(identity)
  const { access } = tokensOf(await browser.signIn(carol))
  const body = { current: carol.password, new: newRandomSecret() }
  const answer = await call(identity, 'POST /account/password', { token: access, body })
  assert.equal(answer.status, 200)
  assert.ok(!answer.body.includes('prt_'))
  assert.equal(answer.headers['set-cookie'], undefined)
  tokensOf(await browser.refresh())
})

test('a logout takes the cookie away, also when the session is over or was none', async () => {
  const browser = openBrowser(identity)
  const { access } = tokensOf(await browser.signIn())
  const cookie = browser.cookie()
  const position = positionOf(await browser.logout())
  assert.equal(browser.cookie(), undefined)
  assert.ok(!(await isWelcome(identity, access)))

  browser.plant(cookie)
  assert.deepEqual(positionOf(await browser.logout()), position, 'over already')
  assert.equal(browser.cookie(), undefined)
  for (const path of ['/logout', '/logout/everywhere'] as const) {
    browser.plant('nonsense')
    assertChallenged(await browser.logout(path))
    assert.equal(browser.cookie(), undefined)
  }
  browser.plant(cookie)
  assertChallenged(await browser.logout('/logout/everywhere'))
  assert.equal(browser.cookie(), undefined)
  assertOAuthError(await browser.refresh(), 400, 'invalid_request')
})

test('a logout everywhere by cookie ends every session of the account', async () => {
  const elsewhere = await signInHere(identity)
  const happened = await watch()
  const browser = openBrowser(identity)
  await browser.signIn()
  positionOf(await browser.logout('/logout/everywhere'))
  assert.equal(browser.cookie(), undefined)
  assert.ok(!(await isWelcome(identity, elsewhere.access)))
  assert.deepEqual((await happened()).revoked, ['account'])
})

test('whoever signs in at a browser ends the session that it was in, whosesoever', async () => {
  const happened = await watch()
  const browser = openBrowser(identity)
  const first = tokensOf(await browser.signIn())
  const former = browser.cookie()
  const second = tokensOf(await browser.signIn(bob))
  assert.notEqual(second.sessionId, first.sessionId)
  assert.ok(!(await isWelcome(identity, first.access)))
  assert.ok(await isWelcome(identity, second.access))
  assert.deepEqual((await happened()).revoked, ['session'])
  const refused = await browser.signIn({ ...alice, password: 'guessed' })
  assertProblem(refused, 401, 'bad-credentials')
  tokensOf(await browser.refresh())
  for (const planted of ['nonsense', 'a b', former]) {
    browser.plant(planted)
    tokensOf(await browser.signIn())
  }
  assert.ok(await isWelcome(identity, second.access))
})

test('the pages of an origin that the operator names may use the cookie as well', () => {
  const origins = originsOfOwnPages('https://id.shop.example/auth', ['https://www.shop.example'])
  const isOwn = (fields: PageFields): boolean =>
    isFromOwnPage({ rawHeaders: Object.entries(fields).flat() }, origins)
  const app = 'https://www.shop.example'
  assert.ok(isOwn({ Origin: app, 'Sec-Fetch-Site': 'same-site' }))
  assert.ok(isOwn({ Origin: app }))
  assert.ok(isOwn({ Origin: 'https://id.shop.example', 'Sec-Fetch-Site': 'same-origin' }))
  assert.ok(!isOwn({ Origin: app, 'Sec-Fetch-Site': 'cross-site' }))
  assert.ok(!isOwn({ Origin: 'https://blog.shop.example', 'Sec-Fetch-Site': 'same-site' }))
  assert.ok(!isOwn({ Origin: app, origin: app }), 'which of the two?')
})

test('login takes no other way of delivery, and answers a client without refresh as ever', async () => {
  const { identifier, password } = alice
  assertProblem(await identity.login({ identifier, password, delivery: 'url' }), 400, 'malformed')
  const body = JSON.stringify({ identifier, password, client_id: 'till', delivery: 'cookie' })
  const headers = { 'content-type': 'application/json', origin: identity.issuer }
  const answer = await identity.ask({ method: 'POST', path: '/login', headers, body })
  tokensOf(answer)
  assert.equal(answer.headers['set-cookie'], undefined)
})
