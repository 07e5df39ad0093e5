import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Page } from 'playwright-core'
import { serve } from './example-page.ts'
import type { ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

/*
 * What holds on every page of the console: nothing that is stored becomes a part of the page, it fits a phone, it is
 * readable in the dark and by those who listen, and it can be used by the keyboard alone.
 */

let world: ConsoleWorld

before(async () => {
  world = await startConsoleWorld()
})

after(() => world?.close())

/** Each with the heading by which it is known. */
const pages = [
  ['overview', 'Overview'],
  ['accounts', 'Accounts'],
  ['sessions', 'Sessions'],
  ['clients', 'Machine clients'],
  ['keys', 'Keys'],
  ['revocations', 'Revocations'],
  ['anomalies', 'Anomalies'],
  ['audit', 'Audit'],
  ['streams', 'Webhooks and streams'],
  ['settings', 'Settings'],
] as const
const compressedBytesMax = 150_000

async function show(page: Page, place: string, heading: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash
  }, `#/${place}`)
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
  // Whatever it asks for is there.
  await page.waitForFunction(() => document.querySelector('.loading') === null)
}

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, string>>
}

const hostile = `"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`

test('what is stored with markup in it is shown letter by letter, and does nothing', async () => {
  const { page, errors } = await world.open('admin')
  page.on('dialog', (dialog) => assert.fail(dialog.message()))
  const made = await storeHostileTexts(hostile)
  const [account, , client, stream] = made.map(({ body }) => body['id'] ?? body['client_id'])
  assert.deepEqual(
    made.map(({ status }) => status),
    [201, 200, 201, 201],
    JSON.stringify(made),
  )
  const places = [
    ...pages,
    [`accounts/${account}`, 'src=x'],
    [`clients/${client}`, 'hostile'],
    [`streams/${stream}`, 'src=x'],
  ] as const
  let seen = 0
  for (const [place, heading] of places) {
    await show(page, place, heading)
    assert.equal(await page.evaluate('window.hacked'), undefined, place)
    assert.equal(await page.locator('main img, main script').count(), 0, place)
    if ((await page.locator('main').innerText()).includes('src=x')) seen += 1
  }
  assert.ok(seen >= 6, `the texts were seen on ${seen} pages only`)
  assert.deepEqual(errors, [])
})

/** A name, an attribute, a user agent, descriptions and a reason that would like to be markup. */
async function storeHostileTexts(text: string): Promise<readonly Answer[]> {
  const { identity } = world.system.endpoints
  const send = async (path: string, members: object, headers: object = {}): Promise<Answer> => {
    const answer = await fetch(identity + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(members),
    })
    const body = (await answer.json().catch(() => ({}))) as Answer['body']
    return { status: answer.status, body }
  }
  const admin = world.system.credentials.accounts.find((one) => one.identifier === 'admin')
  assert.ok(admin !== undefined)
  const asked = { identifier: 'admin', password: admin.password, audience: identity }
  const { body: granted } = await send('/login', asked)
  const authorization = { authorization: `Bearer ${granted['access_token']}` }

  const identifier = `${text.replaceAll(/\s/g, '/')}@mail.example`
  const password = randomUUID()
  const account = await send(
    '/admin/accounts',
    { identifier, password, roles: ['customer'], attributes: { tenant: text }, reason: text },
    authorization,
  )
  const login = await send('/login', { identifier, password }, { 'user-agent': text })
  const grants = ['client_credentials']
  const client = { name: 'hostile', grants, description: text }
  const stream = {
    endpoint_url: 'http://localhost:9/',
    events: ['session-revoked'],
    description: text,
  }
  return [
    account,
    login,
    await send('/admin/clients', client, authorization),
    await send('/admin/streams', stream, authorization),
  ]
}

test('a page of somebody else cannot act by the cookie, nor put the console into a frame', async () => {
  const { page, context } = await world.open('admin')
  const { identity } = world.system.endpoints
  const forms = ['/token', '/logout', '/sign-out', '/sign-out/everywhere', '/my-account/password']
  const elsewhere = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>x</title>')
  })
  try {
    const foreign = await context.newPage()
    // Another port of the same host is the same site: it has the cookie sent along, and only its origin gives it away.
    await foreign.goto(elsewhere.origin.replace('127.0.0.1', 'localhost'))
    const statuses = await foreign.evaluate(sendForeignForms, { identity, forms })
    assert.deepEqual(
      statuses,
      forms.map(() => 'sent, and no answer read'),
    )
    await foreign.evaluate(async (address) => {
      const frame = document.createElement('iframe')
      frame.src = address
      document.body.append(frame)
      await new Promise((resolve) => {
        frame.addEventListener('load', resolve)
      })
    }, `${identity}/console/`)
    const framed = foreign.frames().filter((frame) => frame !== foreign.mainFrame())
    // In its place the browser shows a page of its own.
    assert.deepEqual(
      framed.map((frame) => frame.url()),
      ['chrome-error://chromewebdata/'],
    )
    await page.reload()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  } finally {
    elsewhere.close()
  }
})

async function sendForeignForms(asked: {
  readonly identity: string
  readonly forms: readonly string[]
}): Promise<readonly string[]> {
  const body = 'grant_type=refresh_token&current=a&new=b'
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return Promise.all(
    asked.forms.map(async (path) => {
      const init = { method: 'POST', body, headers, credentials: 'include' } as const
      // The answer forbids even to be held by another origin (Cross-Origin-Resource-Policy).
      const answer = fetch(asked.identity + path, { ...init, mode: 'no-cors' })
      return answer.then(
        ({ type }) => type,
        () => 'sent, and no answer read',
      )
    }),
  )
}

test('every page fits a phone, is readable in the dark, and leaves axe nothing to say', async () => {
  const { page, errors, judge } = await world.open('admin')
  for (const [width, colorScheme] of [
    [360, 'dark'],
    [1280, 'light'],
  ] as const) {
    await page.setViewportSize({ width, height: 800 })
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    for (const [name, heading] of pages) {
      await show(page, name, heading)
      await judge(`${name}-${width}-${colorScheme}`)
    }
  }
  assert.deepEqual(errors, [])
})

test('a session is ended by the keyboard alone, and the focus is where the work goes on', async () => {
  await world.open('alice', '/my-account')
  const { page } = await world.open('admin')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the page')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate('document.activeElement.id'), 'page')
  const end = page.getByRole('row').filter({ hasText: 'alice' }).first().getByRole('button')
  await end.waitFor()
  for (let tabs = 0; tabs < 200; tabs += 1) {
    if (await end.evaluate((button) => button === document.activeElement)) break
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  const inDialog = 'document.activeElement.closest("dialog") !== null'
  assert.equal(await page.evaluate(inDialog), true)
  // Nobody has said why, so Enter alone records no theft.
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByText('Choose why').waitFor()
  await page.keyboard.press('Space')
  await page.keyboard.press('Enter')
  await page.getByText(/^Refused everywhere/).waitFor()
  assert.equal(await page.evaluate(inDialog), true)
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
})

test('the first load is small', async () => {
  const { page } = await world.open('admin', '/my-account')
  const response = await page.goto(`${world.system.endpoints.identity}/console/`)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  const loaded = (await page.evaluate(
    `performance.getEntriesByType('resource').filter(({ name }) => /\\/console\\//.test(name))
      .map(({ name, encodedBodySize }) => [name, encodedBodySize])`,
  )) as readonly (readonly [name: string, bytes: number])[]
  const bytes = loaded.reduce((sum, [, size]) => sum + size, 0)
  assert.ok(loaded.length >= 3, 'script, style and mark')
  assert.ok(bytes > 10_000 && bytes < compressedBytesMax, `${bytes} bytes`)
  const policy = response?.headers()['content-security-policy'] ?? ''
  assert.match(policy, /script-src 'self';.*require-trusted-types-for 'script'/)
  assert.doesNotMatch(policy, /unsafe/)
})
