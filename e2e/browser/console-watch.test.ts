import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { postJson } from '../running-system.ts'
import type { ConsoleTab, ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld
let tab: ConsoleTab
let page: Page

before(async () => {
  world = await startConsoleWorld()
  await tryPasswords()
  tab = await world.open('admin')
  page = tab.page
  page.setDefaultTimeout(10_000)
})

after(() => world?.close())

const guesses = 30

/** Of many accounts from one network, which a rule finds. */
async function tryPasswords(): Promise<void> {
  const url = `${world.system.endpoints.identity}/login`
  for (let number = 0; number < guesses; number += 1) {
    const given = { identifier: `guess-${number}`, password: 'password of a list' }
    const { status } = await postJson(url, given)
    assert.equal(status, 401)
  }
}

async function goTo(name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Pages of the console' }).getByText(name).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

/** Light and dark, wide and narrow. */
async function judgeEverywhere(name: string): Promise<void> {
  await tab.judge(name)
  await page.emulateMedia({ colorScheme: 'dark' })
  await tab.judge(`${name}-dark`)
  await page.setViewportSize({ width: 360, height: 740 })
  await tab.judge(`${name}-narrow`)
  const wide = Number(await page.evaluate('document.documentElement.scrollWidth'))
  assert.ok(wide <= 360, `${name} is ${wide} pixels wide`)
  await page.setViewportSize({ width: 1280, height: 720 })
  await page.emulateMedia({ colorScheme: 'light' })
}

test('the overview draws what went on in the last hour, and says it to those who do not see it', async () => {
  const signIns = page.getByRole('figure', { name: 'Sign-ins' })
  const drawn = signIns.getByRole('img', {
    name: /refused: 30 in the last hour, at most \d+ a minute/,
  })
  await drawn.waitFor()
  const inked = await drawn.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data
    return pixels?.some((value) => value > 0)
  })
  assert.equal(inked, true)
  await drawn.hover({ position: { x: 200, y: 60 } })
  await signIns.getByText(/^at /).waitFor()
  const refusals = page.getByRole('table', { name: 'Refusals of the last hour, by reason' })
  await refusals.getByRole('row', { name: 'Name or password was wrong 30' }).waitFor()
  // It is found a moment after the page may have asked, which asks again after ten seconds.
  const found = page.getByRole('link', { name: 'Passwords tried on many accounts' })
  await found.waitFor({ timeout: 25_000 })
  await judgeEverywhere('overview')
  assert.deepEqual(tab.errors, [])
})

test('an anomaly shows what led to it and what to do, and why it cannot be done', async () => {
  await goTo('Anomalies')
  await page.getByLabel('Rule').selectOption('New device')
  await page.getByText('No rule has found anything that fits.').waitFor()
  await page.getByLabel('Rule').selectOption('Every rule')
  await page.getByLabel('Severity').selectOption('critical')
  await page.getByRole('link', { name: 'Guessed sign-in' }).waitFor()
  await judgeEverywhere('anomalies')
  await page.getByRole('link', { name: 'Guessed sign-in' }).first().click()
  await page.getByText('Reset the password: the old one').waitFor()
  await page.getByRole('link', { name: 'admin' }).nth(1).waitFor()
  await judgeEverywhere('anomaly')

  // What the API refuses is said in its words: nobody else could let people in.
  await page.getByRole('button', { name: 'Block the account' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Block the account' }).click()
  await page.getByRole('dialog').getByRole('alert').waitFor()
  await tab.judge('anomaly-refused')
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
})

test('the audit record is filtered by the name of an account, shows all of an event, and is found to be whole', async () => {
  await goTo('Audit')
  await page.getByLabel('What').selectOption('Node started')
  await page.getByRole('button', { name: 'Details: Node started' }).first().click()
  await page.getByRole('dialog').getByText('sys_startup').waitFor()
  await tab.judge('audit-event')
  await page.keyboard.press('Escape')
  await page.getByLabel('What').selectOption('Everything')
  await page.getByLabel('From').fill('yesterday')
  await page.getByText('That is no moment.').waitFor()
  await page.getByLabel('From').fill('')
  await page.getByRole('button', { name: 'Check the record' }).click()
  await page.getByText(/The record is whole: [1-9]\d* records/).waitFor()
  await judgeEverywhere('audit')
  await page.getByLabel('Account').first().fill('nobody')
  await page.getByText('Nothing that fits is in the record.').waitFor()
})
