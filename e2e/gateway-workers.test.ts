import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createTestIssuer } from '@portcullis/verify/testing'
import { newFolder, removeFolder, runPortcullis } from './running-system.ts'
import type { Client, WorkersWorld } from './workers-world.ts'
import { linesOf, openClient, startWorkers, valueOf } from './workers-world.ts'

const routes = (to: readonly string[], members: object = {}): object => ({
  routes: [{ match: '/*', to, auth: { mode: 'none' }, ...members }],
})
const counted = 'portcullis_http_request_duration_seconds_count'
const servedSeries = `${counted}{method="GET",route="/*",status="200"}`

/** Two clients a worker, in the order in which the workers got them. */
async function clientsOfEach(world: WorkersWorld, workers: number): Promise<Map<number, Client[]>> {
  const found = new Map<number, Client[]>()
  for (let at = 0; at < workers * 2; at += 1) {
    const client = openClient(world.port)
    const id = `client-${at}`
    await client.ask('/whose', { 'X-Request-Id': id })
    await world.untilSaid(new RegExp(`"requestId":"${id}"`))
    const line = linesOf(world.run).find(({ requestId }) => requestId === id)
    const worker = Number(line?.['worker'])
    found.set(worker, [...(found.get(worker) ?? []), client])
  }
  return found
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const startedMs = performance.now()
  while (!(await isSo())) {
    assert.ok(performance.now() - startedMs < 20_000, what)
    await setTimeout(20)
  }
}

test('workers share the requests of one port, and what they count adds up', async (t) => {
  const world = await startWorkers(t, { workers: 3, file: (to) => routes(to) })
  const clients = await clientsOfEach(world, 3)
  assert.deepEqual(
    [1, 2, 3].map((worker) => clients.get(worker)?.length),
    [2, 2, 2],
  )
  for (const client of [...clients.values()].flat()) {
    for (let round = 0; round < 20; round += 1) assert.equal(await client.ask('/a'), '200 /a')
    client.close()
  }
  const metrics = await world.metrics()
  assert.equal(valueOf(metrics, servedSeries), 6 + 6 * 20)
  assert.equal(valueOf(metrics, 'portcullis_gateway_workers'), 3)
  assert.equal(valueOf(metrics, 'portcullis_gateway_requests_under_way'), 0)
  assert.equal(valueOf(metrics, 'portcullis_gateway_warnings'), 0)
  // Those of the three: the primary itself is not a part of it.
  assert.ok(valueOf(metrics, 'process_resident_memory_bytes') > 3 * 30_000_000)
  assert.deepEqual(await world.readiness(), { status: 'ok' })
  const page = readFileSync(new URL('../docs/metrics.md', import.meta.url), 'utf8')
  const ours = Array.from(metrics.matchAll(/^# TYPE (portcullis_\w+) /gm), ([, name]) => name)
  assert.ok(ours.length > 8)
  for (const name of ours) assert.ok(page.includes(`\`${name}\``), `${name} is not documented`)
})

test('a worker that is killed takes nobody with it but its own, and another takes its place', async (t) => {
  const world = await startWorkers(t, { workers: 2, file: (to) => routes(to) })
  const clients = await clientsOfEach(world, 2)
  const others = clients.get(2) ?? []
  const before = valueOf(await world.metrics(), servedSeries)
  assert.equal(before, 4)
  const over = new AbortController()
  t.after(() => over.abort())
  const counts = { served: 0, failed: 0, fresh: 0, freshFailed: 0 }
  const traffic = others.map(async (client) => {
    while (!over.signal.aborted) {
      await client.ask('/a').then(
        () => (counts.served += 1),
        () => (counts.failed += 1),
      )
    }
  })
  process.kill(world.pidOf(1), 'SIGKILL')
  await world.untilSaid(/"worker":1,"how":"SIGKILL".*a worker has ended/)
  // New connections go to those that are there.
  for (let round = 0; round < 20; round += 1) {
    const client = openClient(world.port)
    await client.ask('/a').then(
      () => (counts.fresh += 1),
      () => (counts.freshFailed += 1),
    )
    client.close()
  }
  await world.untilSaid(/another worker is in its place/)
  await until(async () => (await world.readiness()).warnings === undefined, 'it is not back')
  over.abort()
  await Promise.all(traffic)
  assert.deepEqual([counts.failed, counts.fresh, counts.freshFailed], [0, 20, 0])
  assert.ok(counts.served > 20, `only ${counts.served} were served`)
  const again = await clientsOfEach(world, 2)
  assert.deepEqual([again.get(1)?.length, again.get(2)?.length], [2, 2])
  const metrics = await world.metrics()
  assert.equal(valueOf(metrics, 'portcullis_gateway_worker_ends_total'), 1)
  // Those of the one that was killed too, as far as it had told them.
  assert.equal(valueOf(metrics, servedSeries), before + counts.served + counts.fresh + 4)
  for (const client of [...clients.values(), ...again.values()].flat()) client.close()
})

test('SIGHUP gives all workers the new file at one moment, without a failed request, or none of them', async (t) => {
  const world = await startWorkers(t, {
    workers: 2,
    service: (request, response) => setImmediate(() => response.end(request.url)),
    file: (to) => routes(to, { rewrite: '/0/*' }),
  })
  const clients = [...(await clientsOfEach(world, 2)).values()].flat()
  const over = new AbortController()
  t.after(() => over.abort())
  /** When which version was answered, for each answer. */
  const seen: { readonly version: number; readonly askedMs: number; readonly atMs: number }[] = []
  const wrong: string[] = []
  const traffic = clients.map(async (client) => {
    while (!over.signal.aborted) {
      const askedMs = performance.now()
      const answer = await client.ask('/a').catch(String)
      const version = /^200 \/(\d+)\/a$/.exec(answer)?.[1]
      if (version === undefined) wrong.push(answer)
      else seen.push({ version: Number(version), askedMs, atMs: performance.now() })
    }
  })
  const versions = 8
  for (let version = 1; version <= versions; version += 1) {
    world.write(routes(world.to, { rewrite: `/${version}/*` }))
    world.run.child.kill('SIGHUP')
    await world.untilSaid(/the settings file is in force/, version)
    await setTimeout(50)
  }
  // One that no worker can take, although it is well written.
  world.write({ ...routes(world.to, { rewrite: '/9/*' }), clientFile: 'nowhere.json' })
  world.run.child.kill('SIGHUP')
  await world.untilSaid(/nowhere\.json cannot be read.*the settings file is not taken/)
  await setTimeout(50)
  assert.deepEqual((await world.readiness()).warnings, ['settings-file-refused'])
  assert.equal(valueOf(await world.metrics(), 'portcullis_gateway_warnings'), 1)
  over.abort()
  await Promise.all(traffic)
  for (const client of clients) client.close()
  assert.deepEqual(wrong, [])
  assert.equal(seen.at(-1)?.version, versions)
  for (let version = 1; version <= versions; version += 1) {
    const newest = seen.find((one) => one.version === version)
    assert.ok(newest !== undefined, `nobody has seen version ${version}`)
    const late = seen.filter((one) => one.version < version && one.askedMs > newest.atMs)
    const behindMs = Math.max(0, ...late.map(({ askedMs }) => askedMs - newest.atMs))
    assert.ok(behindMs < 150, `an old route served ${behindMs} ms after a new one`)
  }
  t.diagnostic(`${seen.length} requests over ${versions} files`)
})

test('a revocation reaches every worker, and each keeps what it knows in a file of its own', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const world = await startWorkers(t, {
    workers: 2,
    file: (to) => ({
      issuer: issuer.issuer,
      revocation: { stateFile: 'revocations' },
      ...routes(to, { auth: { audience: 'orders' } }),
    }),
  })
  await until(async () => (await world.readiness()).status === 'ok', 'it is not ready')
  assert.equal(issuer.feedRequests.keys, 2)
  const clients = await clientsOfEach(world, 2)
  assert.equal(clients.size, 2)
  const sid = 'A'.repeat(22)
  const authorization = `Bearer ${issuer.mint({ sid })}`
  const statuses = async (): Promise<readonly string[]> =>
    Promise.all(
      [...clients.values()]
        .flat()
        .map(async (client) => (await client.ask('/a', { authorization })).slice(0, 3)),
    )
  assert.deepEqual(await statuses(), ['200', '200', '200', '200'])
  issuer.revoke({ sid })
  await until(async () => (await statuses()).every((status) => status === '401'), 'it still passes')
  assert.ok(valueOf(await world.metrics(), 'portcullis_follower_seq') > 0)
  for (const client of [...clients.values()].flat()) client.close()
  world.run.child.kill('SIGTERM')
  assert.equal(await world.run.ended, 0)
  for (const name of ['revocations', 'revocations.2']) {
    assert.ok(readFileSync(join(world.folder, name)).length > 100, name)
  }
})

test('a file that cannot be taken leaves workers the keys and the feed of the one before it', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const fileOf = (to: readonly string[], maxStalenessSeconds: number): object => ({
    issuer: issuer.issuer,
    revocation: { maxStalenessSeconds },
    ...routes(to, { auth: { audience: 'orders' } }),
  })
  const world = await startWorkers(t, { workers: 2, file: (to) => fileOf(to, 30) })
  world.write(fileOf(world.to, 31))
  world.run.child.kill('SIGHUP')
  await world.untilSaid(/the settings file is in force/)
  world.write({ ...fileOf(world.to, 32), clientFile: 'nowhere.json' })
  world.run.child.kill('SIGHUP')
  await world.untilSaid(/nowhere\.json cannot be read.*the settings file is not taken/)
  const clients = [...(await clientsOfEach(world, 2)).values()].flat()
  const sid = 'A'.repeat(22)
  const authorization = `Bearer ${issuer.mint({ sid })}`
  const statuses = async (): Promise<readonly string[]> =>
    Promise.all(
      clients.map(async (client) => (await client.ask('/a', { authorization })).slice(0, 3)),
    )
  assert.deepEqual(await statuses(), ['200', '200', '200', '200'])
  issuer.revoke({ sid })
  await until(async () => (await statuses()).every((status) => status === '401'), 'it still passes')
  for (const client of clients) client.close()
})

test('a stop lets the requests of each worker end, and takes nothing more', async (t) => {
  const waiting: ServerResponse[] = []
  const world = await startWorkers(t, {
    workers: 2,
    service: (request, response) => {
      if (request.url === '/slow') waiting.push(response)
      else response.end()
    },
    file: (to) => ({ ...routes(to), stop: { drainSeconds: 20 } }),
  })
  const clients = [...(await clientsOfEach(world, 2)).values()].flat()
  const answers = clients.map((client) => client.ask('/slow'))
  await until(async () => waiting.length === 4, 'the requests did not get there')
  const pids = [world.pidOf(1), world.pidOf(2)]
  world.run.child.kill('SIGTERM')
  await until(async () => (await world.readiness()).status === 'not-ready', 'it is still ready')
  const isRefused = (): Promise<boolean> =>
    openClient(world.port)
      .ask('/')
      .then(
        () => false,
        () => true,
      )
  // One that comes just as the last worker stops listening waits until the end: the next one tells.
  await until(() => Promise.race([isRefused(), setTimeout(1000, false)]), 'it takes more')
  for (const response of waiting) response.end('late')
  assert.deepEqual(await Promise.all(answers), Array(4).fill('200 late'))
  assert.equal(await world.run.ended, 0, world.run.errors())
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), /ESRCH/)
})

test('a gateway of workers that cannot start says why once, and exits as one without', async (t) => {
  const folder = newFolder()
  t.after(() => removeFolder(folder))
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const to = ['http://127.0.0.1:9']
  const path = join(folder, 'portcullis.gateway.json')
  const failures = {
    [`the gateway cannot listen on 127.0.0.1:${port}: the port is in use`]: { listen: { port } },
    'nowhere.json cannot be read': { clientFile: 'nowhere.json' },
    '/nonsense is not a known': { nonsense: 1 },
  }
  for (const [reason, members] of Object.entries(failures)) {
    const base = { listen: { port: 0 }, issuer: 'https://id.example' }
    writeFileSync(path, JSON.stringify({ ...base, ...routes(to), ...members }))
    const run = runPortcullis(['gateway', '--workers', '2'], { folder })
    assert.equal(await run.ended, 1)
    assert.equal(run.errors().split(reason).length, 2, run.errors())
    assert.doesNotMatch(run.errors(), /^\s+at /m)
  }
  for (const count of ['0', '-1', 'many', '257']) {
    assert.equal(await runPortcullis(['gateway', '--workers', count], { folder }).ended, 2, count)
  }
})

test('workers that end again and again are given up, with their reason', async (t) => {
  const world = await startWorkers(t, {
    workers: 2,
    file: (to) => ({ ...routes(to), clientFile: 'client.json' }),
    files: { 'client.json': '{"client_id":"a","client_secret":"b"}' },
  })
  rmSync(join(world.folder, 'client.json'))
  process.kill(world.pidOf(1), 'SIGKILL')
  assert.equal(await world.run.ended, 1)
  assert.match(
    world.run.errors(),
    /^worker 1 ends again and again: .*client\.json cannot be read \(ENOENT\)\nCreate it/,
  )
  const ends = linesOf(world.run).filter(({ msg }) => msg === 'a worker has ended')
  assert.deepEqual(
    ends.map(({ worker, restartMs }) => [worker, restartMs]),
    [200, 400, 800, 1600, 3200, undefined].map((ms) => [1, ms]),
  )
})

test('workers do not outlive their primary', async (t) => {
  const world = await startWorkers(t, { workers: 2, file: (to) => routes(to) })
  const pids = [world.pidOf(1), world.pidOf(2)]
  world.run.child.kill('SIGKILL')
  await until(async () => pids.every(isGone), 'a worker is still there')
})

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
