import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { openBrowser } from './browser.ts'
import { assertPage, destinationOf, textIn, visit } from './page-visitor.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  bob,
  call,
  eventKinds,
  isWelcome,
  revokedKinds,
  signInHere,
  tokensOf,
} from './signed-in.ts'

const shop = 'https://www.shop.example'
const identity = await startRunningIdentity({
  accounts: [alice, bob, admin],
  file: { allowedOrigins: [shop] },
})
after(identity.close)

test('people sign in by a page, are told who they are, and sign out again', async () => {
  const visitor = visit(identity)
  const page = await visitor.open('/sign-in')
  assertPage(page, 200, 'Sign in')
  assert.ok(page.body.includes('<span>id.example</span>'), 'where they are')
  const answer = await visitor.signIn()
  assert.equal(destinationOf(answer), '/my-account')
  const account = await visitor.follow(answer)
  assertPage(account, 200, 'Your account')
  assert.match(textIn(account), /You are signed in as alice\./)

  const out = await visitor.press(account, 'Sign out')
  assert.equal(visitor.cookie(), undefined)
  const next = await visitor.follow(out)
  assertPage(next, 200, 'Sign in')
  assert.match(textIn(next), /^Sign in You are signed out\./)
  assert.equal(destinationOf(await visitor.open('/my-account')), '/sign-in?return_to=%2Fmy-account')
})

// ASVS 6.2.6, 6.2.7, 6.2.8.
test('password managers find the fields, and nothing keeps anybody from pasting or typing much', async () => {
  const { body } = await visit(identity).open('/sign-in')
  assert.match(
    body,
    /<input id="identifier" name="identifier" type="text"[^>]* autocomplete="username"/,
  )
  assert.match(
    body,
    /<input id="password" name="password" type="password" autocomplete="current-password"/,
  )
  assert.match(body, /<label for="identifier">.*<label for="password">/s)
  assert.doesNotMatch(body, /maxlength|onpaste|autocomplete="off"/i)
})

test('a form has each field of a password manager once, and a name beside every password of a person', async () => {
  const visitor = visit(identity)
  const signIn = await visitor.open('/sign-in')
  await visitor.signIn()
  const change = await visitor.open('/my-account/password')
  identity.clock.advanceMs(16 * 60_000)
  const list = await visitor.open('/my-account/sessions')
  const end = { ...list, body: endOthers }
  const confirm = await visitor.press(end, 'End')
  const marked = [signIn, change, confirm].map(({ body }) =>
    [...body.matchAll(/ autocomplete="([^"]*)"/g)].map(([, field]) => field),
  )
  assert.deepEqual(marked, [
    ['username', 'current-password'],
    ['username', 'current-password', 'new-password'],
    ['username', 'current-password'],
  ])
  for (const { body } of [change, confirm]) {
    assert.match(body, /<input name="username" type="text" value="alice" [^>]* readonly hidden>/)
  }
})

const endOthers =
  '<form method="post" action="/my-account/sessions/end-others"><button>End</button></form>'

test('names and what browsers say of themselves stand in a direction of their own', async () => {
  const visitor = visit(identity, { userAgent: '  ' })
  await visitor.signIn()
  const own = await visitor.open('/my-account')
  assert.match(own.body, /You are signed in as <bdi>alice<\/bdi>\./)
  assert.match((await visitor.open('/sign-in')).body, /As <bdi>alice<\/bdi>\./)
  const list = await visitor.open('/my-account/sessions')
  assert.match(list.body, /<h2><bdi>Unknown device<\/bdi> <span class="here">/)
  assert.match((await visit(identity).open('/sign-in')).body, /name="identifier"[^>]* dir="auto"/)
})

test('the session of a page is one like others: of its own client, with its device, for tokens for identity', async () => {
  identity.clock.advanceMs(1000)
  const visitor = visit(identity, { userAgent: 'a browser of my own' })
  await visitor.signIn()
  const browser = openBrowser(identity)
  browser.plant(visitor.cookie())
  const { access } = tokensOf(await browser.refresh())
  const { sessions } = (await call(identity, 'GET /sessions?limit=1', { token: access })).members()
  const [first] = sessions as { client: string; device: string; current: boolean }[]
  assert.deepEqual(
    [first?.client, first?.device, first?.current],
    ['portcullis-pages', 'a browser of my own', true],
  )
})

// ASVS 6.3.8, 16.3.1.
test('a wrong password and an unknown name are one answer, which says what to do', async () => {
  const visitor = visit(identity)
  const form = await visitor.open('/sign-in')
  const answers = await Promise.all(
    [alice.identifier, 'nobody', 'nobody@mail.example', 'two words'].map(async (identifier) => {
      const typed = { identifier, password: newRandomSecret() }
      const answer = await visitor.press(form, 'Sign in', typed)
      assertPage(answer, 401, 'Sign in')
      assert.match(answer.body, /<title>Error: Sign in /)
      assert.equal(answer.headers['www-authenticate'], `Password realm="${identity.issuer}"`)
      assert.ok(!answer.body.includes(typed.password))
      assert.ok(answer.body.includes(`value="${identifier}"`), 'need not be typed again')
      return answer.body.replaceAll(identifier, '')
    }),
  )
  assert.equal(new Set(answers).size, 1)
  const [body = ''] = answers
  assert.match(
    body,
    /<p role="alert" id="problem">The name or the password is not right\. Check both/,
  )
  const wrong = body.match(/aria-invalid="true" aria-describedby="problem"/g)
  assert.equal(wrong?.length, 2)
  assert.equal(visitor.cookie(), undefined)
  assert.ok(identity.logged().includes('"reason":"bad-credentials"'))
})

test('what was left out is asked for, and is no try', async () => {
  const visitor = visit(identity)
  const form = await visitor.open('/sign-in')
  const { password } = alice
  for (const [typed, text, field] of [
    [{ password }, 'Type your name or e-mail address.', 'identifier'],
    [{ identifier: 'alice' }, 'Type your password.', 'password'],
  ] as const) {
    const answer = await visitor.press(form, 'Sign in', typed)
    assertPage(answer, 400, 'Sign in')
    assert.ok(textIn(answer).includes(text))
    assert.match(answer.body, new RegExp(`id="${field}"[^>]* aria-invalid="true"[^>]* autofocus`))
  }
})

test('somebody blocked learns it by the right password alone', async (t) => {
  const { accountId } = await signInHere(identity, bob)
  const { access: token } = await signInHere(identity, admin)
  const body = { reason: 'a test' }
  await call(identity, `POST /admin/accounts/${accountId}/block`, { token, body })
  t.after(() => call(identity, `POST /admin/accounts/${accountId}/unblock`, { token, body }))
  const visitor = visit(identity)
  const blocked = await visitor.signIn(bob)
  assertPage(blocked, 403, 'Sign in')
  assert.match(textIn(blocked), /This account is blocked\. Ask whoever runs this site/)
  assertPage(await visitor.signIn({ ...bob, password: newRandomSecret() }), 401, 'Sign in')
})

test('too many tries are told by the page, and when to come again', async (t) => {
  const guarded = await startRunningIdentity({ file: { loginProtection: { freeTries: 2 } } })
  t.after(guarded.close)
  const visitor = visit(guarded)
  const guess = { ...alice, password: newRandomSecret() }
  let answer = await visitor.signIn(guess)
  for (let tries = 0; answer.status === 401 && tries < 10; tries += 1) {
    answer = await visitor.signIn(guess)
  }
  assertPage(answer, 429, 'Sign in')
  const seconds = Number(answer.headers['retry-after'])
  assert.ok(seconds > 0)
  assert.match(textIn(answer), /There were too many tries\. Wait .*, then try again\./)
  // It is about no field, so one begins to read there.
  assert.match(answer.body, /<p role="alert" id="problem" tabindex="-1" autofocus>There were/)
  assert.equal(answer.body.match(/ autofocus/g)?.length, 1)
  const right = await visitor.signIn()
  assertPage(right, 429, 'Sign in')
  assert.equal(visitor.cookie(), undefined)
})

test('an application sends people here, and they come back to it with a session of its own', async () => {
  const visitor = visit(identity)
  const query = new URLSearchParams({ client_id: 'web', return_to: `${shop}/basket?step=2` })
  const page = await visitor.open(`/sign-in?${query.toString()}`)
  assertPage(page, 200, 'Sign in')
  assert.match(textIn(page), /You go on to www\.shop\.example\./)
  // A browser holds the redirect behind a form against the policy as well.
  const policy = String(page.headers['content-security-policy'])
  assert.ok(policy.includes(`form-action 'self' ${shop};`), policy)
  const wrong = await visitor.press(page, 'Sign in', { ...alice, password: newRandomSecret() })
  const answer = await visitor.press(wrong, 'Sign in', alice)
  assert.equal(destinationOf(answer), `${shop}/basket?step=2`)
  const browser = openBrowser(identity)
  browser.plant(visitor.cookie())
  const { access } = tokensOf(await browser.refresh({ audience: 'orders' }))
  assert.ok(access.length > 0)
})

test('whoever signs out to be somebody else still goes on to where they wanted', async () => {
  const visitor = visit(identity)
  await visitor.signIn()
  const page = await visitor.open('/sign-in?return_to=/console/&client_id=web')
  const out = await visitor.press(page, 'Sign out to use another account')
  const to = '/sign-in?return_to=%2Fconsole%2F&client_id=web&notice=signed-out'
  assert.equal(destinationOf(out), to)
  const next = await visitor.press(await visitor.follow(out), 'Sign in', bob)
  assert.equal(destinationOf(next), `${identity.issuer}/console/`)
})

test('a client that is none, has a secret or signs nobody in is a page that says so', async () => {
  const visitor = visit(identity)
  for (const name of ['nobody', 'machine', 'till', 'closed']) {
    const page = await visitor.open(`/sign-in?client_id=${name}`)
    assertPage(page, 400, 'This application cannot sign you in here')
    const form = await visitor.open('/sign-in')
    const sent = await visitor.press(form, 'Sign in', { ...alice, client_id: name })
    assertPage(sent, 400, 'This application cannot sign you in here')
  }
  assert.equal(visitor.cookie(), undefined)
})

// ASVS 7.2.4.
test('whoever signs in at a browser ends the session that it was in, and is asked before', async () => {
  const visitor = visit(identity)
  await visitor.signIn()
  const former = visitor.cookie()
  const page = await visitor.open('/sign-in?return_to=/console/')
  assertPage(page, 200, 'You are signed in')
  assert.match(textIn(page), /As alice\./)
  assert.ok(page.body.includes(`href="${identity.issuer}/console/"`))
  assert.equal(visitor.cookie(), former)

  const elsewhere = visit(identity)
  const form = await elsewhere.open('/sign-in')
  elsewhere.plant(former)
  const before = (await revokedKinds(identity)).length
  assert.equal(destinationOf(await elsewhere.press(form, 'Sign in', bob)), '/my-account')
  assert.deepEqual((await revokedKinds(identity)).slice(before), ['session'])
  visitor.plant(former)
  assert.equal((await visitor.open('/my-account')).status, 303)
})

// A GET changes nothing; an old token on a page is no theft, and no way in.
test('pages leave the token of the cookie as it is, and know only one that could be used', async () => {
  const browser = openBrowser(identity)
  const { access } = tokensOf(await browser.signIn())
  const first = browser.cookie()
  const visitor = visit(identity)
  const status = async (cookie: string | undefined): Promise<number> => {
    visitor.plant(cookie)
    const answer = await visitor.open('/my-account')
    assert.equal(answer.headers['set-cookie'], undefined)
    return answer.status
  }
  const events = await eventKinds(identity)
  assert.equal(await status(first), 200)
  identity.clock.advanceMs(40_000)
  await browser.refresh()
  const second = browser.cookie()
  assert.deepEqual([await status(first), await status(second)], [200, 200], 'within the grace')
  identity.clock.advanceMs(31_000)
  assert.deepEqual([await status(first), await status(second)], [303, 200])
  assert.equal(await status('nonsense'), 303)
  assert.equal(await status(second?.slice(0, -1)), 303)
  const { refresh: inBody } = await signInHere(identity)
  assert.equal(await status(inBody), 303, 'was never given out as a cookie')
  assert.deepEqual(await eventKinds(identity), events)
  tokensOf(await browser.refresh())
  assert.ok(await isWelcome(identity, access))
  await browser.logout()
  assert.equal(await status(browser.cookie() ?? second), 303, 'is over')
})

test('a browser that kept its cookie at home is led through a page of ours', async () => {
  const visitor = visit(identity)
  const fromElsewhere = { 'sec-fetch-site': 'cross-site' }
  for (const path of ['/my-account', '/sign-in?return_to=/console/']) {
    const page = await visitor.open(path, fromElsewhere)
    assertPage(page, 200, 'One moment')
    assert.ok(page.body.includes(`<meta http-equiv="refresh" content="0;url=${path}">`), page.body)
  }
  await visitor.signIn()
  assertPage(await visitor.open('/my-account', fromElsewhere), 200, 'Your account')
})

test('a file cannot take the name of the client of our pages, nor can an administrator', async () => {
  const clients = { 'portcullis-pages': { public: true, grants: ['login'], audiences: [] } }
  await assert.rejects(
    startRunningIdentity({ file: { clients } }),
    /\/clients\/portcullis-pages.*is the built-in client/s,
  )
  const { access: token } = await signInHere(identity, admin)
  const body = { name: 'portcullis-pages', grants: ['login'], public: true }
  const answer = await call(identity, 'POST /admin/clients', { token, body })
  assert.equal(answer.status, 409)
})

test('below an issuer with a path the pages lead to each other', async (t) => {
  const other = await startRunningIdentity({ file: { issuer: 'https://id.example/auth' } })
  t.after(other.close)
  const visitor = visit(other, { pageFields: { origin: 'https://id.example' } })
  const page = await visitor.open('/auth/sign-in')
  assertPage(page, 200, 'Sign in')
  assert.ok(page.body.includes('<span>id.example/auth</span>'))
  const answer = await visitor.press(page, 'Sign in', alice)
  assert.equal(destinationOf(answer), '/auth/my-account')
  const account = await visitor.follow(answer)
  assert.match(account.body, /href="\/auth\/my-account\/sessions"/)
  const out = await visitor.press(account, 'Sign out')
  assert.equal(destinationOf(out), '/auth/sign-in?notice=signed-out')
})
