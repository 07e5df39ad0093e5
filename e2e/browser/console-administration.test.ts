import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright-core'
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

async function close(): Promise<void> {
  await page.getByRole('dialog').locator('.actions').getByRole('button', { name: 'Close' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

test('an account is made, gets a role, is blocked, and is deleted when its name was typed', async () => {
  await goTo('Accounts')
  await tab.judge('accounts')
  await page.getByRole('button', { name: 'Make an account' }).click()
  await decide('Make an account', '')
  await page.getByText('Something above is missing').waitFor()
  await page.getByRole('dialog').getByLabel('Name').fill('carol')
  await page.getByLabel('E-mail').fill('carol@mail.example')
  await page.getByLabel('customer').check()
  await tab.judge('make-an-account')
  await decide('Make an account', '')
  await page.getByText('carol is made').waitFor()
  await close()

  await page.getByLabel('Name begins with').fill('car')
  await page.getByRole('link', { name: 'carol' }).click()
  await page.getByRole('heading', { name: 'carol' }).waitFor()
  await tab.judge('account')
  await page.getByRole('button', { name: 'Change roles' }).click()
  await page.getByRole('dialog').getByLabel('customer').uncheck()
  await decide('Change roles')
  await page.getByText(/Every service refuses it/).waitFor()
  await close()

  await page.getByRole('button', { name: 'Block' }).click()
  await decide('Block', '')
  await page.getByText('Say why').waitFor()
  await decide('Block')
  await page.getByText(/Every service refuses it/).waitFor()
  await close()
  await page.getByText('blocked', { exact: true }).waitFor()

  await page.getByRole('button', { name: 'Delete' }).click()
  await decide('Delete')
  await page.getByText('That is not carol').waitFor()
  await page.getByLabel('To confirm, type carol').fill('carol')
  await decide('Delete')
  await page.getByText(/Every service refuses it/).waitFor()
  await close()
  await page.getByRole('heading', { name: 'Accounts' }).waitFor()
})

test('what the API refuses is said in its words, and nothing is changed', async () => {
  await goTo('Accounts')
  await page.getByLabel('Name begins with').fill('admin')
  await page.getByRole('row').getByRole('link', { name: 'admin' }).click()
  await page.getByRole('button', { name: 'Block' }).click()
  await decide('Block')
  await page
    .getByRole('alert')
    .getByText(/Identity refuses this/)
    .waitFor()
  await tab.judge('refused')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('open', { exact: true }).waitFor()
})

test('a machine client shows its secret once, and gets another one', async () => {
  await goTo('Machine clients')
  await page.getByRole('button', { name: 'Make a client' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('billing')
  await page.getByRole('dialog').getByLabel('orders:read').check()
  await page.getByRole('dialog').getByLabel('orders', { exact: true }).check()
  await decide('Make a client', '')
  const secret = page.locator('.once-shown code')
  await secret.waitFor()
  const first = await secret.textContent()
  await tab.judge('secret-once')
  await close()
  await tab.judge('clients')

  await page.getByRole('link', { name: 'billing' }).click()
  await page.getByRole('heading', { name: 'billing' }).waitFor()
  assert.ok(!(await page.content()).includes(first ?? '?'), 'it is nowhere to be seen again')
  await tab.judge('client')
  await page.getByRole('button', { name: 'New secret' }).click()
  await page.getByLabel('The old one has leaked').check()
  await decide('New secret')
  await page.getByText(/Every service refuses it/).waitFor()
  assert.notEqual(await secret.textContent(), first)
  await close()
})

test('keys are a time line, and one that has leaked is withdrawn when its id was typed', async () => {
  await goTo('Keys')
  await page.getByRole('heading', { name: 'Keys of access tokens' }).waitFor()
  await tab.judge('keys')
  const row = page.getByRole('row').filter({ hasText: 'active' }).first()
  const kid = (await row.locator('code').textContent()) ?? ''
  await row.getByRole('button', { name: 'Withdraw' }).click()
  await page.getByLabel(`To confirm, type ${kid}`).fill(kid)
  await decide('Withdraw')
  await page.getByText(/Every service refuses it/).waitFor()
  await close()
  await page.getByRole('row').filter({ hasText: kid }).getByText('withdrawn').waitFor()

  await page.getByRole('button', { name: 'Rotate' }).click()
  await decide('Rotate', '')
  // The one that was pending signs already, and the one after it is too young: nobody may know it yet.
  await page
    .getByRole('alert')
    .getByText(/Identity refuses this/)
    .waitFor()
  await page.keyboard.press('Escape')
})

test('a webhook is made, looked at and deleted; one that cannot be is refused', async () => {
  await goTo('Webhooks and streams')
  await page.getByRole('button', { name: 'Make a webhook' }).click()
  await page.getByLabel('Address').fill('http://10.0.0.1/hook')
  await decide('Make a webhook', '')
  await page
    .getByRole('alert')
    .getByText(/Identity refuses this/)
    .waitFor()
  await page.getByLabel('Address').fill('http://localhost:9/hook')
  await page.getByLabel('Description').fill('the ticket system')
  await decide('Make a webhook', '')
  await page.getByText('Done').waitFor()
  await close()
  await tab.judge('streams')
  await page.getByRole('link', { name: 'the ticket system' }).click()
  await page.getByRole('heading', { name: 'the ticket system' }).waitFor()
  await tab.judge('stream')
  await page.getByRole('button', { name: 'Delete' }).click()
  await decide('Delete')
  await page.getByText('Done').waitFor()
  await close()
  await page.getByText('Nothing is here.').waitFor()
  const refusals = tab.errors.filter((error) => !/status of 4\d\d/.test(error))
  assert.deepEqual(refusals, [], 'beside what was refused the browser has nothing to complain of')
})
