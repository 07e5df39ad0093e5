import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import { openBrowser, setCookieOf } from './browser.ts'
import { askJson, createKeyHolder } from './key-holder.ts'
import { createMailbox } from './mailbox.ts'
import { assertPage, destinationOf, textIn, unescapeHtml, visit } from './page-visitor.ts'
import type { RunningIdentity, RunningIdentityOptions } from './running-identity.ts'
import { alice, ordersAndReviews, startRunningIdentity } from './running-identity.ts'
import { bob, eventKinds, isWelcome, revokedKinds, signIn, signInHere } from './signed-in.ts'

async function start(
  t: TestContext,
  options: RunningIdentityOptions = {},
): Promise<RunningIdentity> {
  const identity = await startRunningIdentity({ accounts: [alice, bob], ...options })
  t.after(identity.close)
  return identity
}

const safari =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 20_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/20.0 Mobile/15E148 Safari/604.1'

test('a page shows where somebody is signed in, and ends one of it', async (t) => {
  const identity = await start(t)
  const telephone = visit(identity, { userAgent: safari })
  await telephone.signIn()
  identity.clock.advanceMs(60_000)
  const other = await signInHere(identity)
  identity.clock.advanceMs(60_000)
  const visitor = visit(identity)
  await visitor.signIn()
  await visit(identity, { userAgent: 'of bob' }).signIn(bob)

  const list = await visitor.open('/my-account/sessions')
  assertPage(list, 200, 'Where you are signed in')
  const text = textIn(list)
  assert.match(
    text,
    /Firefox on Linux This browser Application: these pages · From 127\.0\.0\.1 Signed in/,
  )
  assert.match(text, /Unknown device Application: web/)
  assert.match(text, /Safari on iPhone Application: these pages/)
  assert.ok(
    text.indexOf('Firefox') < text.indexOf('Unknown') &&
      text.indexOf('Unknown') < text.indexOf('Safari'),
  )
  assert.ok(!text.includes('bob'))
  assert.match(list.body, /<time datetime="[\dT:.-]+Z">[^<]+ UTC<\/time>/)
  assert.match(list.body, /<button aria-label="Sign out: Safari on iPhone">Sign out<\/button>/)

  const before = (await revokedKinds(identity)).length
  const answer = await visitor.press(
    { ...list, body: without(list.body, other.sessionId) },
    'Sign out',
  )
  assert.equal(destinationOf(answer), '/my-account/sessions?notice=session-ended')
  const after = await visitor.follow(answer)
  assert.match(textIn(after), /That device is signed out\./)
  assert.ok(!textIn(after).includes('Safari'))
  assert.deepEqual((await revokedKinds(identity)).slice(before), ['session'])
  assert.equal((await telephone.open('/my-account')).status, 303)
  assert.ok(await isWelcome(identity, other.access))
})

/** The page without the entry of a session and that of this browser, whose buttons have the same words. */
function without(body: string, sessionId: string): string {
  const entries = body.match(/<li>.*?<\/li>/gs) ?? []
  return entries
    .filter((entry) => entry.includes(sessionId) || entry.includes('This browser'))
    .reduce((text, entry) => text.replace(entry, ''), body)
}

test('one button ends all but the one that presses it, and another all of them', async (t) => {
  const identity = await start(t)
  const other = await signInHere(identity)
  const visitor = visit(identity)
  await visitor.signIn()
  const list = await visitor.open('/my-account/sessions')
  const ended = await visitor.press(list, 'Sign out everywhere else')
  assert.equal(destinationOf(ended), '/my-account/sessions?notice=others-ended')
  const alone = await visitor.follow(ended)
  assert.match(
    textIn(alone),
    /Every other device is signed out\..*You are signed in nowhere else\./,
  )
  assert.ok(!(await isWelcome(identity, other.access)))

  const again = await signInHere(identity)
  const account = await visitor.open('/my-account')
  const everywhere = await visitor.press(account, 'Sign out everywhere')
  assert.equal(destinationOf(everywhere), '/sign-in?notice=signed-out-everywhere')
  assert.equal(visitor.cookie(), undefined)
  assert.ok(!(await isWelcome(identity, again.access)))
})

test('many sessions come in pages, of which each leads to the next', async (t) => {
  const identity = await start(t)
  for (let count = 0; count < 24; count += 1) {
    await signIn(identity)
    identity.clock.advanceMs(1000)
  }
  const visitor = visit(identity)
  await visitor.signIn()
  const first = await visitor.open('/my-account/sessions')
  assert.equal(first.body.match(/<li>/g)?.length, 20)
  const older = /<a href="([^"]+)">Older ones<\/a>/.exec(first.body)?.[1] ?? assert.fail(first.body)
  const second = await visitor.open(unescapeHtml(older))
  assert.equal(second.body.match(/<li>/g)?.length, 5)
  assert.doesNotMatch(second.body, /Older ones/)
  assert.match(second.body, /<a href="\/my-account\/sessions">The newest ones<\/a>/)
  assert.match(textIn(second), /Sign out everywhere else/)
  assertPage(await visitor.open('/my-account/sessions?after=x'), 400, 'The form cannot be read')
})

test('a session of somebody else, and one that never was, cannot be ended', async (t) => {
  const identity = await start(t)
  const theirs = await signInHere(identity, bob)
  const visitor = visit(identity)
  await visitor.signIn()
  await signInHere(identity)
  const list = await visitor.open('/my-account/sessions')
  const press = (sid: string): ReturnType<typeof visitor.press> =>
    visitor.press({ ...list, body: without(list.body, 'none') }, 'Sign out', { sid })
  for (const sid of [theirs.sessionId, 'A'.repeat(22), '', "' OR 1=1"]) {
    assertPage(await press(sid), 404, 'There is no such session')
  }
  assert.ok(await isWelcome(identity, theirs.access))
})

// ASVS 7.5.2.
test('whoever signed in a while ago shows once more who they are before other sessions end', async (t) => {
  const identity = await start(t)
  const visitor = visit(identity)
  await visitor.signIn()
  const minuteMs = 60_000
  identity.clock.advanceMs(16 * minuteMs)
  const [first, second] = [await signInHere(identity), await signInHere(identity)]
  const list = await visitor.open('/my-account/sessions')
  const one = { ...list, body: endForm }
  const asked = await visitor.press(one, 'Sign out', { sid: first.sessionId })
  assertPage(asked, 401, 'Is it you?')
  assert.match(asked.body, /name="username"[^>]* value="alice" autocomplete="username"/)
  assert.match(asked.body, /type="password" autocomplete="current-password"/)
  const hostile = await visitor.press(one, 'Sign out', { sid: '"><b>' })
  assert.ok(hostile.body.includes('name="sid" value="&#34;&#62;&#60;b&#62;"'), hostile.body)
  const wrong = await visitor.press(asked, 'Sign out', { password: newRandomSecret() })
  assertPage(wrong, 401, 'Is it you?')
  assert.match(wrong.body, /<title>Error: Is it you\?/)
  assertPage(await visitor.press(wrong, 'Sign out', { password: '' }), 401, 'Is it you?')
  assert.deepEqual(
    [await isWelcome(identity, first.access), await isWelcome(identity, second.access)],
    [true, true],
  )
  const { password } = alice
  const ended = await visitor.press(wrong, 'Sign out', { password })
  assert.equal(destinationOf(ended), '/my-account/sessions?notice=session-ended')
  assert.deepEqual(
    [await isWelcome(identity, first.access), await isWelcome(identity, second.access)],
    [false, true],
  )
  // That is enough for all of it, as long as it is lately.
  const others = await visitor.press(list, 'Sign out everywhere else')
  assert.equal(destinationOf(others), '/my-account/sessions?notice=others-ended')
  identity.clock.advanceMs(16 * minuteMs)
  const later = await visitor.press(list, 'Sign out everywhere else')
  assertPage(later, 401, 'Is it you?')
  const all = await visitor.press(later, 'Sign out everywhere else', { password })
  assert.equal(destinationOf(all), '/my-account/sessions?notice=others-ended')
  // To sign out oneself, nobody is asked anything.
  identity.clock.advanceMs(16 * minuteMs)
  const out = await visitor.press(await visitor.open('/my-account'), 'Sign out everywhere')
  assert.equal(destinationOf(out), '/sign-in?notice=signed-out-everywhere')
})

test('somebody who ends very many sessions one by one is told to wait', async (t) => {
  const identity = await start(t)
  const visitor = visit(identity)
  await visitor.signIn()
  const list = { ...(await visitor.open('/my-account/sessions')), body: endForm }
  let answer = await visitor.open('/my-account')
  for (let count = 0; count <= 100; count += 1) {
    const { sessionId } = await signIn(identity)
    answer = await visitor.press(list, 'Sign out', { sid: sessionId })
    if (answer.status !== 303) break
  }
  assertPage(answer, 429, 'There were too many tries')
  assert.ok(Number(answer.headers['retry-after']) > 0)
})

const endForm =
  '<form method="post" action="/my-account/sessions/end"><input type="hidden" name="sid" value=""><button>Sign out</button></form>'

test('a page changes the password: this browser stays, the others go, and the owner hears of it', async (t) => {
  const mailbox = createMailbox()
  const carol = { ...alice, identifier: 'carol@mail.example', email: 'carol@mail.example' }
  const identity = await start(t, { accounts: [carol], mailer: mailbox })
  const other = await signInHere(identity, carol)
  const visitor = visit(identity)
  await visitor.signIn(carol)
  const cookie = visitor.cookie()
  const page = await visitor.open('/my-account/password')
  assertPage(page, 200, 'Change your password')
  assert.match(
    page.body,
    /name="username" type="text" value="carol@mail.example" autocomplete="username"/,
  )
  assert.match(page.body, /name="current" type="password" autocomplete="current-password"/)
  assert.match(page.body, /name="new" type="password" autocomplete="new-password"/)

  const next = newRandomSecret()
  const { password: current } = carol
  for (const [typed, status, text] of [
    [{ new: next }, 400, 'Type your password.'],
    [{ current }, 400, 'Type the new password.'],
    [{ current: newRandomSecret(), new: next }, 401, 'The current password is not right.'],
    [
      { current, new: 'short' },
      400,
      'The password is too short. Choose one of at least 8 characters.',
    ],
    [{ current, new: 'password1' }, 400, 'This password is one of those that are guessed first.'],
  ] as const) {
    const refused = await visitor.press(page, 'Change the password', typed)
    assertPage(refused, status, 'Change your password')
    assert.ok(textIn(refused).includes(text), textIn(refused))
    assert.ok(!refused.body.includes(`value="${next}"`))
  }
  assert.ok(await isWelcome(identity, other.access))

  const changed = await visitor.press(page, 'Change the password', { current, new: next })
  assert.equal(destinationOf(changed), '/my-account?notice=password-changed')
  assert.equal(visitor.cookie(), cookie)
  assert.match(textIn(await visitor.follow(changed)), /Your password is changed\./)
  assert.ok(!(await isWelcome(identity, other.access)))
  assert.equal((await mailbox.next()).to, 'carol@mail.example')
  assertPage(await visit(identity).signIn(carol), 401, 'Sign in')
  assert.equal(
    destinationOf(await visit(identity).signIn({ ...carol, password: next })),
    '/my-account',
  )
  assert.ok((await eventKinds(identity)).includes('password-changed'))
})

test('the password can be changed although the services of the session want bound tokens by now', async (t) => {
  const { clients } = ordersAndReviews
  const identity = await start(t)
  const visitor = visit(identity)
  const form = await visitor.open('/sign-in?client_id=web')
  await visitor.press(form, 'Sign in', alice)
  const changed = await identity.startNode({
    file: {
      clients: { ...clients, web: { ...clients.web, audiences: ['reviews'] } },
      audiences: {
        ...ordersAndReviews.audiences,
        reviews: { ...ordersAndReviews.audiences.reviews, dpop: 'required' },
      },
    },
  })
  t.after(changed.close)
  const next = visit(changed)
  next.plant(visitor.cookie())
  const page = await next.open('/my-account/password')
  const typed = { current: alice.password, new: newRandomSecret() }
  const answer = await next.press(page, 'Change the password', typed)
  assert.equal(destinationOf(answer), '/my-account?notice=password-changed')
})

// W3C, "A Well-Known URL for Changing Passwords", sections 2 and 3.
test('password managers find where the password is changed, at the root of the host', async (t) => {
  for (const path of ['', '/auth']) {
    const identity = await start(t, { file: { issuer: `https://id.example${path}` } })
    const visitor = visit(identity)
    const found = await visitor.open('/.well-known/change-password', { 'sec-fetch-site': 'none' })
    assert.equal(destinationOf(found), `${path}/my-account/password`)
    assert.equal(found.headers['cache-control'], 'no-store')
    const askedToSignIn = destinationOf(await visitor.follow(found))
    assert.equal(
      askedToSignIn,
      `${path}/sign-in?${new URLSearchParams({ return_to: `${path}/my-account/password` }).toString()}`,
    )
    const none = '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200'
    assert.equal((await visitor.open(none)).status, 404)
  }
})

// ASVS 7.4.4.
test('every page of somebody who is signed in has the way out', async (t) => {
  const identity = await start(t)
  for (const path of ['/my-account', '/my-account/password', '/my-account/sessions', '/sign-in']) {
    const visitor = visit(identity)
    await visitor.signIn()
    const page = await visitor.open(path)
    const out = await visitor.press(
      page,
      path === '/sign-in' ? 'Sign out to use another account' : 'Sign out',
    )
    assert.equal(destinationOf(out), '/sign-in?notice=signed-out')
    assert.equal(visitor.cookie(), undefined)
  }
})

test('nobody who is not signed in gets anything, and comes back to the page afterwards', async (t) => {
  const identity = await start(t)
  const visitor = visit(identity)
  for (const path of [
    '/my-account',
    '/my-account/password',
    '/my-account/sessions?after=1.AAAAAAAAAAAAAAAAAAAAAA',
  ]) {
    const to = destinationOf(await visitor.open(path))
    const [return_to = ''] = path.split('?')
    assert.equal(to, `/sign-in?${new URLSearchParams({ return_to }).toString()}`)
    const back = await visitor.press(await visitor.open(to), 'Sign in', alice)
    assert.equal(destinationOf(back), `${identity.issuer}${return_to}`)
    visitor.plant(undefined)
  }
  // Of somebody whose session has ended while the page was open.
  await visitor.signIn()
  const account = await visitor.open('/my-account')
  const list = await visitor.open('/my-account/sessions')
  const form = await visitor.open('/my-account/password')
  await visit(identity).signIn()
  const elsewhere = visit(identity)
  elsewhere.plant(visitor.cookie())
  await elsewhere.press(account, 'Sign out everywhere')
  const over = '/sign-in?notice=session-over'
  assert.equal(destinationOf(await visitor.press(list, 'Sign out everywhere else')), over)
  assert.equal(
    destinationOf(await visitor.press({ ...list, body: endForm }, 'Sign out', { sid: 'x' })),
    over,
  )
  const typed = { current: alice.password, new: newRandomSecret() }
  assert.equal(destinationOf(await visitor.press(form, 'Change the password', typed)), over)
  assert.equal(destinationOf(await visitor.press(account, 'Sign out everywhere')), over)
  assert.match(textIn(await visitor.open(over)), /Your session is over\. Sign in again/)
  assert.equal(
    destinationOf(await visitor.press(account, 'Sign out')),
    '/sign-in?notice=signed-out',
  )
  assert.equal(visitor.cookie(), undefined)
})

// Refresh tokens of these are worth nothing alone either.
test('a session that is bound to a key is not one of a page, and can be signed out there', async (t) => {
  const identity = await start(t)
  const holder = createKeyHolder(identity)
  const fields = { dpop: holder.prove('POST /login'), origin: identity.issuer }
  const { identifier, password } = alice
  const body = { identifier, password, delivery: 'cookie' }
  const bound = setCookieOf(await askJson(identity, 'POST /login', fields, body))
  const visitor = visit(identity)
  visitor.plant(bound?.value ?? assert.fail('no cookie'))
  assert.equal((await visitor.open('/my-account')).status, 303)
  const own = visit(identity)
  await own.signIn()
  const account = await own.open('/my-account')
  assert.equal(
    destinationOf(await visitor.press(account, 'Sign out everywhere')),
    '/sign-in?notice=session-over',
  )
  assert.equal((await own.open('/my-account')).status, 200)
  await visitor.press(account, 'Sign out')
  assert.equal((await revokedKinds(identity)).at(-1), 'session')
})

test('an old token that signs out ends its session as stolen', async (t) => {
  const identity = await start(t)
  const browser = openBrowser(identity)
  await browser.signIn()
  const stolen = browser.cookie()
  for (let count = 0; count < 2; count += 1) {
    identity.clock.advanceMs(60_000)
    await browser.refresh()
  }
  const visitor = visit(identity)
  await visitor.signIn()
  const account = await visitor.open('/my-account')
  visitor.plant(stolen)
  await visitor.press(account, 'Sign out')
  assert.ok((await eventKinds(identity)).includes('refresh-reuse'))
})
