import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, test } from 'node:test'
import type { Page, Route } from 'playwright-core'
import { root } from '../../tools/source-tree.ts'
import type { ConsoleTab, ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld
let admin: ConsoleTab
/** Beside those of the system: a second process of orders, which refuses by itself after 3 s without the feed. */
let second: ChildProcess
/** Where the wave is shown that the second process did not live to see. */
let ofKilled: ConsoleTab

before(async () => {
  world = await startConsoleWorld()
  second = startSecondOrders(world)
  admin = await world.open('admin', '/console/#/revocations')
  await admin.page.getByText('4 followers, all are up to date').waitFor()
})

after(async () => {
  second?.kill('SIGKILL')
  await world?.close()
})

test('who follows is shown live, and each revocation leads to its wave', async () => {
  const { page, errors, judge } = admin
  await judge('revocations')
  await inEachWay(page, () => judge('revocations-phone'))
  const orders = page.getByRole('row').filter({ hasText: 'orders-service' })
  const names = await orders.locator('.follower-name').allInnerTexts()
  assert.equal(new Set(names).size, 2, 'two processes of one service are told apart')
  for (const name of ['gateway', 'reviews-service']) {
    await page.getByRole('row').filter({ hasText: name }).first().waitFor()
  }
  await page.getByLabel('Show').selectOption('behind')
  await page.getByText('None of the followers is like that.').waitFor()

  await endSessionOf(page, 'alice')
  await page.getByText(/^Refused everywhere within \d+\sms$/).waitFor()
  await page.getByText(/^Revoked at .* All 4 services that follow refuse it since /).waitFor()
  const [said, ...more] = (await saidAloud(page)).filter((text) => text !== 'Telling every service')
  assert.match(said ?? '', /^Refused everywhere/)
  assert.deepEqual(more, [], 'whoever listens is told once')
  await page.getByRole('dialog').getByRole('link', { name: 'Its page' }).click()
  await page.getByRole('heading', { name: 'How a revocation travelled' }).waitFor()
  await page.getByText(/^Refused everywhere within \d+\sms$/).waitFor()
  assert.equal(await page.getByRole('dialog').count(), 0, 'the dialog stays behind')
  await page.locator('.dot.applied').nth(3).waitFor()
  assert.equal(await page.locator('.dot').count(), 4)
  await page.getByText('The same as a table').click()
  assert.equal(await page.getByRole('row').filter({ hasText: 'refuses it' }).count(), 4)
  await page.locator('.facts').getByRole('link', { name: 'alice' }).waitFor()
  await page.locator('.facts').getByRole('link', { name: 'admin' }).waitFor()
  await page.locator('.facts').getByText('Stolen session').waitFor()
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await judge('wave')
  await inEachWay(page, async () => {
    await judge('wave-phone')
    assert.deepEqual(await touchingLabels(page), [])
  })

  await page.getByRole('link', { name: 'All revocations' }).click()
  await page.getByText('4 followers, all are up to date').waitFor()
  const seeWave = page.getByRole('link', { name: /See its wave/ }).first()
  await page
    .getByRole('row')
    .filter({ has: seeWave })
    .getByRole('link', { name: 'alice' })
    .waitFor()
  await seeWave.click()
  await page.getByText(/^Refused everywhere/).waitFor()
  assert.deepEqual(errors, [])
})

test('a service that does not answer is named, with the moment from which it refuses by itself', async () => {
  const orders = processOf(world.system.run.child.pid, 'orders')
  const { page, judge } = admin
  process.kill(orders, 'SIGSTOP')
  try {
    await endSessionOf(page, 'alice')
    const headline =
      /^3 of 4 services refuse it\. orders-service \S{6} has not said so: by .* it refuses by itself$/
    await page.getByText(headline).waitFor()
    const straggler = page.getByRole('listitem').filter({ hasText: 'refuses by itself at' })
    assert.match(await straggler.innerText(), /orders-service[^]* in \d+\ss[^]*last heard of at/)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await judge('straggler')
    process.kill(orders, 'SIGCONT')
    await page.getByText(/^Refused everywhere within \d/).waitFor()
  } finally {
    process.kill(orders, 'SIGCONT')
  }
})

test('a service that was killed before is named, with the moment by which nobody can be let in by it', async () => {
  second.kill('SIGKILL')
  ofKilled = await admin.another('/console/#/settings')
  const { page, judge } = ofKilled
  await endSessionOf(page, 'alice')
  const headline =
    /^3 of 4 services refuse it\. orders-service \S{6} has not said so: by .* it refuses by itself$/
  await page.getByText(headline).waitFor()
  await page.getByRole('link', { name: 'Its page' }).click()
  await page.getByText(headline).waitFor()
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await inEachWay(page, () => judge('killed-phone'))
})

test('while identity does not answer, what was known stays, and the wave goes on by itself', async () => {
  const { page, judge } = await admin.another('/console/#/revocations')
  let isAway = true
  await page.route('**/revocations/receipts/**', (route) =>
    isAway ? route.abort() : route.continue(),
  )
  // The one that everybody has.
  await page
    .getByRole('link', { name: /See its wave/ })
    .last()
    .click()
  await page.getByText('Identity does not answer').waitFor()
  await judge('wave-unreachable')
  isAway = false
  await page.getByText(/^Refused everywhere within/).waitFor()
  assert.equal(await page.getByText('Identity does not answer').count(), 0)

  await page.goto(
    `${world.system.endpoints.identity}/console/#/revocations/AAAAAAAAAAAAAAAAAAAAAA:1`,
  )
  await page.getByText('Nothing is known of it any more').waitFor()
  await judge('wave-gone')
})

test('two thousand followers are shown at once, and a wave through them is readable', async () => {
  const { page, errors, judge } = await admin.another('/console/#/settings')
  const fleet = pretendFleet(2_000)
  await page.route('**/admin/followers?**', (route) => answerPage(route, fleet))
  await page.route('**/admin/revocations?**', (route) => route.fulfill({ json: newestOfFleet }))
  await page.route('**/admin/revocations/*', (route) =>
    route.fulfill({ json: newestOfFleet.revocations[0] }),
  )
  await page.route('**/revocations/receipts/**', (route) =>
    route.fulfill({ json: fleetReceipts() }),
  )
  const startedAt = performance.now()
  await page.goto(`${world.system.endpoints.identity}/console/#/revocations`)
  await page.getByText('2,000 followers, 40 are behind').waitFor()
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs < 3_000, `${tookMs} ms`)
  assert.equal(await page.locator('.dots i').count(), 2_000)
  await page.getByText('7 not up to date').first().waitFor()
  await judge('fleet')
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .click()
  await page.getByText('1,990 of 2,000 services refuse it. 10 have not said so: by ').waitFor()
  await page.locator('.dot').nth(1_999).waitFor()
  assert.equal(await page.locator('.dot').count(), 2_000)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await judge('fleet-wave')
  await inEachWay(page, () => judge('fleet-wave-phone'))
  assert.deepEqual(errors, [])
})

test('where nobody follows, the page says so', async () => {
  const { page, judge } = await admin.another('/console/#/settings')
  await page.route('**/admin/followers?**', (route) => route.fulfill({ json: { followers: [] } }))
  const nobody = {
    committed_at: new Date().toISOString(),
    everywhere: true,
    applied: 0,
    unknown: 0,
    refusing: 0,
    latencies: [],
    followers: [],
  }
  await page.route('**/revocations/receipts/**', (route) => route.fulfill({ json: nobody }))
  await page.goto(`${world.system.endpoints.identity}/console/#/revocations`)
  await page.getByText('Nobody follows the revocations').waitFor()
  await judge('nobody-follows')
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .click()
  await page.getByText('no service had to be told').waitFor()
  await page.getByText('goes on until they expire').waitFor()
})

test('when the moment of the killed one has passed, the page that was left open says since when', async () => {
  const { page, errors, judge } = ofKilled
  await page.getByText(/^Refused everywhere since /).waitFor()
  await page
    .getByText(
      /^Revoked at .* 3 services said so within .* One has not, and refuses it by itself\.$/,
    )
    .waitFor()
  await page.getByRole('listitem').filter({ hasText: 'refuses by itself since' }).waitFor()
  await judge('killed-passed')
  assert.deepEqual(errors, [])
})

/** Its data are its own; the rest is as `npm start` gives it to the first. */
function startSecondOrders({ system }: ConsoleWorld): ChildProcess {
  const program = join(root, 'examples/orders/src/main.ts')
  return spawn(process.execPath, ['--conditions=@portcullis/source', program], {
    cwd: system.folder,
    env: {
      ...process.env,
      ORDERS_PORT: '0',
      ORDERS_ISSUER: system.endpoints.identity,
      ORDERS_CLIENT_FILE: join('.portcullis', 'orders-client.json'),
      ORDERS_DATABASE: 'second-orders.db',
      ORDERS_MAX_STALENESS_SECONDS: '3',
    },
    stdio: 'ignore',
  })
}

/** What the live region has said since the dialog was opened. */
async function saidAloud(page: Page): Promise<readonly string[]> {
  return (await page.evaluate('window.headlines')) as readonly string[]
}

/** Pairs of labels below the drawing that lie on each other. */
async function touchingLabels(page: Page): Promise<readonly string[]> {
  const boxes = (await page.evaluate(
    `[...document.querySelectorAll('.axis text')].map((one) => { const { left, right } = one.getBoundingClientRect(); return { text: one.textContent, left, right } })`,
  )) as readonly { readonly text: string; readonly left: number; readonly right: number }[]
  assert.ok(boxes.length >= 3, 'there are hardly any labels')
  return boxes.flatMap((one, at) => {
    const next = boxes[at + 1]
    return next !== undefined && next.left < one.right + 2 ? [`${one.text} ${next.text}`] : []
  })
}

async function endSessionOf(page: Page, identifier: string): Promise<void> {
  await (await world.open(identifier, '/my-account')).context.close()
  await page.goto(`${world.system.endpoints.identity}/console/#/overview`)
  await page.evaluate(listening)
  const row = page.getByRole('row').filter({ hasText: identifier }).first()
  await row.getByRole('button', { name: 'End' }).click()
  await page.getByRole('dialog').getByLabel('Stolen session').check()
  await page.getByRole('button', { name: 'End the session' }).click()
}

/** Keeps what the live region says, as somebody hears it. */
const listening = `{
  window.headlines = []
  new MutationObserver(() => {
    const text = document.querySelector('.headline')?.textContent ?? undefined
    if (text !== undefined && text !== window.headlines.at(-1)) window.headlines.push(text)
  }).observe(document.body, { subtree: true, childList: true, characterData: true })
}`

/** On a phone, in the dark. */
async function inEachWay(page: Page, look: () => Promise<void>): Promise<void> {
  await page.setViewportSize({ width: 360, height: 800 })
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  await look()
  const wider = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  assert.ok(wider <= 0, `${wider} pixels wider than the phone`)
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' })
}

/** Of the system that runs below this process. */
function processOf(parent: number | undefined, name: string): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')
  const found = children.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`/${name}/`),
  )
  assert.ok(found !== undefined, `no process of ${name}`)
  return Number(found)
}

const newestOfFleet = {
  revocations: [
    { position: 'e:1000000', kind: 'all', committed_at: new Date().toISOString(), reason: 'drill' },
  ],
}

interface PretendFollower {
  readonly client: string
  readonly follower: string
}

/** No page gets wider than its window by a name. */
const clientsOfFleet = [
  'edge-gateway-of-europe-west',
  'orders',
  'payments',
  'search',
  'relay-eu',
  'relay-us',
]

function pretendFleet(count: number): readonly PretendFollower[] {
  return Array.from({ length: count }, (_, at) => {
    const client = clientsOfFleet[Math.floor((at / count) * clientsOfFleet.length)] ?? 'orders'
    const follower = `f${at}`.padEnd(22, 'A')
    const now = new Date().toISOString()
    // The last ones are behind those before.
    const seq = at % 50 === 49 ? 990_000 : 1_000_000
    const times = { applied_at: now, reported_at: now, checkpoint_at: now }
    const software = { software: client.startsWith('relay') ? 'relay' : 'verify', version: '0.1.0' }
    return { client, follower, position: `e:${seq}`, ...times, ...software }
  })
}

/** As identity turns its pages. */
async function answerPage(route: Route, fleet: readonly PretendFollower[]): Promise<void> {
  const query = new URL(route.request().url()).searchParams
  const from = Number(query.get('after') ?? 0)
  const to = from + Number(query.get('limit'))
  const followers = fleet.slice(from, to)
  await route.fulfill({ json: { followers, ...(to < fleet.length && { next: String(to) }) } })
}

function fleetReceipts(): object {
  const committedAt = new Date().toISOString()
  const counts = [12, 90, 400, 900, 420, 130, 30, 8]
  const bounds = [5, 10, 20, 50, 100, 200, 500, 1000]
  const unknown = pretendFleet(10).map((one) => ({
    client: one.client,
    follower: one.follower,
    state: 'unknown',
    until: new Date(Date.now() + 60_000).toISOString(),
  }))
  const slowest = pretendFleet(190).map((one, at) => ({
    client: one.client,
    follower: `s${one.follower.slice(1)}`,
    state: 'applied',
    after_ms:
      at < 8 ? 640 - at * 9 : at < 38 ? 240 + at * 6 : at < 168 ? 105 + (at % 90) : 60 + (at % 30),
  }))
  return {
    committed_at: committedAt,
    everywhere: false,
    applied: 1_990,
    unknown: 10,
    refusing: 0,
    slowest_ms: 640,
    p50_ms: 34,
    p99_ms: 310,
    latencies: bounds.map((up_to_ms, at) => ({ up_to_ms, followers: counts[at] })),
    followers: [...unknown, ...slowest],
  }
}
