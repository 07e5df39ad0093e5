import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { untilItWorks } from './patience.ts'
import type { RunningSystem } from './running-system.ts'
import { bearer, postJson, removeFolder, startSystem } from './running-system.ts'

let system: RunningSystem

before(async () => {
  system = await startSystem()
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

async function scrape(readyUrl: string): Promise<string> {
  const response = await fetch(new URL('/metrics', readyUrl))
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  return response.text()
}

const ofIdentity = (): Promise<string> => scrape(system.endpoints.operations)

function ofGateway(): Promise<string> {
  const file = readFileSync(join(system.folder, '.portcullis', 'gateway.json'), 'utf8')
  const { operations } = JSON.parse(file) as { readonly operations: { readonly port: number } }
  return scrape(`http://127.0.0.1:${operations.port}`)
}

/** The value of one series; 0 where there is none. */
function valueOf(exposition: string, series: string): number {
  const line = exposition.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1) ?? 0)
}

/** Each with its kind. */
function familiesIn(exposition: string): readonly string[] {
  const found = Array.from(
    exposition.matchAll(/^# TYPE (portcullis_\w+ \w+)$/gm),
    ([, name = '']) => name,
  )
  assert.ok(found.length > 0)
  return found
}

/** Requests to orders through the gateway. */
function served(status: number): string {
  return `portcullis_http_request_duration_seconds_count{method="GET",route="/orders/*",status="${status}"}`
}

test('a login, a logout, and requests that are served and refused are counted where they were answered', async () => {
  const logins =
    'portcullis_http_request_duration_seconds_count{method="POST",route="/login",status="200"}'
  const ended = 'portcullis_audit_events_total{kind="session-ended"}'
  const earlier = await ofIdentity()
  const token = await system.signIn('alice')
  const orders = `${system.endpoints.gateway}/orders`
  assert.equal((await fetch(orders, { headers: bearer(token) })).status, 200)
  assert.equal((await fetch(orders, { headers: bearer(`${token}x`) })).status, 401)
  await postJson(`${system.endpoints.identity}/logout`, {}, bearer(token))
  const later = await ofIdentity()
  assert.equal(valueOf(later, logins), valueOf(earlier, logins) + 1)
  assert.equal(valueOf(later, ended), valueOf(earlier, ended) + 1)
  const gateway = await ofGateway()
  assert.equal(valueOf(gateway, served(200)), 1)
  assert.equal(valueOf(gateway, served(401)), 1)
  assert.match(
    gateway,
    /^portcullis_http_refusals_total\{route="\/orders\/\*",reason="[a-z-]+"\} 1$/m,
  )
  for (const exposition of [later, gateway]) assert.ok(!exposition.includes(token.slice(0, 40)))
})

test('the gateway and the services follow, and it can be seen how far', async () => {
  const seqOf = async (): Promise<number> => valueOf(await ofGateway(), 'portcullis_follower_seq')
  // The gateway and two services, as soon as each of them has begun and a beat has come after the last revocation.
  await untilItWorks(async () => {
    const identity = await ofIdentity()
    const seq = valueOf(identity, 'portcullis_revocation_log_seq')
    assert.equal(valueOf(identity, 'portcullis_feed_streams'), 3)
    assert.ok(seq > 0)
    assert.equal(await seqOf(), seq)
  })
  const gateway = await ofGateway()
  assert.equal(valueOf(gateway, 'portcullis_follower_is_fresh'), 1)
  const ageSeconds =
    Date.now() / 1000 - valueOf(gateway, 'portcullis_follower_checkpoint_timestamp_seconds')
  assert.ok(ageSeconds < 10, `the checkpoint is ${ageSeconds} s old`)
})

test('whatever a client makes up for a method or a path is one series', async () => {
  for (const method of ['BREW', 'WHEN', 'PROPFIND']) {
    await fetch(`${system.endpoints.identity}/${method}-${Math.random()}`, { method }).then(
      (response) => response.text(),
      () => undefined,
    )
  }
  const identity = await ofIdentity()
  assert.ok(!identity.includes('BREW'))
  const routes = new Set(Array.from(identity.matchAll(/route="([^"]*)"/g), ([, route]) => route))
  assert.ok(![...routes].some((route) => route?.includes('PROPFIND-')))
})

test('docs/metrics.md has every metric of identity and the gateway with its kind and its labels, and none that is not there', async () => {
  const page = readFileSync(new URL('../docs/metrics.md', import.meta.url), 'utf8')
  const rows = Array.from(
    page.matchAll(/^\| `(portcullis_\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|/gm),
  )
  const expositions = { identity: await ofIdentity(), gateway: await ofGateway() }
  for (const [process, exposition] of Object.entries(expositions)) {
    // Those of workers are held against workers, in their own test.
    const documented = rows
      .filter(([, , , , of = '']) => of.split(', ').includes(process))
      .map(([, name = '', kind = '']) => `${name} ${kind}`)
    assert.deepEqual(documented.toSorted(), familiesIn(exposition).toSorted(), process)
    for (const [, name = '', , labels = ''] of rows) {
      const told = labelsIn(exposition, name)
      if (told === undefined) continue
      const written = Array.from(labels.matchAll(/`(\w+)`/g), ([, label = '']) => label)
      assert.deepEqual(told.toSorted(), written.toSorted(), name)
    }
  }
})

/** Of the first series of a metric; undefined where there is none yet. */
function labelsIn(exposition: string, name: string): readonly string[] | undefined {
  const series = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(exposition)
  if (series === null) return undefined
  return Array.from((series[1] ?? '').matchAll(/(\w+)="/g), ([, label = '']) => label)
}

test('the public listeners know nothing of it', async () => {
  for (const endpoint of [system.endpoints.identity, system.endpoints.gateway]) {
    assert.equal((await fetch(`${endpoint}/metrics`)).status, 404)
  }
})
