import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { root } from '../../tools/source-tree.ts'
import type { RunningSystem } from '../running-system.ts'
import { newFolder, removeFolder, startSystem } from '../running-system.ts'
import type { ExamplePage } from './example-page.ts'
import { serve, startExamplePage } from './example-page.ts'
import { launchBrowser } from './launched-browser.ts'

const tls = {
  cert: join(root, 'packages/gateway/test/tls/localhost-certificate.pem'),
  key: join(root, 'packages/gateway/test/tls/localhost-key.pem'),
}

let system: RunningSystem
let browser: Browser
let plain: ExamplePage
let secure: ExamplePage

before(async () => {
  browser = await launchBrowser()
  system = await startSystem(newFolder())
  plain = await startExamplePage(system)
  secure = await startExamplePage(system, { tls })
})

after(async () => {
  await plain?.close()
  await secure?.close()
  await system?.stop()
  await browser?.close()
  if (system !== undefined) removeFolder(system.folder)
})

interface Tab {
  readonly page: Page
  readonly signIn: (password?: string) => Promise<void>
  readonly order: (item: string) => Promise<void>
  /** Waits for an order in the list. */
  readonly sees: (item: string) => Promise<void>
  readonly isAtLogin: () => Promise<void>
}

/** A browser of its own, with nothing in it. */
function newProfile(): Promise<BrowserContext> {
  // The certificate is for tests.
  return browser.newContext({ ignoreHTTPSErrors: true })
}

async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  await page.goto(url)
  return {
    page,
    signIn: async (password = passwordOfAlice()) => {
      await page.getByLabel('Name').fill('alice')
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in' }).click()
    },
    order: async (item) => {
      await page.getByLabel('Item').fill(item)
      await page.getByRole('button', { name: 'Order' }).click()
    },
    sees: (item) => page.getByText(`1 ${item}`, { exact: true }).waitFor(),
    isAtLogin: () => page.getByRole('button', { name: 'Sign in' }).waitFor(),
  }
}

function passwordOfAlice(): string {
  const alice = system.credentials.accounts.find(({ identifier }) => identifier === 'alice')
  return alice?.password ?? assert.fail('there is no alice')
}

for (const [where, protocol, pageOf] of [
  ['https', 'h2', () => secure],
  ['http on localhost', 'http/1.1', () => plain],
] as const) {
  test(`a page over ${where} signs people in, orders, listens, and never holds a token`, async () => {
    const { url, killGateway } = pageOf()
    const context = await newProfile()
    const bodies: string[] = []
    context.on('response', (response) => {
      response.text().then(
        (text) => bodies.push(text + JSON.stringify(response.headers())),
        () => undefined,
      )
    })
    const tab = await openTab(context, url)
    await tab.signIn('a wrong password')
    await tab.page.getByText('Identifier or password is wrong').waitFor()
    await tab.signIn()
    const item = `lamp ${where}`
    await tab.page.getByLabel('Item').waitFor()
    await tab.order(item)
    await tab.sees(item)

    const [cookie, ...others] = await context.cookies(url)
    assert.deepEqual(others, [])
    const { name, path, httpOnly, secure: isSecure, sameSite, domain } = cookie ?? assert.fail()
    assert.deepEqual(
      { name, path, httpOnly, isSecure, sameSite, domain },
      {
        name: '__Host-portcullis_refresh',
        path: '/',
        httpOnly: true,
        isSecure: true,
        sameSite: 'Strict',
        domain: 'localhost',
      },
    )
    const spoken = `performance.getEntriesByType('navigation')[0].nextHopProtocol`
    assert.equal(await tab.page.evaluate(spoken), protocol)
    const held = 'document.cookie + JSON.stringify([{ ...localStorage }, { ...sessionStorage }])'
    assert.equal(await tab.page.evaluate(held), '[{},{}]')

    // A second tab, a reload, and a gateway that knows nothing any more: all of them go on.
    const second = await openTab(context, url)
    await second.sees(item)
    await killGateway()
    await tab.page.reload()
    await tab.sees(item)
    await second.page.reload()
    await second.sees(item)
    await second.order(`more of ${item}`)
    await tab.sees(`more of ${item}`)

    await second.page.getByRole('button', { name: 'Sign out' }).click()
    await second.isAtLogin()
    await tab.isAtLogin()
    assert.deepEqual(await context.cookies(url), [])
    assert.ok(bodies.length > 10)
    assert.doesNotMatch(bodies.join(''), /eyJ[\w-]+\.eyJ/)
    await context.close()
  })
}

/** Tries what a page can do to another: read it, send a form by script and by a click, and open a WebSocket. */
async function attack(
  context: BrowserContext,
  from: string,
  url: string,
): Promise<readonly number[]> {
  const statuses: number[] = []
  const page = await context.newPage()
  page.on('response', (response) => {
    if (response.url() === `${url}/orders`) statuses.push(response.status())
  })
  await page.goto(from)
  const send = (method: string, body: string): Promise<unknown> =>
    page.evaluate(
      `fetch('${url}/orders', { method: '${method}', mode: 'no-cors', credentials: 'include' ${body} })`,
    )
  await send('GET', '')
  await send('POST', `, body: '{"item":"forged","quantity":1}'`)
  await page.getByRole('button').click()
  await page.waitForURL(`${url}/orders`)
  await page.goto(from)
  const opening = `new Promise((resolve) => {
    const socket = new WebSocket('${url.replace('http', 'ws')}/orders/socket')
    socket.onopen = () => resolve('open')
    socket.onerror = () => resolve('refused')
  })`
  assert.equal(await page.evaluate(opening), 'refused')
  await page.close()
  return statuses
}

test('a page of another port and one of another site can do nothing with the cookie', async () => {
  const { url } = plain
  const context = await newProfile()
  const tab = await openTab(context, url)
  await tab.signIn()
  await tab.page.getByLabel('Item').waitFor()
  await tab.order('something of my own')
  await tab.sees('something of my own')

  const field = `<input name='{"item":"forged","quantity":1,"x":"' value='"}'>`
  const form = `<form method="post" enctype="text/plain" action="${url}/orders">${field}<button>Win</button></form>`
  const hostile = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(form)
  })
  // Ports are nothing to cookies and to `SameSite`: the cookie goes along, and the gateway refuses.
  const samePlace = hostile.origin.replace('127.0.0.1', 'localhost')
  assert.deepEqual(await attack(context, samePlace, url), [403, 403, 403])
  // From another site it does not go along.
  assert.deepEqual(await attack(context, hostile.origin, url), [401, 401, 401])
  hostile.close()

  await tab.page.reload()
  await tab.sees('something of my own')
  assert.doesNotMatch((await tab.page.textContent('body')) ?? '', /forged/)
  await context.close()
})
