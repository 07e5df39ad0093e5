import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ConsoleTab, ConsoleWorld } from './console-world.ts'
import { signIn, startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld

before(async () => {
  world = await startConsoleWorld()
})

after(() => world?.close())

test('from the overview a stolen session is ended in three clicks, and the page tells when every service refuses it', async () => {
  const thief = await world.open('alice', '/my-account')
  const { page, errors, judge } = await world.open('admin')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await judge('overview')

  const row = page.getByRole('row').filter({ hasText: 'alice' }).first()
  await row.getByRole('button', { name: 'End' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Session id').waitFor()
  // Nobody has said yet why, so it is not recorded as a theft.
  await page.keyboard.press('Enter')
  await dialog.getByText('Choose why').waitFor()
  await judge('end-a-session')
  await dialog.getByLabel('Stolen session').check()
  await dialog.getByRole('button', { name: 'End the session' }).click()
  await page.getByText(/^Refused everywhere within \d+\sms$/).waitFor()
  await dialog.getByText('Session id').waitFor()
  await judge('session-ended')
  assert.deepEqual(errors, [])

  await thief.page.reload()
  await thief.page.getByRole('button', { name: 'Sign in' }).waitFor()

  await page.keyboard.press('Escape')
  const own = page.getByRole('row').filter({ hasText: 'this browser' })
  await own.getByRole('button', { name: 'End' }).click()
  await dialog.getByText('This is your own session, in this browser').waitFor()
  await dialog.getByLabel('Other').check()
  await dialog.getByRole('button', { name: 'End the session' }).click()
  await dialog.getByText('Say why').waitFor()
  await dialog.getByLabel('In your own words').fill('a test')
  await judge('end-own-session')
  await dialog.getByRole('button', { name: 'Cancel' }).click()
})

test('who is no operator, and who is nobody, is told what to do', async () => {
  const alice = await world.open('alice')
  await alice.page.getByRole('heading', { name: 'This console is for operators' }).waitFor()
  await alice.judge('not-allowed')
  const nobody = await world.open(undefined)
  await nobody.page.getByRole('heading', { name: 'Sign in to the console' }).waitFor()
  await nobody.page.getByRole('link', { name: 'Sign in' }).waitFor()
  await nobody.judge('nobody')
  assert.deepEqual(nobody.errors, [], 'there is nothing to complain of in a first visit')

  const { page } = await world.open('admin')
  const refreshes = page.getByRole('figure', { name: 'Refreshes' })
  await refreshes.getByRole('img', { name: /refused: none/ }).waitFor()
})

test('people are found where one types, and the times that are told go on', async () => {
  await world.open('alice', '/my-account')
  const { page, context, errors, judge } = await world.open('admin', '/my-account')
  await context.clock.install()
  await page.goto(`${world.system.endpoints.identity}/console/`)
  await page.getByLabel('Find an account').fill('ali')
  await page.getByRole('search').getByRole('link', { name: 'alice' }).waitFor()
  await judge('overview-search')
  await page.getByLabel('Find an account').press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Accounts' }).waitFor()
  const row = page.getByRole('row').filter({ hasText: 'alice' })
  await row.getByText('open').waitFor()
  const role = row.getByText('customer')
  const shape = await role.evaluate((chip) => getComputedStyle(chip).paddingInlineStart)
  assert.ok(parseFloat(shape) > 4, `a chip has ${shape} beside its word`)
  await context.clock.runFor(300_000)
  await row.getByText('5 minutes ago').waitFor()
  assert.deepEqual(errors, [])
})

test('sessions are found by their account, and the focus comes back from a dialog', async () => {
  await world.open('alice', '/my-account')
  const { page, errors } = await world.open('admin', '/console/#/sessions')
  const said: string[] = []
  page.on('console', (message) => said.push(message.text()))
  await page.getByLabel('Account').fill('ali')
  await page.waitForURL('**account=ali**')
  await page.getByRole('cell', { name: 'admin' }).first().waitFor({ state: 'detached' })
  const end = page.getByRole('row').filter({ hasText: 'alice' }).first().getByRole('button')
  await end.click()
  await page.getByRole('dialog').getByLabel('Stolen session').and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal(await end.evaluate((button) => button === document.activeElement), true)
  await page.getByLabel('Account').fill('nobody')
  await page.getByText('Nothing matches.').waitFor()
  assert.deepEqual([...errors, ...said.filter((text) => text.includes('Autofocus'))], [])
})

test('who signs out leaves nothing behind, also when somebody else has ended the session before', async () => {
  const { page, context, errors } = await world.open('admin')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const other = await context.newPage()
  await other.goto(`${world.system.endpoints.identity}/my-account`)
  await other.getByRole('button', { name: 'Sign out', exact: true }).click()
  await other.waitForURL('**/sign-in*')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL('**/sign-in?return_to=**')
  await page.goBack()
  await page.getByRole('link', { name: 'Sign in' }).waitFor()
  assert.equal(await page.getByRole('table').count(), 0)
  assert.deepEqual(
    errors.filter((error) => !/status of 40[01]/.test(error)),
    [],
  )
})

const olga = { identifier: 'olga', password: 'a long passphrase of hers' }

/** Nothing of what the console showed is to be seen, and the page is one for whoever listens too. */
async function assertNothingLeft({ page, judge }: ConsoleTab, heading: string): Promise<void> {
  const said = page.getByRole('heading', { level: 1, name: heading })
  await said.waitFor()
  assert.equal(await said.evaluate((element) => element === document.activeElement), true)
  assert.equal(await page.locator('table, nav, dialog, canvas').count(), 0)
  assert.doesNotMatch(await page.locator('body').innerText(), /alice|Latest|Overview/)
  await judge(heading.toLowerCase().replaceAll(' ', '-'))
}

test('an operator whose session is ended elsewhere, whose role is taken, or who is blocked is told so at the next poll or action', async () => {
  const { accounts, sessions } = await world.administer()
  const { id } = await accounts.create({ ...olga, roles: ['identity-admin'] })
  const tab = await world.open('olga', '/console/', { password: olga.password, hasClock: true })
  const { page } = tab
  const reason = 'a test'
  await page.getByRole('heading', { name: 'Latest sign-ins' }).waitFor()
  await page.getByRole('link', { name: 'alice' }).first().waitFor()

  const { items } = await sessions.page({ account: id })
  for (const session of items) await sessions.end(session.id, { reason })
  await page.clock.fastForward(11_000)
  await assertNothingLeft(tab, 'Your session has ended')
  await page.getByRole('link', { name: 'Sign in' }).click()
  await signIn(page, olga.identifier, olga.password)
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()

  // A page that asks for nothing by itself: the next action finds out.
  await page.evaluate("location.hash = '#/accounts'")
  await page.getByRole('link', { name: 'alice' }).waitFor()
  await accounts.setRoles(id, { roles: [], reason })
  await page.getByLabel('Name begins with').fill('al')
  await assertNothingLeft(tab, 'You are no operator any more')
  await page.getByText('The role identity-admin was taken from olga').waitFor()
  await page.getByRole('button', { name: 'Sign in as somebody else' }).click()
  await page.waitForURL('**/sign-in?return_to=**')

  await accounts.setRoles(id, { roles: ['identity-admin'], reason })
  await signIn(page, olga.identifier, olga.password)
  const row = page.getByRole('row').filter({ hasText: 'alice' }).first()
  await row.getByRole('link').click()
  await page.getByRole('button', { name: 'Sign out everywhere' }).click()
  await accounts.block(id, { reason })
  await page.getByRole('dialog').getByLabel('Reason').fill(reason)
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out everywhere' }).click()
  await assertNothingLeft(tab, 'Your session has ended')
})

test('a page that asks for nothing finds out by itself that the role is gone', async () => {
  const { accounts } = await world.administer()
  const { items } = await accounts.page({ identifier: olga.identifier })
  const id = items[0]?.id ?? ''
  const reason = 'a test'
  await accounts.unblock(id, { reason })
  const path = '/console/#/settings'
  const tab = await world.open('olga', path, { password: olga.password, hasClock: true })
  await tab.page.getByRole('table').first().waitFor()
  await accounts.setRoles(id, { roles: [], reason })
  await tab.page.clock.fastForward(31_000)
  await assertNothingLeft(tab, 'You are no operator any more')
})
