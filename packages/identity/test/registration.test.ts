import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import type { Mail } from '../src/index.ts'
import type { Answer } from './http-client.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox, linkIn, tokenIn } from './mailbox.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { assertProblem, call, eventKinds, signIn, signInHere } from './signed-in.ts'

const password = newRandomSecret()

async function start(
  t: TestContext,
  accounts: object = { selfRegistration: 'open' },
): Promise<{ readonly identity: RunningIdentity; readonly mailbox: Mailbox }> {
  const mailbox = createMailbox()
  const identity = await startRunningIdentity({ file: { accounts }, mailer: mailbox })
  t.after(identity.close)
  return { identity, mailbox }
}

function register(identity: RunningIdentity, body: object): Promise<Answer> {
  return call(identity, 'POST /accounts', { body: { password, ...body } })
}

/** Follows the link of a mail. */
async function choosePassword(identity: RunningIdentity, mail: Mail): Promise<void> {
  const body = { token: tokenIn(mail), new: password }
  const answer = await call(identity, 'POST /account/reset/confirm', { body })
  assert.equal(answer.status, 200, answer.body)
}

test('somebody makes an account, signs in with it, and has no roles', async (t) => {
  const { identity } = await start(t)
  const answer = await register(identity, { identifier: 'Carol' })
  assert.equal(answer.status, 201, answer.body)
  const { id, ...others } = answer.members()
  assert.deepEqual(others, { identifier: 'carol' })
  const { accountId, access } = await signInHere(identity, { identifier: 'CAROL', password })
  assert.equal(accountId, id)
  const account = (await call(identity, 'GET /account', { token: access })).members()
  assert.deepEqual([account['roles'], account['email_verified']], [[], false])
  assert.deepEqual(await eventKinds(identity), ['account-created'])
})

test('an account that somebody makes has the roles that the operator gives to strangers', async (t) => {
  const accounts = { selfRegistration: 'open', defaultRoles: ['customer'] }
  const { identity } = await start(t, accounts)
  assert.equal((await register(identity, { identifier: 'carol' })).status, 201)
  const { access } = await signInHere(identity, { identifier: 'carol', password })
  const account = (await call(identity, 'GET /account', { token: access })).members()
  assert.deepEqual(account['roles'], ['customer'])
})

test('CVE-2026-15617: no spelling of a taken identifier becomes a second account', async (t) => {
  const { identity } = await start(t)
  const spellings = ['alice', 'ALICE', 'ａｌｉｃｅ', '𝐚𝐥𝐢𝐜𝐞', 'aLＩce']
  assert.ok(spellings.length > 0)
  for (const identifier of spellings) {
    assertProblem(await register(identity, { identifier }), 409, 'identifier-taken')
  }
  for (const identifier of ['al ice', ' alice', 'alice\u200b', 'al\u00adice', '']) {
    assertProblem(await register(identity, { identifier }), 400, 'malformed')
  }
  assert.equal(await identity.countRows('accounts'), 1)
})

test('an address as identifier is where mail goes, and nobody points that elsewhere', async (t) => {
  const { identity, mailbox } = await start(t)
  const identifier = 'Carol@Mail.Example'
  const elsewhere = await register(identity, { identifier, email: 'mallory@mail.example' })
  assertProblem(elsewhere, 400, 'malformed')
  assert.match(elsewhere.body, /"\/email"/)
  assert.equal((await register(identity, { identifier })).status, 201)
  const mail = await mailbox.next()
  assert.equal(mail.to, 'carol@mail.example')
  assert.equal(linkIn(mail).origin, identity.issuer)
})

test('accounts that strangers make with one address are one mail to it', async (t) => {
  const { identity, mailbox } = await start(t)
  for (let n = 0; n < 8; n += 1) {
    const body = { identifier: `mallory-${n}`, email: `target${n > 4 ? `+${n}` : ''}@mail.example` }
    assert.equal((await register(identity, body)).status, 201)
  }
  await mailbox.next()
  await identity.close()
  assert.equal(mailbox.received().length, 1)
})

test('bad bodies are refused with the field named, and nothing of them is repeated', async (t) => {
  const { identity } = await start(t)
  const bodies: readonly (readonly [object, string])[] = [
    [{ identifier: 'carol', password: 'short' }, '/password'],
    [{ identifier: 'carol', password: 1 }, '/password'],
    [{ identifier: '' }, '/identifier'],
    [{ identifier: 'carol\n' }, '/identifier'],
    [{ identifier: ['carol'] }, '/identifier'],
    [{ identifier: 'x'.repeat(255) }, '/identifier'],
    [{ identifier: 'carol', email: 'carol' }, '/email'],
    [{ identifier: 'carol', email: 'carol@mail.example\r\nBcc: all@mail.example' }, '/email'],
    [{ identifier: 'carol', email: 'a@mail.example, b@mail.example' }, '/email'],
    [{ identifier: 'carol', roles: ['identity-admin'] }, '/roles'],
    [{}, '/identifier'],
  ]
  assert.ok(bodies.length > 0)
  for (const [body, field] of bodies) {
    const answer = await register(identity, body)
    assertProblem(answer, 400, 'malformed')
    const errors = answer.members()['errors'] as { readonly field: string }[]
    assert.ok(
      errors.some((error) => error.field === field),
      answer.body,
    )
    assert.ok(!answer.body.includes('Bcc'))
  }
  assert.equal(await identity.countRows('accounts'), 1)
})

test('where nothing is said, strangers make no accounts', async (t) => {
  const { identity } = await start(t, {})
  for (const identifier of ['alice', 'carol']) {
    assertProblem(await register(identity, { identifier }), 403, 'registration-closed')
  }
})

test('by mail nobody learns who has an account: same answers, and only the mailbox knows (ASVS 6.3.8)', async (t) => {
  const { identity, mailbox } = await start(t, { selfRegistration: 'by-mail' })
  const identifier = 'carol@mail.example'
  const first = await register(identity, { identifier })
  assert.deepEqual([first.status, first.members()], [202, { identifier }])
  const mail = await mailbox.next()
  assert.equal(mail.subject, 'Choose a password for your account')
  // Whoever has not read the mail is told the same about a free and a taken one.
  assertProblem(await identity.login({ identifier, password }), 401, 'bad-credentials')
  await choosePassword(identity, mail)
  assert.equal((await mailbox.next()).subject, 'Your password was changed')
  const { access: token } = await signInHere(identity, { identifier, password })
  const account = (await call(identity, 'GET /account', { token })).members()
  assert.equal(account['email_verified'], true)
  identity.clock.advanceMs(60_000)

  const second = await register(identity, { identifier, password: newRandomSecret() })
  assert.deepEqual([second.status, second.body], [first.status, first.body])
  const notice = await mailbox.next()
  assert.equal(notice.subject, 'You have an account already')
  await signIn(identity, { identifier, password })
  const lines = identity
    .logged()
    .split('\n')
    .filter((line) => line.includes('"registration"'))
  assert.equal(lines.length, 2)
  assert.ok(
    lines.every((line) => line.includes('"to-be-confirmed"') && !line.includes('accountId')),
  )
  assertProblem(await register(identity, { identifier: 'carol' }), 400, 'malformed')
})

test('a password that was typed before the address was shown to be theirs is good for nothing', async (t) => {
  const { identity, mailbox } = await start(t, { selfRegistration: 'by-mail' })
  const identifier = 'victim@mail.example'
  const ofAttacker = 'password of an attacker'
  await register(identity, { identifier, password: ofAttacker })
  // The victim wanted to register anyway, and opens the link: it confirms nothing that somebody else has typed.
  const mail = await mailbox.next()
  const confirmed = { body: { token: tokenIn(mail), password: ofAttacker } }
  assertProblem(await call(identity, 'POST /account/verify-email', confirmed), 400, 'invalid-link')
  await choosePassword(identity, mail)
  const attack = await identity.login({ identifier, password: ofAttacker })
  assertProblem(attack, 401, 'bad-credentials')
  await signIn(identity, { identifier, password })
})

test('by mail no password is asked for, and where accounts are open one is', async (t) => {
  const byMail = await start(t, { selfRegistration: 'by-mail' })
  const body = { identifier: 'carol@mail.example' }
  assert.equal((await call(byMail.identity, 'POST /accounts', { body })).status, 202)
  await choosePassword(byMail.identity, await byMail.mailbox.next())
  await signIn(byMail.identity, { ...body, password })
  const open = await start(t)
  const answer = await call(open.identity, 'POST /accounts', { body })
  assertProblem(answer, 400, 'malformed')
  assert.match(answer.body, /"\/password"/)
})

test('who has taken an address that is not his loses it to whoever reads its mail', async (t) => {
  const { identity, mailbox } = await start(t, { selfRegistration: 'by-mail' })
  const identifier = 'victim@mail.example'
  await register(identity, { identifier, password: 'password of an attacker' })
  await mailbox.next()
  identity.clock.advanceMs(60_000)
  await register(identity, { identifier, password: 'password of its owner' })
  await choosePassword(identity, await mailbox.next())
  await signIn(identity, { identifier, password })
  const attack = await identity.login({ identifier, password: 'password of an attacker' })
  assertProblem(attack, 401, 'bad-credentials')
})

test('an installation that sends no mail makes accounts all the same, when they are open', async (t) => {
  const identity = await startRunningIdentity({ file: { accounts: { selfRegistration: 'open' } } })
  t.after(identity.close)
  const answer = await register(identity, { identifier: 'c', email: 'carol@mail.example' })
  assert.equal(answer.status, 201, answer.body)
  const body = { identifier: alice.identifier }
  const reset = await call(identity, 'POST /account/reset', { body })
  assertProblem(reset, 501, 'mail-unavailable')
})
