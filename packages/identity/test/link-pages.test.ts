import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox, linkIn, tokenIn } from './mailbox.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import { admin, assertProblem, call, signIn } from './signed-in.ts'

const identifier = 'carol@mail.example'
const password = newRandomSecret()

async function start(t: TestContext): Promise<{ identity: RunningIdentity; mailbox: Mailbox }> {
  const mailbox = createMailbox()
  const identity = await startRunningIdentity({
    accounts: [admin],
    file: { accounts: { selfRegistration: 'open' } },
    mailer: mailbox,
  })
  t.after(identity.close)
  const body = { identifier, password }
  assert.equal((await call(identity, 'POST /accounts', { body })).status, 201)
  return { identity, mailbox }
}

function open(identity: RunningIdentity, link: URL): Promise<Answer> {
  return identity.ask({ path: `${link.pathname}${link.search}` })
}

/** Presses the button of the page: sends its hidden fields and what was typed to where its form goes. */
function submit(identity: RunningIdentity, page: Answer, typed: object = {}): Promise<Answer> {
  const action = /<form method="post" action="([^"]+)">/.exec(page.body)?.[1] ?? ''
  const hidden = [...page.body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)]
  const form = new URLSearchParams(hidden.map(([, name = '', value = '']) => [name, value]))
  for (const [name, value] of Object.entries(typed)) form.set(name, String(value))
  return identity.ask({
    method: 'POST',
    path: action,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  })
}

/** RFC 9700 O24, O25: not in a frame, and nothing in it that is not of this page. */
function assertPage(answer: Answer, status: number, title: string): void {
  assert.equal(answer.status, status, answer.body)
  assert.match(answer.body, new RegExp(`<h1>${title}</h1>`))
  const { 'content-type': type, 'cache-control': cache } = answer.headers
  assert.deepEqual([type, cache], ['text/html; charset=utf-8', 'no-store'])
  assert.equal(answer.headers['referrer-policy'], 'no-referrer')
  const policy = String(answer.headers['content-security-policy'])
  assert.match(policy, /default-src 'none'/)
  assert.match(policy, /frame-ancestors 'none'/)
  assert.match(policy, /; script-src 'sha256-[\w+/=]+';/)
  assert.doesNotMatch(policy, /unsafe|\*/)
  assert.equal(answer.body.match(/<script/gi)?.length, 1)
  assert.doesNotMatch(answer.body, /\son\w+=|https?:\/\//i)
}

test('a page confirms an address when its button is pressed, and not when it is opened', async (t) => {
  const { identity, mailbox } = await start(t)
  const link = linkIn(await mailbox.next())
  for (let scans = 0; scans < 3; scans += 1) {
    assertPage(await open(identity, link), 200, 'Confirm your e-mail address')
  }
  const verified = async (): Promise<unknown> => {
    const [row] = await identity.query(
      'SELECT email_verified_at FROM accounts WHERE email IS NOT NULL',
    )
    return row?.['email_verified_at']
  }
  assert.equal(await verified(), null)
  const page = await open(identity, link)
  assert.match(page.body, /type="password" autocomplete="current-password"/)
  const wrong = await submit(identity, page, { password: newRandomSecret() })
  assertPage(wrong, 401, 'Confirm your e-mail address')
  assert.match(wrong.body, /The password is not right/)
  assert.equal(await verified(), null)
  assertPage(await submit(identity, wrong, { password }), 200, 'The address is confirmed')
  assert.equal(await verified(), identity.clock.now())
  assertPage(
    await submit(identity, page, { password }),
    400,
    'The link is not valid, or not any more',
  )
})

// ASVS 6.2.6, 6.2.7.
test('a page sets a password, says what is wrong with one, and works once', async (t) => {
  const { identity, mailbox } = await start(t)
  await mailbox.next()
  identity.clock.advanceMs(60_000)
  await call(identity, 'POST /account/reset', { body: { identifier } })
  const page = await open(identity, linkIn(await mailbox.next()))
  assertPage(page, 200, 'Choose a new password')
  assert.match(page.body, /type="password" autocomplete="new-password"/)
  assert.doesNotMatch(page.body, /onpaste|autocomplete="off"|maxlength/i)
  const unfit = await submit(identity, page, { password: 'short' })
  assertPage(unfit, 400, 'Choose a new password')
  assert.match(unfit.body, /Choose one of at least 8 characters/)
  assert.ok(!unfit.body.includes('"short"'))
  const next = newRandomSecret()
  assertPage(await submit(identity, unfit, { password: next }), 200, 'The password is set')
  const again = await submit(identity, page, { password: newRandomSecret() })
  assertPage(again, 400, 'The link is not valid, or not any more')
  await signIn(identity, { identifier, password: next })
})

test('what stands in the address of a page is text in it, and nothing else', async (t) => {
  const { identity } = await start(t)
  const hostile = '"><script>alert(1)</script>'
  for (const path of ['/account/reset/form', '/account/verify-email/form']) {
    const page = await identity.ask({ path: `${path}?token=${encodeURIComponent(hostile)}` })
    assert.equal(page.status, 200)
    assert.ok(!page.body.includes('<script>'), page.body)
    assert.ok(page.body.includes('&#34;&#62;&#60;script'))
    assert.equal((await identity.ask({ path })).status, 200)
    assert.equal((await identity.ask({ path: `${path}?token=${'x'.repeat(129)}` })).status, 400)
  }
})

test('a form that is no form is refused by a page, and JSON is for the other route', async (t) => {
  const { identity, mailbox } = await start(t)
  const token = tokenIn(await mailbox.next())
  const path = '/account/verify-email/form'
  const ask = (type: string, body: string): Promise<Answer> =>
    identity.ask({ method: 'POST', path, headers: { 'content-type': type }, body })
  const form = 'application/x-www-form-urlencoded'
  assertPage(await ask(form, ''), 400, 'The link is not valid, or not any more')
  assertPage(await ask(form, `token=${token}&token=${token}`), 400, 'The form cannot be read')
  const json = await ask('application/json', JSON.stringify({ token }))
  assertPage(json, 415, 'The form cannot be read')
  assertPage(
    await ask(form, `token=${token}&password=${password}`),
    200,
    'The address is confirmed',
  )
  assertProblem(await call(identity, 'DELETE /account/reset/form'), 405, 'method-not-allowed')
})
