import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { newRandomSecret } from '@portcullis/identity'
import type { Mailbox } from '../../packages/identity/test/mailbox.ts'
import { createMailbox, linkIn } from '../../packages/identity/test/mailbox.ts'
import type { RunningIdentity } from '../../packages/identity/test/running-identity.ts'
import { alice, startRunningIdentity } from '../../packages/identity/test/running-identity.ts'
import { signIn } from '../../packages/identity/test/signed-in.ts'
import { freePort } from '../../tools/free-port.ts'
import { assertAccessible, keepPicture } from './accessible-pages.ts'
import type { Served } from './example-page.ts'
import { serve } from './example-page.ts'
import { launchBrowser } from './launched-browser.ts'

const payload = `"><img/src=x/onerror=alert(1)>`
const mallory = { identifier: payload, password: newRandomSecret(), roles: [] }
const carol = {
  identifier: 'carol@mail.example',
  email: 'carol@mail.example',
  password: newRandomSecret(),
  roles: [],
}

let mailbox: Mailbox
let identity: RunningIdentity
let browser: Browser
let application: Served

before(async () => {
  const port = await freePort()
  mailbox = createMailbox()
  application = await serve((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!doctype html><a href="${identity.issuer}/my-account">Account</a>`)
  })
  identity = await startRunningIdentity({
    accounts: [alice, carol, mallory],
    mailer: mailbox,
    file: {
      issuer: `http://localhost:${port}`,
      listen: { port },
      allowedOrigins: [application.origin],
      loginProtection: { freeTries: 100 },
    },
  })
  browser = await launchBrowser()
})

after(async () => {
  await browser?.close()
  await identity?.close()
  application?.close()
})

interface Tab {
  readonly page: Page
  readonly context: BrowserContext
  readonly at: (path: string) => Promise<void>
  readonly press: (name: string) => Promise<void>
  readonly heading: (name: string) => Promise<void>
  readonly signIn: (credentials?: {
    readonly identifier: string
    readonly password: string
  }) => Promise<void>
}

/** A browser of its own. What the console says against a page fails the test. */
async function openTab(options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const tab: Tab = {
    page,
    context,
    at: async (path) => void (await page.goto(`${identity.issuer}${path}`)),
    press: (name) => page.getByRole('button', { name, exact: true }).first().click(),
    heading: (name) => page.getByRole('heading', { name, level: 1, exact: true }).waitFor(),
    signIn: async ({ identifier, password } = alice) => {
      await tab.at('/sign-in')
      await page.getByLabel('Name or e-mail address').fill(identifier)
      await page.getByLabel('Password', { exact: true }).fill(password)
      await tab.press('Sign in')
      await tab.heading('Your account')
    },
  }
  return tab
}

/** What the browser complains about of its own: errors of scripts, what the policy has kept out, dialogs. */
function complaintsIn({ page }: Tab): readonly string[] {
  const complaints: string[] = []
  // A page that says no is one that failed to load, to the console.
  page.on('console', (message) => {
    const isOfStatus = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isOfStatus) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', (dialog) => {
    complaints.push(dialog.message())
    void dialog.dismiss()
  })
  return complaints
}

test('everything that people do there works without script', async () => {
  const tab = await openTab({ javaScriptEnabled: false })
  const { page, press, heading, at } = tab
  const name = page.getByLabel('Name or e-mail address')
  const password = page.getByLabel('Password', { exact: true })
  const dave = { identifier: 'dave', password: newRandomSecret() }

  await at('/sign-in?return_to=/my-account/sessions')
  await page.getByRole('link', { name: 'Make an account' }).click()
  await heading('Make an account')
  await page.getByLabel('Name', { exact: true }).fill('alice')
  await password.fill(dave.password)
  await press('Make the account')
  await page.getByRole('alert').getByText('Somebody has this name already.').waitFor()
  await page.getByLabel('Name', { exact: true }).fill(dave.identifier)
  await password.fill(dave.password)
  await press('Make the account')
  await page.getByRole('status').getByText('Your account is ready.').waitFor()
  await name.fill(dave.identifier)
  await password.fill('not this one')
  await press('Sign in')
  await page.getByRole('alert').getByText('The name or the password is not right.').waitFor()
  assert.equal(await name.inputValue(), dave.identifier)
  await password.fill(dave.password)
  await press('Sign in')
  await heading('Where you are signed in')

  await signIn(identity, dave)
  await page.reload()
  await press('Sign out: Unknown device')
  await page.getByRole('status').getByText('That device is signed out.').waitFor()
  await page.getByText('You are signed in nowhere else.').waitFor()

  await page.getByRole('link', { name: 'Your account' }).click()
  await page.getByRole('link', { name: /^Password/ }).click()
  const next = newRandomSecret()
  await page.getByLabel('Current password').fill('not this one')
  await page.getByLabel('New password').fill(next)
  await press('Change the password')
  await page.getByRole('alert').getByText('The current password is not right.').waitFor()
  await page.getByLabel('Current password').fill(dave.password)
  await page.getByLabel('New password').fill(next)
  await press('Change the password')
  await page.getByRole('status').getByText('Your password is changed.').waitFor()
  await press('Sign out')
  await page.getByRole('status').getByText('You are signed out.').waitFor()
  assert.deepEqual(await tab.context.cookies(), [])
  await tab.signIn({ ...dave, password: next })
  await tab.context.close()
})

test('a forgotten password is replaced by a link from a mail', async () => {
  const tab = await openTab({ javaScriptEnabled: false })
  const { page, press } = tab
  await tab.at('/sign-in')
  await page.getByRole('link', { name: 'Forgot your password?' }).click()
  await page.getByLabel('Name or e-mail address').fill(carol.identifier)
  await press('Send the mail')
  await page.getByRole('status').getByText('a mail is on its way').waitFor()
  await page.goto(linkIn(await mailbox.next()).href)
  await page.getByLabel('New password').fill('short')
  await press('Set the password')
  await page.getByRole('alert').getByText('Choose one of at least 8 characters.').waitFor()
  const password = newRandomSecret()
  await page.getByLabel('New password').fill(password)
  await press('Set the password')
  await page.getByRole('link', { name: 'Sign in' }).click()
  await tab.signIn({ ...carol, password })
  await tab.context.close()
})

test('the keyboard alone is enough, and shows the password on the way', async () => {
  const tab = await openTab()
  const { page } = tab
  const { keyboard } = page
  const focused = (): Promise<unknown> =>
    page.evaluate('document.activeElement.id || document.activeElement.textContent')
  await tab.at('/sign-in')
  assert.equal(await focused(), 'identifier', 'where one begins')
  await keyboard.type(alice.identifier)
  await keyboard.press('Tab')
  await keyboard.type('not this one')
  await keyboard.press('Tab')
  assert.equal(await focused(), 'Show')
  await keyboard.press('Space')
  const password = page.getByLabel('Password', { exact: true })
  assert.equal(await password.getAttribute('type'), 'text')
  assert.equal(await focused(), 'Hide')
  const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
  assert.equal(outline, 'solid', 'it can be seen where one is')
  await keyboard.press('Tab')
  assert.equal(await focused(), 'Sign in')
  await keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  assert.equal(await focused(), 'password', 'what is to be typed again')
  assert.equal(await password.getAttribute('type'), 'password')
  const described = await password.getAttribute('aria-describedby')
  assert.equal(await page.locator(`#${described}`).getAttribute('role'), 'alert')
  await keyboard.type(alice.password)
  await keyboard.press('Enter')
  await tab.heading('Your account')
  await tab.context.close()
})

/** Every page, and how it looks when something is wrong with it. */
const signedOut: readonly (readonly [name: string, path: string, button?: string])[] = [
  ['sign-in', '/sign-in'],
  ['sign-in-wrong', '/sign-in?notice=signed-out', 'Sign in'],
  ['sign-in-client', '/sign-in?client_id=nobody'],
  ['sign-up', '/sign-up'],
  ['sign-up-wrong', '/sign-up', 'Make the account'],
  ['forgot-password', '/forgot-password'],
  ['reset', `/account/reset/form?token=${'A'.repeat(43)}`],
  ['reset-invalid', `/account/reset/form?token=${'A'.repeat(43)}`, 'Set the password'],
  ['verification', `/account/verify-email/form?token=${'A'.repeat(43)}`],
]
const signedIn: typeof signedOut = [
  ['signed-in', '/sign-in'],
  ['my-account', '/my-account?notice=password-changed'],
  ['my-sessions', '/my-account/sessions'],
  ['my-password', '/my-account/password'],
  ['my-password-wrong', '/my-account/password', 'Change the password'],
]

// Neither do colours hang on the width, nor the width on colours.
for (const [colorScheme, width] of [
  ['light', 320],
  ['dark', 1280],
] as const) {
  test(`every page is accessible in ${colorScheme}, ${width} pixels wide`, async () => {
    const tab = await openTab({ colorScheme, viewport: { width, height: 800 } })
    const { page } = tab
    const complaints = complaintsIn(tab)
    const look = async (pages: typeof signedOut): Promise<void> => {
      for (const [name, path, button] of pages) {
        await tab.at(path)
        if (button !== undefined) {
          for (const field of await page.locator('input[required]:visible').all())
            await field.fill('wrong')
          await tab.press(button)
          await page.locator('[role=alert], h1:has-text("not valid")').first().waitFor()
        }
        await assertAccessible(page, `${name}, ${colorScheme}, ${width}`)
        await keepPicture(page, `${name}-${colorScheme}-${width}`)
      }
    }
    await look(signedOut)
    await tab.signIn()
    await signIn(identity)
    await look(signedIn)
    identity.clock.advanceMs(16 * 60_000)
    await tab.at('/my-account/sessions')
    await tab.press('Sign out everywhere else')
    await tab.heading('Is it you?')
    await assertAccessible(page, `confirm, ${colorScheme}, ${width}`)
    await keepPicture(page, `confirm-${colorScheme}-${width}`)
    assert.deepEqual(complaints, [])
    await tab.context.close()
  })
}

test('an application gets people back, and its page leads to the account of who is signed in', async () => {
  const tab = await openTab()
  const { page } = tab
  const complaints = complaintsIn(tab)
  const query = new URLSearchParams({ client_id: 'web', return_to: `${application.origin}/basket` })
  await tab.at(`/sign-in?${query.toString()}`)
  await page.getByLabel('Name or e-mail address').fill(alice.identifier)
  await page.getByLabel('Password', { exact: true }).fill(alice.password)
  await tab.press('Sign in')
  await page.waitForURL(`${application.origin}/basket`)
  // From another site the browser keeps the cookie at home.
  assert.notEqual(new URL(application.origin).hostname, new URL(identity.issuer).hostname)
  await page.getByRole('link', { name: 'Account' }).click()
  await tab.heading('Your account')
  await page.getByText('You are signed in as alice.').waitFor()
  assert.deepEqual(complaints, [])
  await tab.context.close()
})

test('what somebody has stored runs nowhere', async () => {
  const tab = await openTab({ userAgent: `<script>alert(2)</script>${payload}` })
  const complaints = complaintsIn(tab)
  await tab.signIn(mallory)
  await tab.page.getByText(`as ${payload}.`).waitFor()
  await tab.at('/my-account/sessions')
  await tab.page.getByRole('heading', { name: '<script>alert(2)</script>' }).waitFor()
  for (const path of ['/my-account/password', '/sign-in', `/sign-in?notice=${payload}`]) {
    await tab.at(path)
    assert.equal(await tab.page.locator('img, script:not([type=module])').count(), 0)
  }
  assert.deepEqual(complaints, [])
  await tab.context.close()
})

test('a page of another port or another site can do nothing with the session', async (t) => {
  const tab = await openTab()
  const { page } = tab
  await tab.signIn()
  const hostile = await serve((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(
        ['/sign-out', '/sign-out/everywhere', '/my-account/sessions/end-others']
          .map(
            (path) =>
              `<form method="post" action="${identity.issuer}${path}"><button>Win</button></form>`,
          )
          .join(''),
      )
  })
  t.after(hostile.close)
  for (const origin of [hostile.origin, hostile.origin.replace('127.0.0.1', 'localhost')]) {
    for (const index of [0, 1, 2]) {
      await page.goto(origin)
      await page.getByRole('button').nth(index).click()
      await tab.heading('This was not sent from one of our pages')
    }
    await page.goto(origin)
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame'))
    await page.evaluate(`{
      const frame = document.createElement('iframe')
      frame.src = '${identity.issuer}/my-account'
      document.body.append(frame)
    }`)
    assert.match((await refused).text(), /frame-ancestors 'none'/)
  }
  await tab.at('/my-account')
  await tab.heading('Your account')
  await tab.context.close()
})
