import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { newRandomSecret } from '../src/index.ts'
import type { Mailbox } from './mailbox.ts'
import { createMailbox, linkIn } from './mailbox.ts'
import { assertPage, destinationOf, textIn, visit } from './page-visitor.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'

const carol = {
  identifier: 'carol@mail.example',
  email: 'carol@mail.example',
  password: newRandomSecret(),
  roles: [],
}

async function start(
  t: TestContext,
  selfRegistration: 'open' | 'by-mail' | 'closed',
): Promise<{ readonly identity: RunningIdentity; readonly mailbox: Mailbox }> {
  const mailbox = createMailbox()
  const identity = await startRunningIdentity({
    accounts: [alice, carol],
    file: { accounts: { selfRegistration } },
    mailer: mailbox,
  })
  t.after(identity.close)
  return { identity, mailbox }
}

test('where nobody may make an account, the sign-in offers none and the page says whom to ask', async (t) => {
  const { identity } = await start(t, 'closed')
  const visitor = visit(identity)
  const page = await visitor.open('/sign-in')
  assert.doesNotMatch(page.body, /sign-up/)
  for (const answer of [
    await visitor.open('/sign-up'),
    await visitor.press({ ...page, body: page.body.replaceAll('/sign-in', '/sign-up') }, 'Sign in'),
  ]) {
    assertPage(answer, 403, 'You cannot make an account here')
    assert.match(textIn(answer), /Ask whoever runs this site/)
  }
})

test('people make an account by a page, which says what to mend, and go on to where they wanted', async (t) => {
  const { identity, mailbox } = await start(t, 'open')
  const visitor = visit(identity)
  const signIn = await visitor.open('/sign-in?return_to=/console/')
  assert.match(signIn.body, /<a href="\/sign-up\?return_to=%2Fconsole%2F">Make an account<\/a>/)
  const page = await visitor.open('/sign-up?return_to=/console/')
  assertPage(page, 200, 'Make an account')
  assert.match(page.body, /name="password" type="password" autocomplete="new-password"/)
  const dave = { identifier: 'dave', password: newRandomSecret(), email: 'dave@mail.example' }
  for (const [typed, status, text, field] of [
    [{ ...dave, identifier: '' }, 400, 'Choose a name.', 'identifier'],
    [{ ...dave, password: '' }, 400, 'Type the new password.', 'password'],
    [{ ...dave, identifier: 'two words' }, 400, 'The name has a space in it', 'identifier'],
    [{ ...dave, password: 'dave-and-dave' }, 400, 'The password has your name in it', 'password'],
    [{ ...dave, email: 'nowhere' }, 400, 'This is not an e-mail address.', 'email'],
    [
      { ...dave, identifier: alice.identifier },
      409,
      'Somebody has this name already.',
      'identifier',
    ],
  ] as const) {
    const refused = await visitor.press(page, 'Make the account', typed)
    assertPage(refused, status, 'Make an account')
    assert.ok(textIn(refused).includes(text), textIn(refused))
    assert.match(
      refused.body,
      new RegExp(
        `id="${field}"[^>]* aria-invalid="true" aria-describedby="${field}-problem[^>]* autofocus`,
      ),
    )
    // Between the name of the field and the field.
    assert.match(
      refused.body,
      new RegExp(
        `<label for="${field}">[^<]*</label>\n<p class="wrong" role="alert" id="${field}-problem">`,
      ),
    )
    assert.match(refused.body, /<title>Error: Make an account/)
    for (const kept of [typed.identifier, typed.email])
      assert.ok(refused.body.includes(`value="${kept}"`))
    assert.ok(!refused.body.includes(dave.password))
  }
  const made = await visitor.press(page, 'Make the account', dave)
  assert.equal(destinationOf(made), '/sign-in?return_to=%2Fconsole%2F&notice=account-made')
  const next = await visitor.follow(made)
  assert.match(textIn(next), /Your account is ready\. Sign in with it\./)
  const answer = await visitor.press(next, 'Sign in', dave)
  assert.equal(destinationOf(answer), `${identity.issuer}/console/`)
  assert.match(
    textIn(await visitor.open('/my-account')),
    /as dave\. Mail goes to dave@mail\.example\./,
  )
  assert.equal((await mailbox.next()).to, 'dave@mail.example')
})

// ASVS 6.3.8.
test('by mail nobody learns who has an account, and the password is chosen by the link', async (t) => {
  const { identity, mailbox } = await start(t, 'by-mail')
  const visitor = visit(identity)
  const page = await visitor.open('/sign-up')
  assertPage(page, 200, 'Make an account')
  assert.match(page.body, /type="email"/)
  assert.doesNotMatch(page.body, /type="password"/)
  const answers = []
  for (const identifier of ['dave@mail.example', carol.identifier]) {
    const answer = await visitor.press(page, 'Send the mail', { identifier })
    answers.push([answer.status, answer.headers.location, answer.body])
  }
  assert.deepEqual(answers[0], answers[1])
  const next = await visitor.open('/sign-in?notice=confirm-by-mail')
  assert.match(textIn(next), /If an account can be made for this address, a mail is on its way\./)
  const unfit = await visitor.press(page, 'Send the mail', { identifier: 'dave' })
  assertPage(unfit, 400, 'Make an account')
  assert.match(textIn(unfit), /This is not an e-mail address\. Type all of it/)

  const mails = [await mailbox.next(), await mailbox.next()]
  const link = linkIn(mails.find(({ to }) => to.startsWith('dave')) ?? assert.fail())
  const form = await visitor.open(`${link.pathname}${link.search}`)
  const password = newRandomSecret()
  const set = await visitor.press(form, 'Set the password', { password })
  assert.match(textIn(set), /The password is set/)
  assert.match(set.body, /<a href="\/sign-in">Sign in<\/a>/)
  assert.equal(
    destinationOf(await visitor.signIn({ identifier: 'dave@mail.example', password })),
    '/my-account',
  )
})

// ASVS 6.3.8, 6.4.3.
test('a forgotten password is replaced by a link, and nobody learns who has an account', async (t) => {
  const { identity, mailbox } = await start(t, 'closed')
  const visitor = visit(identity)
  const page = await visitor.open('/forgot-password')
  assertPage(page, 200, 'Choose a new password')
  assertPage(await visitor.press(page, 'Send the mail'), 400, 'Choose a new password')
  const answers = []
  for (const identifier of [
    'nobody',
    'nobody@mail.example',
    alice.identifier,
    '<b>',
    carol.identifier,
  ]) {
    const answer = await visitor.press(page, 'Send the mail', { identifier })
    answers.push(destinationOf(answer))
  }
  assert.deepEqual(new Set(answers), new Set(['/sign-in?notice=reset-by-mail']))
  const notice = await visitor.open('/sign-in?notice=reset-by-mail')
  assert.match(
    textIn(notice),
    /If there is such an account and it has an address, a mail is on its way\./,
  )

  const link = linkIn(await mailbox.next())
  const form = await visitor.open(`${link.pathname}${link.search}`)
  const password = newRandomSecret()
  assert.equal((await visitor.press(form, 'Set the password', { password })).status, 200)
  assert.equal(destinationOf(await visitor.signIn({ ...carol, password })), '/my-account')
  assert.doesNotMatch((await mailbox.next()).text, /http/, 'tells of the reset')
  assert.equal(mailbox.received().length, 2)
})

test('without mail the page says whom to ask', async (t) => {
  const identity = await startRunningIdentity()
  t.after(identity.close)
  const visitor = visit(identity)
  const page = await visitor.open('/forgot-password')
  assertPage(page, 501, 'This site sends no mail')
})
