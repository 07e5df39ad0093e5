import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import type { ConsoleTab, ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld
let tab: ConsoleTab
let page: Page

before(async () => {
  world = await startConsoleWorld()
  tab = await world.open('admin')
  page = tab.page
})

after(() => world?.close())

const reason = 'a test'

async function goTo(name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages of the console' }).getByText(name).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

/** In the dialog that is open. */
async function decide(action: string, why: string = reason): Promise<void> {
  const dialog = page.getByRole('dialog')
  if (why !== '') await dialog.getByLabel('Reason').fill(why)
  await dialog.getByRole('button', { name: action, exact: true }).click()
}

function field(label: string): Locator {
  return page.getByRole('dialog').getByLabel(label)
}

/** For those who see it and those who do not. */
async function saysAtField(label: string, fault: string): Promise<void> {
  const wrong = field(label).and(page.locator('[aria-invalid="true"]'))
  await wrong.waitFor()
  const notes = (await wrong.getAttribute('aria-describedby')) ?? ''
  const texts = await Promise.all(
    notes.split(' ').map((id) => page.locator(`[id="${id}"]`).innerText()),
  )
  assert.ok(texts.includes(fault), `${label} says: ${texts.join(' | ')}`)
}

function isFocused(label: string): Promise<boolean> {
  return field(label).evaluate((element) => element === document.activeElement)
}

async function close(action = 'Close'): Promise<void> {
  await page.getByRole('dialog').locator('.actions').getByRole('button', { name: action }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

test('an account is made, gets a role, is blocked, and is deleted when its name was typed', async () => {
  await goTo('Accounts')
  await tab.judge('accounts')
  await page.getByRole('button', { name: 'Make an account' }).click()
  await decide('Make an account', '')
  await saysAtField('Name', 'Name is missing.')
  await saysAtField('E-mail', 'E-mail is missing.')
  assert.ok(await isFocused('Name'), 'the first one that is wrong has the focus')
  await field('Name').fill('alice')
  await field('E-mail').fill('carol')
  await decide('Make an account', '')
  await saysAtField('E-mail', 'It is not an e-mail address.')
  assert.ok(await isFocused('E-mail'))
  assert.equal(await page.getByText('is not an e-mail address').count(), 1, 'it is said once')
  await field('E-mail').fill('carol@mail.example')
  await decide('Make an account', '')
  await saysAtField('Name', 'There is an account alice already. Look at it')
  await field('Name').fill('carol')
  await page.getByLabel('customer').check()
  await page.getByText('Operator: may do whatever').waitFor()
  await tab.judge('make-an-account')
  await decide('Make an account', '')
  await page.getByText('The account carol is made').waitFor()
  await close()

  await page.getByLabel('Name begins with').fill('car')
  await page.getByRole('link', { name: 'carol' }).click()
  await page.getByRole('heading', { name: 'carol' }).waitFor()
  await tab.judge('account')
  await page.getByRole('button', { name: 'Change roles' }).click()
  await page.getByRole('dialog').getByLabel('customer').uncheck()
  await decide('Change roles')
  await page.getByText('carol no longer has the role customer').waitFor()
  await page.getByText(/^Refused everywhere/).waitFor()
  await close()
  // Of what was given nothing travels, whatever was revoked before.
  await page.getByRole('button', { name: 'Change roles' }).click()
  await page.getByRole('dialog').getByLabel('moderator').check()
  await decide('Change roles')
  await page.getByText('carol now has the role moderator: from the next token on').waitFor()
  assert.equal(await page.locator('dialog .wave').count(), 0)
  await tab.judge('role-given')
  await close()

  await page.getByRole('button', { name: 'Block' }).click()
  await decide('Block', '')
  await page.getByText('Say why').waitFor()
  await decide('Block')
  await page.getByText(/^Refused everywhere/).waitFor()
  await close()
  await page.getByText('blocked', { exact: true }).waitFor()

  await page.getByRole('button', { name: 'Delete' }).click()
  await decide('Delete')
  await page.getByText('That is not carol').waitFor()
  await page.getByLabel('To confirm, type carol').fill('carol')
  await decide('Delete')
  await page.getByText(/^Refused everywhere/).waitFor()
  await close()
  await page.getByRole('heading', { name: 'Accounts' }).waitFor()
})

test('what the API refuses is said with what to do, and nothing is changed', async () => {
  await goTo('Accounts')
  await page.getByLabel('Name begins with').fill('admin')
  await page.getByRole('row').getByRole('link', { name: 'admin' }).click()
  await page.getByRole('button', { name: 'Block' }).click()
  await decide('Block')
  await page.getByRole('alert').getByText('this is the last operator who can sign in').waitFor()
  await tab.judge('refused')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('open', { exact: true }).waitFor()
})

test('a machine client shows its secret until it is kept, and gets another one', async () => {
  await goTo('Machine clients')
  await page.getByRole('button', { name: 'Make a client' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('billing')
  await page.getByRole('dialog').getByLabel('orders:read').check()
  await page.getByRole('dialog').getByLabel('orders', { exact: true }).check()
  await decide('Make a client', '')
  const secret = page.locator('.once-shown code.secret')
  await secret.waitFor()
  const first = await secret.textContent()
  await page.locator('.once-shown').getByText('Client id').waitFor()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.getByText('The secret is shown nowhere again. Keep it first').waitFor()
  assert.equal(await secret.textContent(), first, 'it stays until it is kept')
  await tab.judge('secret-once')
  await close('I have kept it')
  await tab.judge('clients')

  await page.getByRole('link', { name: 'billing' }).click()
  await page.getByRole('heading', { name: 'billing' }).waitFor()
  assert.ok(!(await page.content()).includes(first ?? '?'), 'it is nowhere to be seen again')
  await tab.judge('client')
  await page.getByRole('button', { name: 'New secret' }).click()
  await page.getByLabel('The old one has leaked').check()
  await decide('New secret')
  await page.getByText(/^Refused everywhere/).waitFor()
  assert.notEqual(await secret.textContent(), first)
  await close('I have kept it')
})

test('who stops a client by which people sign in is told that before', async () => {
  await goTo('Machine clients')
  await page.getByRole('button', { name: 'Make a client' }).click()
  await field('Name').fill('billing')
  await decide('Make a client', '')
  await saysAtField('Name', 'There is a client billing already. Look at it')
  await page.getByRole('dialog').getByRole('link', { name: 'Look at it' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.getByRole('heading', { level: 1, name: 'Machine clients' }).waitFor()
  await page.getByLabel('Name', { exact: true }).fill('web')
  await page.getByRole('link', { name: 'web', exact: true }).click()
  await page.getByRole('button', { name: 'Take its tokens back' }).click()
  await page.getByText('People sign in by this client').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
})

test('keys are a time line, and one that has leaked is withdrawn when the beginning of its id was typed', async () => {
  await goTo('Keys')
  await page.getByRole('heading', { name: 'Keys of access tokens' }).waitFor()
  await tab.judge('keys')
  const row = page.getByRole('row').filter({ hasText: 'active' }).first()
  await row.getByText('Replaced in 30 days').waitFor()
  const waiting = page.getByRole('row').filter({ hasText: 'pending' }).first()
  await waiting.getByText(/^May sign in \d+ minutes/).waitFor()
  const kid = (await row.locator('code').textContent()) ?? ''
  await page
    .locator('.time-line-key')
    .filter({ hasText: kid.slice(0, 8) })
    .getByText('active')
    .waitFor()
  await row.getByRole('button', { name: 'Withdraw' }).click()
  await page.getByText('It signs now: the pending key signs at once in its place').waitFor()
  const typed = page.getByLabel(`To confirm, type ${kid.slice(0, 6)}`, { exact: true })
  await typed.fill(kid.slice(0, 6))
  await tab.judge('withdraw-a-key')
  await decide('Withdraw')
  await page.getByText(/^Refused everywhere/).waitFor()
  await close()
  await page.getByRole('row').filter({ hasText: kid }).getByText('withdrawn').waitFor()

  await page.getByRole('button', { name: 'Rotate' }).first().click()
  await page.getByText(/ signs now; from then on .* does\./).waitFor()
  await decide('Rotate', '')
  // The one that was pending signs already, and the one after it is too young: nobody may know it yet.
  await page
    .getByRole('alert')
    .getByText('This cannot be done yet. The waiting key may not sign before')
    .waitFor()
  await page.keyboard.press('Escape')
})

test('settings say what they are, and are found by it', async () => {
  await goTo('Settings')
  await page.getByLabel('Find a setting').fill('not refreshed for so long')
  const row = page.getByRole('row').filter({ hasText: 'sessionIdleSeconds' })
  await row.getByText('A session that is not refreshed for so long is over').waitFor()
  await row.getByText('14 days').waitFor()
  await page
    .getByRole('row')
    .filter({ hasText: 'jwksMaxAgeSeconds' })
    .waitFor({ state: 'detached' })
  await tab.judge('settings-found')
  await page.getByLabel('Find a setting').fill('')
  await page.getByLabel('About').selectOption('Secrets')
  const secret = page.getByRole('row').filter({ hasText: /SEALING_KEY(?!_)/ })
  await secret.getByText('its variable, or a file').waitFor()
})

test('a webhook is made, looked at and deleted; one that cannot be is refused', async () => {
  await goTo('Webhooks and streams')
  await page.getByRole('button', { name: 'Make a webhook' }).click()
  await page.getByLabel('Address').fill('http://10.0.0.1/hook')
  await decide('Make a webhook', '')
  await saysAtField('Address', 'It is at an address that is not public.')
  await tab.judge('webhook-refused')
  await page.getByLabel('Address').fill('http://localhost:9/hook')
  await page.getByLabel('Description').fill('the ticket system')
  await decide('Make a webhook', '')
  await page.getByText('The webhook is made').waitFor()
  await close()
  // There it is to be seen how it goes with it.
  await page.getByRole('heading', { name: 'the ticket system' }).waitFor()
  await tab.judge('stream')
  await page.getByRole('button', { name: 'Delete' }).click()
  await decide('Delete')
  await page.getByText('It is deleted.').waitFor()
  await close()
  await page.getByText('Nobody is told of security events.').waitFor()
  await tab.judge('streams')
  const refusals = tab.errors.filter((error) => !/status of 4\d\d/.test(error))
  assert.deepEqual(refusals, [], 'beside what was refused the browser has nothing to complain of')
})
