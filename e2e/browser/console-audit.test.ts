import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Administration, AuditFilter } from '@portcullis/client/admin'
import type { Locator, Page, Request, Route } from 'playwright-core'
import type { ConsoleTab, ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld
let tab: ConsoleTab
let page: Page
let administration: Administration
let carol: string
let ended: string

before(async () => {
  world = await startConsoleWorld()
  administration = await world.administer()
  const password = 'a long passphrase of hers'
  carol = (await administration.accounts.create({ identifier: 'carol', password })).id
  await administration.accounts.block(carol, { reason: 'a test' })
  await administration.accounts.unblock(carol, { reason: 'a test' })
  await administration.clients.create({ name: 'billing', grants: ['client_credentials'] })
  await world.system.signIn('alice')
  const { items } = await administration.sessions.page({})
  ended = items.find(({ account }) => account.identifier === 'alice')?.id ?? ''
  await administration.sessions.end(ended, { reason: 'stolen' })
  tab = await world.open('admin', '/console/#/audit', { timezoneId: 'Asia/Kolkata' })
  page = tab.page
  page.setDefaultTimeout(10_000)
  await events().first().waitFor()
})

after(() => world?.close())

const auditCalls = (url: URL): boolean => url.pathname === '/admin/audit'

function events(): Locator {
  return page.getByRole('table', { name: 'Audit' }).locator('tbody tr')
}

function list(): Locator {
  return page.getByRole('region', { name: 'Audit' })
}

/** Whatever was asked is answered. */
async function untilTold(): Promise<void> {
  await page.locator('section.paged[aria-busy="false"]').waitFor()
}

async function fill(label: string, text: string): Promise<void> {
  await page.getByLabel(label, { exact: true }).fill(text)
  // It waits for no pause.
  await page.keyboard.press('Enter')
  await untilTold()
}

/** Shows what the API has of it, which is some and not all. */
async function assertShown(filter: AuditFilter): Promise<void> {
  const { items } = await administration.audit.page(filter)
  const all = (await administration.audit.page({})).items.length
  assert.ok(items.length > 0 && items.length < all, `${items.length} of ${all}`)
  await page.waitForFunction(
    (rows) => document.querySelectorAll('table.list tbody tr').length === rows,
    items.length,
  )
}

async function showEverything(): Promise<void> {
  const everything = page.getByRole('link', { name: 'Show everything' })
  await everything.click()
  await everything.waitFor({ state: 'detached' })
  await page.waitForFunction(() =>
    [...document.querySelectorAll<HTMLInputElement>('.filters input')].every(({ value }) => !value),
  )
  await untilTold()
}

/** Light and dark, wide and narrow. */
async function judgeEverywhere(name: string): Promise<void> {
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 360],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height: 740 })
    await tab.judge(`${name}-${width}-${colorScheme}`)
  }
  await page.setViewportSize({ width: 1280, height: 720 })
  await page.emulateMedia({ colorScheme: 'light' })
}

test('the record is narrowed to an account or a client by its name, to a kind, a session, and all of them together', async () => {
  await fill('Account', 'carol')
  await assertShown({ account: carol })
  await page.getByLabel('What').selectOption('Account blocked')
  await assertShown({ account: carol, kind: 'account-blocked' })
  await events().getByRole('link', { name: 'carol' }).waitFor()
  await fill('Done by', 'admin')
  assert.equal(await events().count(), 1)
  await fill('Client', 'billing')
  await page.getByText('Nothing that fits is in the record.').waitFor()
  await showEverything()

  await fill('Client', 'billing')
  await assertShown({ kind: 'client-created', client: (await clientId('billing')) ?? '' })
  await showEverything()
  await fill('Session', ended)
  await assertShown({ session: ended })
  await showEverything()

  await fill('Account', 'nobody at all')
  await page.getByText('Nobody is called nobody at all').waitFor()
  await showEverything()
})

async function clientId(name: string): Promise<string | undefined> {
  const { items } = await administration.clients.page({ name })
  return items[0]?.id
}

test('what the API refuses of a filter is said in its words', async () => {
  await fill('Session', 'no id!')
  await page
    .getByRole('alert')
    .getByText(/Something in the request does not fit. Session /)
    .waitFor()
  assert.equal(await events().count(), 0, 'what answers another question is not to be seen')
  await tab.judge('audit-refused')
  await fill('Session', '')
  await events().first().waitFor()
})

test('times are those of whoever looks, and what is asked is the same moment in UTC', async () => {
  const from = page.getByLabel('From')
  assert.match(
    (await page.getByText(/^Your time/).allTextContents()).join(),
    /Asia\/(Kolkata|Calcutta)/,
  )
  // By the keyboard alone: month, day, year, hour, minute and the half of the day.
  await from.focus()
  await page.keyboard.type('01312026')
  await page.getByLabel('Until').focus()
  await page.getByText('Not whole yet').waitFor()
  await from.focus()
  const asked = page.waitForRequest((request) => /from=/.test(request.url()))
  await page.keyboard.type('013120261200PM')
  assert.match(decodeURIComponent((await asked).url()), /from=2026-01-31T06:30:00\.000Z/)
  await events().first().waitFor()
  assert.equal(await from.inputValue(), '2026-01-31T12:00')
  await fill('Until', '2026-01-30T12:00')
  await page.getByRole('alert').getByText('Until is not after From').waitFor()
  assert.equal(await events().count(), 0)
  await judgeEverywhere('audit-turned-round')
  await showEverything()
})

test('what is typed is asked for when typing pauses, and the rows from before stay until the answer is there', async () => {
  const asked: string[] = []
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.pathname === '/admin/accounts') asked.push(url.searchParams.get('identifier') ?? '')
  })
  const hold = async (route: Route): Promise<void> => {
    await held
    await route.continue()
  }
  await page.route(auditCalls, hold)
  const shown = await events().count()
  await page.getByLabel('Account', { exact: true }).pressSequentially('carol', { delay: 40 })
  await page.locator('section.paged[aria-busy="true"]').waitFor()
  assert.equal(await events().count(), shown)
  answer()
  await assertShown({ account: carol })
  await untilTold()
  assert.deepEqual(asked, ['carol'])
  await page.unroute(auditCalls, hold)
  await showEverything()
})

function isLate(request: Request): boolean {
  return /kind=node-started/.test(request.url())
}

test('an answer that comes after a later one is dropped', async () => {
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  const hold = async (route: Route): Promise<void> => {
    if (isLate(route.request())) await held
    await route.continue()
  }
  await page.route(auditCalls, hold)
  const asked = page.waitForRequest(isLate)
  const answered = page.waitForResponse((response) => isLate(response.request()))
  await page.getByLabel('What').selectOption('Node started')
  await asked
  await page.getByLabel('What').selectOption('Client made')
  await assertShown({ kind: 'client-created' })
  const rows = await events().locator('time').evaluateAll(momentsOf)
  answer()
  await answered
  // What it changes would be drawn by then.
  await page.waitForTimeout(200)
  assert.deepEqual(await events().locator('time').evaluateAll(momentsOf), rows)
  await page.unroute(auditCalls, hold)
  await showEverything()
})

function withFew(route: Route): Promise<void> {
  return route.continue({ url: route.request().url().replace('limit=50', 'limit=3') })
}

test('pages of the record are turned on and back, and the button keeps the focus', async () => {
  await page.route(auditCalls, withFew)
  await page.getByLabel('What').selectOption('Client made')
  await showEverything()
  await page.getByText('Page 1').waitFor()
  const { items } = await administration.audit.page({}, { limit: 6 })
  const next = page.getByRole('button', { name: 'Next page' })
  await next.focus()
  await page.keyboard.press('Enter')
  await page.getByText('Page 2').waitFor()
  await untilTold()
  const moments = items.map(({ at }) => at.toISOString())
  assert.deepEqual(await events().locator('time').evaluateAll(momentsOf), moments.slice(3))
  assert.equal(await next.evaluate((button) => button === document.activeElement), true)
  await page.getByRole('button', { name: 'Previous page' }).click()
  await page.getByText('Page 1').waitFor()
  await untilTold()
  assert.deepEqual(await events().locator('time').evaluateAll(momentsOf), moments.slice(0, 3))
  await page.unroute(auditCalls, withFew)
})

function momentsOf(times: readonly Element[]): readonly (string | null)[] {
  return times.map((time) => time.getAttribute('datetime'))
}

test('the record is held against anchors that were kept, and one that does not fit shows it to be broken', async () => {
  const check = page.getByRole('button', { name: 'Check the record' })
  await check.click()
  await page.getByText(/The record is whole: [1-9]\d* records/).waitFor()
  await page.getByText('Check it against anchors that you have kept').click()
  const anchors = page.getByLabel('Anchors')
  await anchors.fill('yesterday all was well')
  await page.getByText('No anchor is in it.').waitFor()
  assert.equal(await check.isDisabled(), true)
  await anchors.fill(`${'a'.repeat(22)}:3:cut`)
  await page.getByText('Line 1 is no whole anchor').waitFor()

  const log = join(world.system.folder, '.portcullis', 'logs', 'identity.log')
  await page.getByLabel('Or choose a file').setInputFiles(log)
  await page.getByText(/\d+ anchors will be checked/).waitFor()
  await check.click()
  await page.getByText(/The record is whole and fits what you have kept/).waitFor()
  await judgeEverywhere('audit-anchors')

  const [kept = ''] = /[\w-]{22}:\d+:[\w-]{43}/.exec(readFileSync(log, 'utf8')) ?? []
  const forged = kept.slice(0, -3) + (kept.endsWith('AAA') ? 'BBB' : 'AAA')
  await anchors.fill(forged)
  await page.getByText('1 anchor will be checked').waitFor()
  await check.click()
  await page.getByText('The record does not hold.').waitFor()
  await page.getByText('An anchor does not fit').waitFor()
  await judgeEverywhere('audit-broken')

  await page.getByLabel('Or choose a file').setInputFiles({
    name: 'shopping.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('milk\nbread\n'),
  })
  await page.getByText('No anchor is in shopping.txt.').waitFor()
  await page.route('**/admin/audit/verify', (route) => route.abort())
  await anchors.fill('')
  await check.click()
  await page.getByRole('alert').getByText('Identity does not answer').waitFor()
})

test('all of an event is shown', async () => {
  await page.getByLabel('What').selectOption('Node started')
  await page.getByRole('button', { name: 'Details: Node started' }).first().click()
  await page.getByRole('dialog').getByText('sys_startup').waitFor()
  await page
    .getByRole('dialog')
    .getByText(/GMT\+5:30/)
    .first()
    .waitFor()
  await tab.judge('audit-event')
  await page.keyboard.press('Escape')
  assert.equal(await list().getAttribute('aria-busy'), 'false')
})

test('a list says that it waits, why it failed and how to go on, and what it means that it is empty', async () => {
  const other = await tab.context.newPage()
  await other.clock.install()
  let isDown = true
  const { promise: held, resolve: answer } = Promise.withResolvers<void>()
  await other.route(
    (url) => url.pathname === '/admin/streams',
    async (route) => {
      await held
      await (isDown ? route.abort() : route.continue())
    },
  )
  await other.goto(`${world.system.endpoints.identity}/console/#/streams`)
  await other.getByText('Loading', { exact: true }).waitFor()
  await other.clock.fastForward(5_000)
  await other.getByText('identity takes longer than usual to answer').waitFor()
  answer()
  await other.getByRole('alert').getByText('Identity does not answer').waitFor()
  isDown = false
  await other.getByRole('button', { name: 'Try again' }).click()
  await other.getByText('Nobody is told of security events.').waitFor()
  assert.equal(await other.getByRole('alert').count(), 0)
  await other.close()
})
