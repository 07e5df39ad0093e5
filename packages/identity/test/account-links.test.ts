import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox, linkIn, tokenIn } from './mailbox.ts'
import type { RunningIdentity } from './running-identity.ts'
import { startRunningIdentity } from './running-identity.ts'
import type { Tokens } from './signed-in.ts'
import {
  admin,
  assertChallenged,
  assertNoRefresh,
  assertProblem,
  call,
  isWelcome,
  positionOf,
  revokedKinds,
  signIn,
  signInHere,
} from './signed-in.ts'

const carol = { identifier: 'carol@mail.example', password: newRandomSecret(), roles: [] }

interface Started {
  readonly identity: RunningIdentity
  readonly mailbox: Mailbox
}

/** Carol has an address, and has got no mail for a while. */
async function start(t: TestContext, file: object = {}): Promise<Started> {
  const mailbox = createMailbox()
  const accounts = { selfRegistration: 'open' }
  const identity = await startRunningIdentity({
    accounts: [admin],
    file: { accounts, ...file },
    mailer: mailbox,
  })
  t.after(identity.close)
  const { identifier, password } = carol
  const body = { identifier, password }
  assert.equal((await call(identity, 'POST /accounts', { body })).status, 201)
  return { identity, mailbox }
}

function askForReset(identity: RunningIdentity, identifier: string): Promise<Answer> {
  identity.clock.advanceMs(60_000)
  return call(identity, 'POST /account/reset', { body: { identifier } })
}

async function resetToken({ identity, mailbox }: Started): Promise<string> {
  assert.equal((await askForReset(identity, carol.identifier)).status, 202)
  return tokenIn(await mailbox.next())
}

function confirmReset(identity: RunningIdentity, token: unknown, next: unknown): Promise<Answer> {
  return call(identity, 'POST /account/reset/confirm', { body: { token, new: next } })
}

test('an address is confirmed by the link that was sent to it, once', async (t) => {
  const { identity, mailbox } = await start(t)
  const { access: token } = await signInHere(identity, carol)
  await mailbox.next()
  identity.clock.advanceMs(60_000)
  const asked = await call(identity, 'POST /account/verify-email', { token })
  assert.deepEqual([asked.status, asked.body], [202, ''])
  const mail = await mailbox.next()
  assert.equal(mail.to, carol.identifier)
  const body = { token: tokenIn(mail) }
  const confirmed = await call(identity, 'POST /account/verify-email', { token, body })
  assert.deepEqual([confirmed.status, confirmed.members()], [200, { email_verified: true }])
  const again = await call(identity, 'POST /account/verify-email', { token, body })
  assertProblem(again, 400, 'invalid-link')
  const account = (await call(identity, 'GET /account', { token })).members()
  assert.deepEqual([account['email'], account['email_verified']], [carol.identifier, true])
  assert.equal((await call(identity, 'POST /account/verify-email', { token })).status, 200)
  assertChallenged(await call(identity, 'POST /account/verify-email'))
})

test("nobody's click verifies somebody else's account: the link wants its password or its session", async (t) => {
  const { identity, mailbox } = await start(t)
  const link = tokenIn(await mailbox.next())
  const confirm = (more: object, token?: string): Promise<Answer> => {
    const body = { token: link, ...more }
    return call(identity, 'POST /account/verify-email', { body, ...(token && { token }) })
  }
  assertChallenged(await confirm({}))
  assertProblem(await confirm({ password: newRandomSecret() }), 401, 'bad-credentials')
  const { access: other } = await signInHere(identity, admin)
  assertProblem(await confirm({}, other), 400, 'invalid-link')
  const { access: token } = await signInHere(identity, carol)
  const account = async (): Promise<unknown> =>
    (await call(identity, 'GET /account', { token })).members()['email_verified']
  assert.equal(await account(), false)
  // None of these has used it up.
  assert.equal((await confirm({ password: carol.password })).status, 200)
  assert.equal(await account(), true)
})

test('passwords are guessed by no link past the delays', async (t) => {
  const { identity, mailbox } = await start(t)
  const token = tokenIn(await mailbox.next())
  const body = { token, password: 'wrong password' }
  const guess = (): Promise<Answer> => call(identity, 'POST /account/verify-email', { body })
  for (let n = 0; n < 10; n += 1) assertProblem(await guess(), 401, 'bad-credentials')
  const delayed = await guess()
  assertProblem(delayed, 429, 'throttled')
  assert.equal(delayed.headers['retry-after'], '1')
})

test('an account without an address is told so', async (t) => {
  const { identity } = await start(t)
  const { access: token } = await signInHere(identity, admin)
  assertProblem(await call(identity, 'POST /account/verify-email', { token }), 409, 'no-email')
})

test('a reset is answered alike for every identifier, and only one mail is sent', async (t) => {
  const { identity, mailbox } = await start(t)
  await mailbox.next()
  const identifiers = ['nobody', 'nobody@mail.example', 'admin', 'im possible', carol.identifier]
  const answers = []
  for (const identifier of identifiers) answers.push(await askForReset(identity, identifier))
  for (const answer of answers) {
    const { date: _date, ...headers } = answer.headers
    const { date: _first, ...firstHeaders } = answers[0]?.headers ?? {}
    assert.deepEqual([answer.status, answer.body, headers], [202, '', firstHeaders])
  }
  assert.equal((await mailbox.next()).to, carol.identifier)
  await identity.close()
  assert.equal(mailbox.received().length, 2)
})

// ASVS 6.4.3.
test('GHSA-x4vh-j75g-268g: a reset takes back every session, refresh token and access token', async (t) => {
  const started = await start(t)
  const { identity, mailbox } = started
  await mailbox.next()
  const sessions: readonly Tokens[] = [
    await signInHere(identity, carol),
    await signInHere(identity, carol),
  ]
  const token = await resetToken(started)
  const next = newRandomSecret()
  positionOf(await confirmReset(identity, token, next))
  for (const { access, refresh } of sessions) {
    assert.ok(!(await isWelcome(identity, access)))
    await assertNoRefresh(identity, refresh)
  }
  const { identifier, password } = carol
  assertProblem(await identity.login({ identifier, password }), 401, 'bad-credentials')
  await signIn(identity, { identifier, password: next })
  assert.deepEqual(await revokedKinds(identity), ['account'])
  assert.equal((await mailbox.next()).subject, 'Your password was changed')
})

// ASVS 6.4.3.
test('CVE-2026-18963: nothing but the newest state and the whole token of the right kind resets', async (t) => {
  const started = await start(t)
  const { identity, mailbox } = started
  const toVerify = tokenIn(await mailbox.next())
  const { access } = await signInHere(identity, carol)
  const token = await resetToken(started)
  const next = newRandomSecret()
  const forged = [
    toVerify,
    token.slice(0, -1),
    `${token} `,
    token.toUpperCase(),
    access,
    carol.identifier,
  ]
  for (const one of forged) {
    const code = one.length > 128 ? 'malformed' : 'invalid-link'
    assertProblem(await confirmReset(identity, one, next), 400, code)
  }
  for (const one of ['', [token], { token }, null, true, undefined]) {
    assertProblem(await confirmReset(identity, one, next), 400, 'malformed')
  }
  for (const unfit of ['short', 'x'.repeat(257), [next], undefined]) {
    assertProblem(await confirmReset(identity, token, unfit), 400, 'malformed')
  }
  // The stored form of a token opens nothing.
  const [stored] = await identity.query(
    "SELECT token_hash FROM account_links WHERE purpose = 'reset'",
  )
  assertProblem(await confirmReset(identity, stored?.['token_hash'], next), 400, 'invalid-link')
  await signIn(identity, carol)

  positionOf(await confirmReset(identity, token, next))
  assertProblem(await confirmReset(identity, token, newRandomSecret()), 400, 'invalid-link')
  await signIn(identity, { identifier: carol.identifier, password: next })
})

test('a reset of a blocked account does nothing, and a link from before does not unblock it', async (t) => {
  const started = await start(t)
  const { identity, mailbox } = started
  await mailbox.next()
  const token = await resetToken(started)
  const { accountId } = await signIn(identity, carol)
  const { access } = await signInHere(identity, admin)
  const body = { reason: 'fraud' }
  positionOf(
    await call(identity, `POST /admin/accounts/${accountId}/block`, { token: access, body }),
  )
  assertProblem(await confirmReset(identity, token, newRandomSecret()), 400, 'invalid-link')
  assert.equal((await askForReset(identity, carol.identifier)).status, 202)
  const { identifier, password } = carol
  assertProblem(await identity.login({ identifier, password }), 403, 'account-blocked')
  await identity.close()
  assert.equal(mailbox.received().length, 2)
})

test('GHSA-2wmj-46rj-qm2w: no header of a request changes where a link leads', async (t) => {
  const { identity, mailbox } = await start(t)
  await mailbox.next()
  const poisons = [
    { host: 'evil.example' },
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' },
    { forwarded: 'host=evil.example;proto=http' },
    { 'x-original-host': 'evil.example', origin: 'https://evil.example' },
  ]
  assert.ok(poisons.length > 0)
  for (const headers of poisons) {
    identity.clock.advanceMs(3_600_000)
    const answer = await identity.ask({
      method: 'POST',
      path: '/account/reset',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ identifier: carol.identifier }),
    })
    assert.equal(answer.status, 202, answer.body)
    const mail = await mailbox.next()
    const link = linkIn(mail)
    assert.equal(`${link.origin}${link.pathname}`, `${identity.issuer}/account/reset/form`)
    assert.ok(!JSON.stringify(mail).includes('evil'))
  }
})

test('links lead to the pages of the operator, when he names them', async (t) => {
  const links = {
    reset: 'https://app.example/new-password#token={token}',
    verifyEmail: 'https://app.example/confirm?lang=en&token={token}',
  }
  const { identity, mailbox } = await start(t, { links })
  const verification = linkIn(await mailbox.next())
  assert.match(verification.href, /^https:\/\/app\.example\/confirm\?lang=en&token=[\w-]{43}$/)
  await askForReset(identity, carol.identifier)
  const reset = linkIn(await mailbox.next())
  assert.match(reset.href, /^https:\/\/app\.example\/new-password#token=[\w-]{43}$/)
})

test('no token of a mail is in the database or in the log', async (t) => {
  const started = await start(t)
  const { identity, mailbox } = started
  const tokens = [tokenIn(await mailbox.next()), await resetToken(started)]
  const rows = JSON.stringify(await identity.query('SELECT * FROM account_links'))
  assert.equal((await identity.query('SELECT * FROM account_links')).length, 2)
  await call(identity, `GET /account/reset/form?token=${tokens[1] ?? ''}`)
  await confirmReset(identity, tokens[1], newRandomSecret())
  for (const token of tokens) {
    assert.ok(!rows.includes(token))
    assert.ok(!identity.logged().includes(token))
  }
  assert.ok(!identity.logged().includes(carol.identifier))
})
