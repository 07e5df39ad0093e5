import assert from 'node:assert/strict'
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createLog, StartError } from '@portcullis/runtime'
import { startGatewayFromFile } from '../src/index.ts'
import type { FileWorld } from './file-world.ts'
import { open, startFileWorld } from './file-world.ts'
import { ask } from './http-client.ts'
import { startRecorder } from './recorder.ts'

/** `/first` is there at first, and `/second` by the file that the test writes later. */
async function startFollowed(
  t: TestContext,
): Promise<FileWorld & { readonly first: object; readonly second: object }> {
  const service = await startRecorder()
  t.after(service.close)
  const [first, second] = ['/first', '/second'].map((match) => ({
    routes: [open(match, [service.origin])],
  }))
  assert.ok(first && second)
  return { ...(await startFileWorld(t, first)), first, second }
}

async function served({ gateway: { port } }: FileWorld): Promise<string> {
  const paths = ['/first', '/second']
  const answers = await Promise.all(paths.map((path) => ask(port, { path })))
  return paths.filter((_path, at) => answers[at]?.status === 200).join()
}

test('a file that has changed is in force once it stands still, and is said', async (t) => {
  const world = await startFollowed(t)
  await world.tick()
  assert.equal(await served(world), '/first')
  world.write(world.second)
  await world.tick()
  assert.equal(await served(world), '/first', 'it could be half of something')
  await world.tick()
  assert.equal(await served(world), '/second')
  assert.match(world.log(), /"routes":1,"msg":"the settings file is in force"/)
  assert.equal(await world.warnings(), undefined)
})

/** What leaves no sound file behind, and what the log says of it. */
const bad: Readonly<Record<string, readonly [break_: (world: FileWorld) => void, said: RegExp]>> = {
  'not JSON': [({ path }) => writeFileSync(path, 'routes: []'), /is not JSON/],
  empty: [({ path }) => writeFileSync(path, ''), /is not JSON/],
  'half written': [({ path }) => truncateSync(path, readFileSync(path).length - 20), /is not JSON/],
  deleted: [({ path }) => unlinkSync(path), /it cannot be read \(ENOENT\)/],
  'a folder': [
    ({ path }) => {
      unlinkSync(path)
      mkdirSync(path)
    },
    /it cannot be read \(EISDIR\)/,
  ],
  mistaken: [
    ({ write }) => write({ routes: [{ match: '/a*', to: ['x'] }], nonsense: 1 }),
    /4 mistakes.*\/nonsense is not a known setting.*\/routes\/0\/match.*\/routes\/0\/to\/0/s,
  ],
  'without its client file': [
    ({ write }) => write({ clientFile: '/nowhere', routes: [open('/a', ['http://a'])] }),
    /\/nowhere cannot be read/,
  ],
}

test('a bad file leaves the one before in force, says so, and a good one ends that', async (t) => {
  assert.ok(Object.keys(bad).length >= 7)
  for (const [name, [breakFile, said]] of Object.entries(bad)) {
    const world = await startFollowed(t)
    breakFile(world)
    await world.tick()
    await world.tick()
    assert.equal(await served(world), '/first', name)
    assert.match(world.log(), said, name)
    assert.match(world.log(), /the settings file is not taken: the settings before it stay/, name)
    assert.deepEqual(await world.warnings(), ['settings-file-refused'], name)
    assert.match(await world.metrics(), /^portcullis_gateway_warnings 1$/m, name)
    for (let look = 0; look < 5; look += 1) await world.tick()
    assert.equal(world.log().match(/is not taken/g)?.length, 1, `${name}: said each time`)

    if (name === 'a folder') rmSync(world.path, { recursive: true })
    world.write(world.second)
    await world.tick()
    await world.tick()
    assert.equal(await served(world), '/second', name)
    assert.match(world.log(), /the settings file is sound again/, name)
    assert.equal(await world.warnings(), undefined, name)
    assert.match(await world.metrics(), /^portcullis_gateway_warnings 0$/m, name)
  }
})

test('a file that is bad and comes back as it was is sound again', async (t) => {
  const world = await startFollowed(t)
  unlinkSync(world.path)
  await world.tick()
  await world.tick()
  world.write(world.first)
  await world.tick()
  await world.tick()
  assert.equal(await world.warnings(), undefined)
  assert.equal(await served(world), '/first')
})

test('a file that is written in pieces is taken when it is whole, without a word before', async (t) => {
  const world = await startFollowed(t)
  world.write(world.second)
  const whole = readFileSync(world.path, 'utf8')
  for (let end = 10; end < whole.length; end += 20) {
    writeFileSync(world.path, whole.slice(0, end))
    await world.tick()
  }
  assert.equal(await served(world), '/first')
  writeFileSync(world.path, whole)
  await world.tick()
  await world.tick()
  assert.equal(await served(world), '/second')
  assert.doesNotMatch(world.log(), /not taken/)
})

test('a file that an editor replaces is followed, and one replaced after it', async (t) => {
  const world = await startFollowed(t)
  for (const wanted of [world.second, world.first, world.second]) {
    world.write(wanted)
    const copy = readFileSync(world.path)
    unlinkSync(world.path)
    const beside = join(world.folder, '.gateway.json.swp')
    writeFileSync(beside, copy)
    renameSync(beside, world.path)
    await world.tick()
    await world.tick()
  }
  assert.equal(await served(world), '/second')
  assert.equal(world.log().match(/is in force/g)?.length, 3)
})

// Kubernetes: the file is a link into `..data`, which is a link to a folder that is exchanged for another.
test('a file behind links that are exchanged is followed', async (t) => {
  const { second, ...world } = await startFollowed(t)
  const text = readFileSync(world.path)
  unlinkSync(world.path)
  const link = join(world.folder, '..data')
  for (const version of ['..1', '..2']) mkdirSync(join(world.folder, version))
  writeFileSync(join(world.folder, '..1', 'gateway.json'), text)
  symlinkSync('..1', link)
  symlinkSync('..data/gateway.json', world.path)
  await world.tick()
  await world.tick()
  assert.equal(await served({ ...world }), '/first')

  const file = { listen: { port: 0 }, operations: { port: 0 }, issuer: 'https://id.example' }
  writeFileSync(join(world.folder, '..2', 'gateway.json'), JSON.stringify({ ...file, ...second }))
  symlinkSync('..2', `${link}_tmp`)
  renameSync(`${link}_tmp`, link)
  rmSync(join(world.folder, '..1'), { recursive: true })
  await world.tick()
  await world.tick()
  assert.equal(await served({ ...world }), '/second')
  assert.doesNotMatch(world.log(), /not taken/)
})

test('told to, the gateway takes the file at once, and a bad one is said at once', async (t) => {
  const world = await startFollowed(t)
  world.write(world.second)
  await world.gateway.reload()
  assert.equal(await served(world), '/second')
  writeFileSync(world.path, '{')
  await world.gateway.reload()
  assert.equal(await served(world), '/second')
  assert.match(world.log(), /"level":50.*is not taken/)
  assert.deepEqual(await world.warnings(), ['settings-file-refused'])
  world.write(world.first)
  await world.gateway.reload()
  assert.equal(await served(world), '/first')
  assert.equal(await world.warnings(), undefined)
})

test('what waits for a restart is said by name, and the rest is in force', async (t) => {
  const world = await startFollowed(t)
  const { port } = world.gateway
  const listen = { host: '127.0.0.2', port: port === 9999 ? 9998 : 9999 }
  const limits = { headerBytes: 2048, bodyBytes: 5 }
  world.write({ ...world.second, listen, limits, operations: { port: 9 } })
  await world.gateway.reload()
  assert.equal(await served(world), '/second')
  const body = '123456'
  assert.equal((await ask(port, { path: '/second', method: 'POST', body })).status, 413)
  const named = '["/listen/host","/listen/port","/operations","/limits/headerBytes"]'
  assert.ok(world.log().includes(`"needsRestart":${named}`), world.log())
  assert.deepEqual(await world.warnings(), ['restart-needed'])
  world.write(world.second)
  await world.gateway.reload()
  assert.equal(await world.warnings(), undefined)
})

test('by itself it looks each second', async (t) => {
  const world = await startFollowed(t)
  const lines: string[] = []
  const log = createLog({ name: 'gateway', destination: { write: (line) => lines.push(line) } })
  const timed = await startGatewayFromFile(world.path, { log })
  t.after(timed.close)
  world.write(world.second)
  const startedMs = performance.now()
  while (!lines.join('').includes('is in force')) {
    assert.ok(performance.now() - startedMs < 5000, 'it was not looked at')
    await setTimeout(20)
  }
  assert.equal((await ask(timed.port, { path: '/second' })).status, 200)
})

test('a first file that is bad is a StartError', async (t) => {
  const { path } = await startFollowed(t)
  writeFileSync(path, '{')
  const log = createLog({ name: 'gateway', destination: { write: () => undefined } })
  await assert.rejects(startGatewayFromFile(path, { log }), StartError)
  unlinkSync(path)
  await assert.rejects(startGatewayFromFile(path, { log }), StartError)
})
