import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { postJson } from '../running-system.ts'
import type { ConsoleTab, ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'
import { openScene, password } from './raised-anomalies.ts'
import type { Scene } from './raised-anomalies.ts'

let world: ConsoleWorld
let tab: ConsoleTab
let page: Page
let scene: Scene

before(async () => {
  // A waiting key may sign at once.
  world = await startConsoleWorld(['--jwks-max-age-seconds', '1'])
  await tryPasswords()
  scene = await openScene(world.system)
  await raise()
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

/** The ids of those to whom something happens, and tokens of theirs. */
const victims = new Map<string, string>()
let copied = ''
let other = ''

/** Two get in with a guessed password, and a session of a third is in two places. */
async function raise(): Promise<void> {
  for (const name of ['carol', 'dave', 'erin']) {
    await scene.makeAccount(name)
    copied = await scene.signIn(name)
    victims.set(name, subjectOf(copied))
  }
  other = await scene.signIn('erin')
  for (let use = 0; use < 6; use += 1)
    assert.equal(await scene.look(copied, `127.0.${1 + (use % 2)}.1`), 200)
}

function subjectOf(token: string): string {
  const [, claims = ''] = token.split('.')
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { readonly sub: string }).sub
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
  const found = page.getByRole('link', { name: 'Guessed sign-in' }).first()
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
  const ofAdmin = page.getByRole('row', { name: /Guessed sign-in.*admin/ })
  await ofAdmin.waitFor()
  await judgeEverywhere('anomalies')
  await ofAdmin.getByRole('link', { name: 'Guessed sign-in' }).click()
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

/** Presses the button of an action, gives the reason that stands there, and waits until it is done. */
async function act(action: string, done: string | RegExp = /Refused everywhere/): Promise<void> {
  await page.getByRole('button', { name: action, exact: true }).click()
  await confirm(done)
}

/** In the dialog that is open. */
async function confirm(done: string | RegExp): Promise<void> {
  const dialog = page.getByRole('dialog')
  await dialog.locator('button:not([type])').click()
  await dialog.getByText(done).waitFor()
  await dialog.locator('.actions').getByRole('button', { name: 'Close' }).click()
  await dialog.waitFor({ state: 'detached' })
}

async function open(id: string, heading: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `#/anomalies/${id}`)
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
}

/** What the page says was done, and the actions that it still offers. */
async function readToDo(): Promise<{ readonly done: string; readonly offered: readonly string[] }> {
  const toDo = page.locator('.to-do')
  const done = await toDo.getByRole('status').innerText()
  return { done, offered: await toDo.getByRole('button').allInnerTexts() }
}

async function assertDone(kind: string, offered: readonly string[]): Promise<void> {
  const toDo = page.locator('.to-do').getByRole('status')
  await toDo.getByText(kind, { exact: true }).waitFor()
  await toDo.getByRole('link', { name: 'admin' }).first().waitFor()
  const found = await readToDo()
  assert.match(found.done, new RegExp(`${kind} \\d+:\\d\\d:\\d\\d [AP]M by admin`))
  assert.deepEqual(found.offered, offered)
}

async function statusOfLogin(identifier: string): Promise<number> {
  const asked = { identifier, password }
  return (await postJson(`${world.system.endpoints.identity}/login`, asked)).status
}

function foundAbout(rule: string, id: string | undefined): Promise<string> {
  return scene.found(rule, ({ subject }) => subject === id)
}

test('whoever got in with a guessed password is reset or blocked from the page of the anomaly, which says so', async () => {
  await open(await foundAbout('guessed-login', victims.get('carol')), 'Guessed sign-in')
  await act('Reset the password')
  await assertDone('New password forced', ['Block the account', 'Reset the password again'])
  assert.equal(await statusOfLogin('carol'), 401)

  await open(await foundAbout('guessed-login', victims.get('dave')), 'Guessed sign-in')
  await act('Block the account')
  await assertDone('Account blocked', ['Reset the password'])
  assert.equal(await statusOfLogin('dave'), 403)
  await judgeEverywhere('anomaly-done')
})

test('a copied session is ended, and then all of its account, from the page of the anomaly', async () => {
  const id = await scene.found('session-in-several-networks', ({ evidence }) =>
    (evidence.accounts ?? []).some((account) => account === victims.get('erin')),
  )
  await open(id, 'Session in several networks')
  await page.getByText(/Changes of the network: \d/).waitFor()
  await act('End the session')
  await assertDone('Session ended', ['Sign the account out'])
  assert.deepEqual([await scene.look(copied), await scene.look(other)], [401, 200])
  await act('Sign the account out')
  await assertDone('All sessions ended', ['Sign the account out again'])
  assert.equal(await scene.look(other), 401)
})

test('a client is disabled and a key is rotated from what was found about them', async () => {
  const client = await scene.makeClient('billing')
  scene.plant({ rule: 'token-volume', about: 'client', subject: client.id })
  await open(await foundAbout('token-volume', client.id), 'Far more tokens than ever')
  await page.getByRole('link', { name: 'billing' }).waitFor()
  await act('Disable the client')
  await assertDone('Client disabled', [])
  const credential = Buffer.from(`${client.id}:${client.secret}`).toString('base64')
  const answer = await fetch(`${world.system.endpoints.identity}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credential}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  assert.equal(answer.status, 401)

  const kid = await scene.kid('access-token', 'active')
  scene.plant({ rule: 'key-overdue', about: 'key', subject: kid })
  await open(await foundAbout('key-overdue', kid), 'Key not rotated')
  await act('Rotate the key', 'Done')
  await assertDone('Keys rotated', [])
  assert.notEqual(await scene.kid('access-token', 'active'), kid)

  // What a service says is shown as what it says, and what is not kept any more is said to be gone.
  const reason = 'bad-signature'
  const evidence = { reason, counts: { [reason]: 450, usual: 0 }, records: ['gone:7'] }
  scene.plant({ rule: 'refused-tokens', about: 'client', subject: client.id, evidence })
  await open(await foundAbout('refused-tokens', client.id), 'Service refuses many tokens')
  await page.getByText('Reported by').waitFor()
  await page.getByText('The signature is wrong: 450').waitFor()
  await page.getByText('gone:7 This record is not kept any more.').waitFor()
  // The same client was disabled before this was seen.
  assert.equal((await readToDo()).done, '')

  // In the list too, with nothing that is pressed once more.
  await goTo('Anomalies')
  const row = page.getByRole('row', { name: 'Key not rotated' })
  await row.getByText(/Keys rotated \d+:\d\d/).waitFor()
  assert.equal(await row.getByRole('button').count(), 0)
  await tab.judge('anomalies-done')
  await page.evaluate(() => {
    location.hash = '#/anomalies/999999'
  })
  await page.getByText('There is no anomaly of this id').waitFor()
})

test('a waiting key is let sign on the page of the keys, which says until when the one before it is kept', async () => {
  const former = await scene.kid('feed', 'active')
  const next = await scene.kid('feed', 'pending')
  const [formerShown, nextShown] = [former, next].map((kid) => `${kid.slice(0, 8)}…`)
  await goTo('Keys')
  await page.getByRole('button', { name: 'Rotate' }).nth(1).click()
  await page.getByText(`${formerShown} signs now; from then on ${nextShown} does.`).waitFor()
  await confirm(
    new RegExp(`^Now ${nextShown} signs\\. ${formerShown} is kept until .*\\d:\\d\\d.*\\.$`),
  )
  await page.getByRole('row').filter({ hasText: next }).getByText('active').waitFor()
  await page.getByRole('row').filter({ hasText: former }).getByText('retiring').waitFor()
  assert.equal(await scene.kid('feed', 'active'), next)
  await tab.judge('keys-rotated')
})
