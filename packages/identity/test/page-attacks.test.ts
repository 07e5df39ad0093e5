import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { parseReturnTarget } from '../src/http/pages/return-target.ts'
import type { PageFields } from './browser.ts'
import { createMailbox } from './mailbox.ts'
import { assertPage, destinationOf, textIn, visit } from './page-visitor.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { bob, eventKinds, isWelcome, signInHere } from './signed-in.ts'

const shop = 'https://www.shop.example'
/** Would end an attribute, a tag, a comment, a title, a style or a script. */
const payloads = [
  `"><script>alert(1)</script>`,
  `'><img src=x onerror=alert(1)>`,
  `--></title></style></script><svg/onload=alert(1)>`,
  `javascript:alert(1)//" autofocus onfocus="alert(1)`,
  '${alert(1)}{{7*7}}&lt;b&gt;&#60;i&#62;',
]
/** No name has spaces or capitals. */
function nameOf(payload: string): string {
  return payload.replaceAll(/\s/g, '/').toLowerCase()
}

const named = payloads.map((payload, index) => ({
  identifier: `${nameOf(payload)}${index}`,
  password: newRandomSecret(),
  roles: [],
}))

const identity = await startRunningIdentity({
  accounts: [alice, bob, ...named],
  file: {
    allowedOrigins: [shop],
    accounts: { selfRegistration: 'open' },
    loginProtection: { freeTries: 100 },
  },
  mailer: createMailbox(),
})
after(identity.close)

// ASVS 1.2.1, 1.3.1.
test('what is stored as a name, a device or a client is text on every page, letter by letter', async () => {
  for (const account of named) {
    const { identifier } = account
    const userAgent =
      payloads.find((payload) => identifier.startsWith(nameOf(payload))) ?? assert.fail(identifier)
    const visitor = visit(identity, { userAgent })
    assert.equal(destinationOf(await visitor.signIn(account)), '/my-account')
    const own = await visitor.open('/my-account')
    assertPage(own, 200, 'Your account')
    assert.ok(textIn(own).includes(`as ${identifier}.`), own.body)
    const list = await visitor.open('/my-account/sessions')
    assertPage(list, 200, 'Where you are signed in')
    assert.ok(textIn(list).includes(userAgent), list.body)
    assertPage(await visitor.open('/my-account/password'), 200, 'Change your password')
    assertPage(await visitor.open('/sign-in'), 200, 'You are signed in')
  }
})

test('a client with a name that no file and no administrator could give it is text as well', async () => {
  const visitor = visit(identity)
  const form = await visitor.open('/sign-in?client_id=web')
  await visitor.press(form, 'Sign in', alice)
  const [payload = ''] = payloads
  await identity.query(`UPDATE clients SET name = '${payload}' WHERE name = 'web'`)
  const list = await visitor.open('/my-account/sessions')
  await identity.query(`UPDATE clients SET name = 'web' WHERE name = '${payload}'`)
  assertPage(list, 200, 'Where you are signed in')
  assert.ok(textIn(list).includes(`Application: ${payload}`))
})

test('what comes in an address or a form and goes back to its page is text', async () => {
  for (const payload of payloads) {
    const visitor = visit(identity)
    const query = new URLSearchParams({ return_to: `/${payload}`, notice: payload }).toString()
    assertPage(await visitor.open(`/sign-in?${query}`), 200, 'Sign in')
    const signUp = await visitor.open(`/sign-up?${query}`)
    assertPage(signUp, 200, 'Make an account')
    const form = await visitor.open('/sign-in')
    const typed = { identifier: payload, password: payload, return_to: payload }
    const refused = await visitor.press(form, 'Sign in', typed)
    assertPage(refused, 401, 'Sign in')
    const made = await visitor.press(signUp, 'Make the account', {
      identifier: payload,
      password: 'short',
      email: payload,
    })
    assertPage(made, 400, 'Make an account')
    const parameters = new URLSearchParams({ client_id: payload.slice(0, 64) }).toString()
    assertPage(
      await visitor.open(`/sign-in?${parameters}`),
      400,
      'This application cannot sign you in here',
    )
  }
})

/** Of a page that is not ours, and of what is no browser. */
const foreign: readonly PageFields[] = [
  {},
  { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://evil.id.example', 'sec-fetch-site': 'same-site' },
  // What a page with `no-referrer` sends.
  { origin: 'null' },
  { origin: 'null', 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'none' },
  { referer: `${identity.issuer}/sign-in` },
  { origin: `${identity.issuer}.evil.example` },
  // Its pages have the API. These forms are ours.
  { origin: shop, 'sec-fetch-site': 'same-site' },
]

// ASVS 3.5.1, 3.5.3.
test('no form of another page does anything, whatever cookie goes along', async () => {
  const own = visit(identity)
  await own.signIn()
  const cookie = own.cookie()
  const other = await signInHere(identity)
  const pages = {
    account: await own.open('/my-account'),
    list: await own.open('/my-account/sessions'),
    password: await own.open('/my-account/password'),
    signUp: await own.open('/sign-up'),
    forgot: await own.open('/forgot-password'),
    signIn: await visit(identity).open('/sign-in'),
  }
  const end = {
    ...pages.list,
    body: `<form method="post" action="/my-account/sessions/end"><button>End</button></form>`,
  }
  const events = await eventKinds(identity)
  const [sessions, accounts] = [
    await identity.countRows('sessions'),
    await identity.countRows('accounts'),
  ]
  const next = newRandomSecret()
  for (const pageFields of foreign) {
    const victim = visit(identity, { pageFields })
    victim.plant(cookie)
    for (const answer of [
      await victim.press(pages.account, 'Sign out'),
      await victim.press(pages.account, 'Sign out everywhere'),
      await victim.press(pages.list, 'Sign out everywhere else'),
      await victim.press(end, 'End', { sid: other.sessionId }),
      await victim.press(pages.password, 'Change the password', {
        current: alice.password,
        new: next,
      }),
      await victim.press(pages.signIn, 'Sign in', bob),
      await victim.press(pages.signUp, 'Make the account', { identifier: 'eve', password: next }),
      await victim.press(pages.forgot, 'Send the mail', { identifier: 'alice' }),
    ]) {
      assertPage(answer, 403, 'This was not sent from one of our pages')
      assert.equal(answer.headers['set-cookie'], undefined)
    }
  }
  assert.deepEqual(await eventKinds(identity), events)
  assert.equal(await identity.countRows('sessions'), sessions)
  assert.equal(await identity.countRows('accounts'), accounts)
  assert.ok(await isWelcome(identity, other.access))
  assert.equal((await own.open('/my-account')).status, 200)
})

test('a request that only looks like a form of ours changes nothing', async () => {
  const own = visit(identity)
  await own.signIn()
  const headers = { origin: identity.issuer, cookie: `__Host-portcullis_refresh=${own.cookie()}` }
  const json = { ...headers, 'content-type': 'application/json' }
  for (const path of ['/sign-out', '/sign-out/everywhere', '/my-account/sessions/end-others']) {
    assert.equal((await identity.ask({ path, headers })).status, 405, 'GET')
    const answer = await identity.ask({ method: 'POST', path, headers: json, body: '{}' })
    assertPage(answer, 415, 'The form cannot be read')
  }
  assert.equal((await own.open('/my-account')).status, 200)
})

// ASVS 3.7.2. What would lead somewhere else is not gone to.
const hostileTargets = [
  '',
  'console/',
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/%09/evil.example',
  '/%2f/evil.example',
  '/%2F%2Fevil.example',
  '/%5cevil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  '/%2e//evil.example',
  '/ok%0d%0aSet-Cookie:%20a=b',
  ' /console/',
  '/console/\n',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'https://evil.example',
  'https://evil.example/?https://www.shop.example/',
  `${shop}.evil.example/`,
  `${shop}@evil.example/`,
  `${shop}:444/`,
  `https:${shop.slice(8)}/`,
  'https:/www.shop.example/',
  'https:\\\\www.shop.example/',
  `${shop}\\.evil.example`,
  'http://www.shop.example/',
  'HTTPS://www.shop.example/',
  `//www.shop.example/`,
  `${shop}//evil.example`,
  `blob:${shop}/x`,
  `https://user@www.shop.example/`,
  'https://id.example.evil.example/',
  `/${'x'.repeat(2048)}`,
  '/ü',
  '/%zz',
]

test('the sign-in leads nowhere but to the issuer and the origins that its operator names', async () => {
  const places = { issuer: identity.issuer, allowedOrigins: [shop] }
  for (const text of hostileTargets) {
    assert.equal(parseReturnTarget(text, places), undefined, text)
  }
  const led = (text: string): string | undefined => parseReturnTarget(text, places)?.url
  assert.equal(led('/console/'), 'https://id.example/console/')
  assert.equal(
    led('/console/?q=a%20b%2f%2f#/x//y'),
    'https://id.example/console/?q=a%20b%2f%2f#/x//y',
  )
  assert.equal(led('https://id.example/console/'), 'https://id.example/console/')
  assert.equal(led(shop), `${shop}/`)
  assert.equal(
    led(`${shop}/basket?x=https://evil.example#top`),
    `${shop}/basket?x=https://evil.example#top`,
  )
  const similar = { ...places, allowedOrigins: [shop, `${shop}.org`] }
  assert.equal(parseReturnTarget(`${shop}.org/x`, similar)?.origin, `${shop}.org`)
  assert.equal(
    parseReturnTarget('/x', { issuer: 'https://id.example/auth', allowedOrigins: [] })?.url,
    'https://id.example/x',
  )
})

test('a sign-in with a hostile target ends at the own account', async () => {
  for (const target of [
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    'https://evil.example/',
  ]) {
    const visitor = visit(identity)
    const page = await visitor.open(
      `/sign-in?${new URLSearchParams({ return_to: target }).toString()}`,
    )
    assert.ok(!page.body.includes('evil.example') && !page.body.includes('javascript'), page.body)
    assert.match(String(page.headers['content-security-policy']), /form-action 'self';/)
    const answer = await visitor.press(page, 'Sign in', { ...alice, return_to: target })
    assert.equal(destinationOf(answer), '/my-account')
    const already = await visitor.open(
      `/sign-in?${new URLSearchParams({ return_to: target }).toString()}`,
    )
    assert.match(already.body, /<a class="button main" href="\/my-account">/)
  }
})
