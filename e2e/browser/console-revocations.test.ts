import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Page, Route } from 'playwright-core'
import type { ConsoleWorld } from './console-world.ts'
import { startConsoleWorld } from './console-world.ts'

let world: ConsoleWorld

before(async () => {
  world = await startConsoleWorld()
})

after(() => world?.close())

test('who follows is shown live, and each revocation leads to its wave', async () => {
  await world.open('alice', '/my-account')
  const { page, errors, judge } = await world.open('admin')
  await endSessionOf(page, 'alice')
  await page.getByText(/Every service refuses it, after \d+ ms/).waitFor()
  await page.getByRole('dialog').getByRole('link', { name: 'Its page' }).click()
  await page.getByRole('heading', { name: 'How a revocation travelled' }).waitFor()
  await page.getByText(/Every service refuses it, after \d+ ms/).waitFor()
  assert.equal(await page.getByRole('dialog').count(), 0, 'the dialog stays behind')
  await page.locator('.dot.applied').nth(2).waitFor()
  assert.equal(await page.locator('.dot').count(), 3)
  await page.getByText('The same as a table').click()
  const rows = page.getByRole('row').filter({ hasText: 'refuses it' })
  assert.equal(await rows.count(), 3)
  await page.getByText('Stolen session').waitFor()
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await judge('wave')

  await page.getByRole('link', { name: 'All revocations' }).click()
  await page.getByText('3 followers, all are up to date').waitFor()
  for (const name of ['gateway', 'orders-service', 'reviews-service']) {
    await page.getByRole('row').filter({ hasText: name }).first().waitFor()
  }
  await judge('revocations')
  await inEachWay(page, () => judge('revocations-phone'))
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .click()
  await page.getByText(/Every service refuses it/).waitFor()
  await inEachWay(page, () => judge('wave-phone'))
  assert.deepEqual(errors, [])
})

test('a service that does not answer is named, with the moment from which it refuses by itself', async () => {
  const orders = processOf(world.system.run.child.pid, 'orders')
  await world.open('alice', '/my-account')
  const { page, judge } = await world.open('admin')
  process.kill(orders, 'SIGSTOP')
  try {
    await endSessionOf(page, 'alice')
    await page.getByText('2 followers refuse it, 1 has not said so yet').waitFor()
    const straggler = page.getByRole('listitem').filter({ hasText: 'refuses by itself at' })
    assert.match(await straggler.innerText(), /orders-service.* in \d+\ss/)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await judge('straggler')
    process.kill(orders, 'SIGCONT')
    await page.getByText(/Every service refuses it, after \d+ ms/).waitFor()
  } finally {
    process.kill(orders, 'SIGCONT')
  }
})

test('while identity does not answer, what was known stays, and the wave goes on by itself', async () => {
  const { page, judge } = await world.open('admin', '/console/#/revocations')
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .waitFor()
  let isAway = true
  await page.route('**/revocations/receipts/**', (route) =>
    isAway ? route.abort() : route.continue(),
  )
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .click()
  await page.getByText('Identity does not answer').waitFor()
  await judge('wave-unreachable')
  isAway = false
  await page.getByText(/Every service refuses it/).waitFor()
  assert.equal(await page.getByText('Identity does not answer').count(), 0)

  await page.goto(
    `${world.system.endpoints.identity}/console/#/revocations/AAAAAAAAAAAAAAAAAAAAAA:1`,
  )
  await page.getByText('Nothing is known of it any more').waitFor()
  await judge('wave-gone')
})

test('two thousand followers are shown at once, and a wave through them is readable', async () => {
  const { page, errors, judge } = await world.open('admin', '/console/#/settings')
  const fleet = pretendFleet(2_000)
  await page.route('**/admin/followers?**', (route) => answerPage(route, fleet))
  await page.route('**/admin/revocations?**', (route) => route.fulfill({ json: newestOfFleet }))
  await page.route('**/revocations/receipts/**', (route) =>
    route.fulfill({ json: fleetReceipts() }),
  )
  const startedAt = performance.now()
  await page.goto(`${world.system.endpoints.identity}/console/#/revocations`)
  await page.getByText('2,000 followers, 40 are behind').waitFor()
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs < 3_000, `${tookMs} ms`)
  assert.equal(await page.locator('.dots i').count(), 2_000)
  await judge('fleet')
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .click()
  await page.getByText('1,990 followers refuse it, 10 have not said so yet').waitFor()
  assert.equal(await page.locator('.dot').count(), 2_000)
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await judge('fleet-wave')
  await inEachWay(page, () => judge('fleet-wave-phone'))
  assert.deepEqual(errors, [])
})

test('where nobody follows, the page says so', async () => {
  const { page, judge } = await world.open('admin', '/console/#/settings')
  await page.route('**/admin/followers?**', (route) => route.fulfill({ json: { followers: [] } }))
  const nobody = { ...fleetReceipts(), everywhere: true, applied: 0, unknown: 0, followers: [] }
  await page.route('**/revocations/receipts/**', (route) => route.fulfill({ json: nobody }))
  await page.goto(`${world.system.endpoints.identity}/console/#/revocations`)
  await page.getByText('Nobody follows the revocations').waitFor()
  await judge('nobody-follows')
  await page
    .getByRole('link', { name: /See its wave/ })
    .first()
    .click()
  await page.getByText('no service had to be told').waitFor()
})

async function endSessionOf(page: Page, identifier: string): Promise<void> {
  const row = page.getByRole('row').filter({ hasText: identifier }).first()
  await row.getByRole('button', { name: 'End' }).click()
  await page.getByRole('button', { name: 'End the session' }).click()
}

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

const clientsOfFleet = ['edge-gateway', 'orders', 'payments', 'search', 'relay-eu', 'relay-us']

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
