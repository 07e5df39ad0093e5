import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { natsServer } from '../debian-packages.ts'
import type { PostgresServer } from '../postgres-server.ts'
import { root } from '../source-tree.ts'
import type { ComposeFile } from './compose.ts'
import { containerOf, namesOf, readCompose, readVariables } from './compose.ts'
import type { Container, Surroundings } from './containers.ts'
import {
  collect,
  makeSurroundings,
  runContainer,
  startContainer,
  stopContainer,
} from './containers.ts'
import { documentedLines } from './documented-lines.ts'
import type { Image } from './image.ts'
import type { DockerState } from './pretend-docker.ts'

const execute = promisify(execFile)

const healthySecondsMax = 40
/** `docker compose stop` waits so long, and then kills. */
const stopSecondsMax = 20

interface World {
  readonly composeFile: string
  readonly images: Readonly<Record<'portcullis' | 'orders', Image>>
  readonly surroundings: Surroundings
  readonly addresses: ReadonlyMap<string, string>
  readonly running: Map<string, { readonly child: ChildProcess; readonly errors: () => string }>
}

/** The lines of `docs/deployment.md` about compose, up to an order, and then the loss of a node. */
export async function checkCompose(
  images: World['images'],
  postgres: PostgresServer,
  parent: string,
): Promise<void> {
  const host = join(parent, 'host')
  cpSync(join(root, 'deploy'), join(host, 'deploy'), { recursive: true })
  const world = makeWorld(join(host, 'deploy', 'compose', 'compose.yaml'), images, parent)
  const before = contentsOf(images)
  try {
    const [setup = [], use = []] = documentedLines('Containers on one machine')
    let folder = host
    for (const line of setup) {
      const [, into] = /^cd (\S+)$/.exec(line) ?? []
      if (into !== undefined) folder = join(folder, into)
      else await carryOut(world, line, folder, postgres)
    }
    const answers: string[] = []
    for (const line of use) answers.push(await paste(world, line, folder))
    const [, , ordered = '', listed = ''] = answers
    assert.equal(JSON.parse(ordered).item, 'lamp')
    assert.deepEqual(
      JSON.parse(listed).orders.map(({ id }: { readonly id: string }) => id),
      [JSON.parse(ordered).id],
    )
    await loseNode(world, use, folder)
    await stopAll(world)
    assert.deepEqual(contentsOf(images), before, 'something was written into an image')
    process.stdout.write(
      `compose: ${setup.length + use.length} lines, ${world.running.size} containers\n`,
    )
  } catch (error) {
    for (const [name, { errors }] of world.running) process.stderr.write(`${name}: ${errors()}\n`)
    throw error
  } finally {
    for (const { child } of world.running.values()) child.kill('SIGKILL')
  }
}

function makeWorld(composeFile: string, images: World['images'], parent: string): World {
  const nobody = { PORTCULLIS_USER: '1:1', PORTCULLIS_SECRETS: '/' }
  const { services } = readCompose(composeFile, nobody)
  // So that two runs on one machine are not in each other's way.
  const net = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}`
  const addresses = new Map(
    Object.keys(services).map((name, place) => [name, `${net}.${place + 1}`]),
  )
  const names: Record<string, string[]> = {}
  for (const [name, service] of Object.entries(services)) {
    for (const each of namesOf(name, service)) (names[each] ??= []).push(addresses.get(name) ?? '')
  }
  assert.equal(names['identity.portcullis.internal']?.length, 2)
  const surroundings = makeSurroundings(names, parent)
  return { composeFile, images, surroundings, addresses, running: new Map() }
}

async function carryOut(
  world: World,
  line: string,
  folder: string,
  postgres: PostgresServer,
): Promise<void> {
  // The images are there.
  if (line.startsWith('docker compose build')) return
  const [, services] = /^docker compose up --detach --wait(.*)$/.exec(line) ?? []
  if (services === undefined) await paste(world, line, folder)
  else
    await up(
      world,
      services.split(' ').filter((name) => name !== ''),
    )
  if (line.includes('make-secrets.sh')) {
    // The server is another one than that of the file: it listens elsewhere.
    const path = join(folder, 'deploy', 'compose', 'secrets', 'database-url')
    assert.match(
      readFileSync(path, 'utf8'),
      /^postgres:\/\/portcullis:[0-9a-f]{64}@postgres\/portcullis\n$/,
    )
    writeFileSync(path, postgres.url)
  }
}

/** A line in a shell, in which `docker` is ours and the ports of this machine are those of the containers. */
async function paste(world: World, line: string, folder: string): Promise<string> {
  const { composeFile, images, surroundings, addresses } = world
  const programs = join(surroundings.folder, 'bin')
  mkdirSync(programs, { recursive: true })
  const state: DockerState = {
    composeFile,
    image: images.portcullis,
    surroundings,
    address: addresses.get('portcullis') ?? '',
  }
  const stateFile = join(programs, 'state.json')
  writeFileSync(stateFile, JSON.stringify(state))
  const docker = fileURLToPath(new URL('pretend-docker.ts', import.meta.url))
  const script = `#!/bin/sh\nexec '${process.execPath}' '${docker}' "$@"\n`
  writeFileSync(join(programs, 'docker'), script, { mode: 0o755 })
  const { stdout } = await execute('sh', ['-c', withAddresses(world, line)], {
    cwd: folder,
    timeout: 60_000,
    env: {
      ...process.env,
      PRETEND_DOCKER: stateFile,
      PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    },
  })
  return stdout
}

/** What a service publishes at 127.0.0.1 is at its own address. */
function withAddresses({ addresses }: World, line: string): string {
  return line
    .replaceAll('127.0.0.1:4000', `${addresses.get('identity-1')}:4000`)
    .replaceAll('127.0.0.1:4003', `${addresses.get('gateway')}:4003`)
}

async function up(world: World, named: readonly string[]): Promise<void> {
  const file = readCompose(
    world.composeFile,
    readVariables(join(dirname(world.composeFile), '.env')),
  )
  const all = Object.entries(file.services).filter(([, { profiles }]) => profiles === undefined)
  const wanted = named.length === 0 ? all.map(([name]) => name) : named
  // It runs already, and is not the one of the file.
  const started = wanted.filter((name) => name !== 'postgres' && !world.running.has(name))
  for (const name of started) start(world, file, name)
  await Promise.all(started.map((name) => untilHealthy(world, file, name)))
}

function start(world: World, file: ComposeFile, name: string): void {
  const address = world.addresses.get(name) ?? ''
  const container = describe(world, file, name)
  const child = startContainer(container, address, world.surroundings)
  world.running.set(name, { child, errors: collect(child).errors })
}

function describe(
  { composeFile, images, surroundings, addresses }: World,
  file: ComposeFile,
  name: string,
): Container {
  const { image } = file.services[name] ?? {}
  const described = (from: Image): Container =>
    containerOf(composeFile, file, name, from, surroundings.folder)
  if (image?.startsWith('portcullis:') === true) return described(images.portcullis)
  if (image?.startsWith('portcullis-orders:') === true) return described(images.orders)
  assert.ok(image?.startsWith('nats:'), `${image} is not known`)
  const program = natsServer.find() ?? ''
  const nats = described({ ...images.portcullis, entrypoint: [program] })
  return { ...nats, command: [...nats.command, '-a', addresses.get(name) ?? ''] }
}

/** As the engine asks: by the command of the image, in the container. */
async function untilHealthy(world: World, file: ComposeFile, name: string): Promise<void> {
  const container = describe(world, file, name)
  const image = container.mounts.get('/app') === world.images.orders.app ? 'orders' : 'portcullis'
  const [program = '', ...parameters] = world.images[image].healthcheck
  if (name === 'nats') return
  const deadline = performance.now() + healthySecondsMax * 1000
  while (performance.now() < deadline) {
    const { child, errors } = world.running.get(name) ?? {}
    assert.ok(child?.exitCode === null && child.signalCode === null, `${name} ended: ${errors?.()}`)
    const asking = {
      ...container,
      name: `${name}-health`,
      command: [program, ...parameters] as const,
    }
    const { code } = await runContainer(asking, world.addresses.get(name) ?? '', world.surroundings)
    if (code === 0) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${name} is not healthy after ${healthySecondsMax} s`)
}

/** The second node serves alone: a login, an order, and a logout that the gateway hears of. */
async function loseNode(world: World, use: readonly string[], folder: string): Promise<void> {
  const first = world.running.get('identity-1')
  assert.ok(first !== undefined)
  assert.equal(await stopContainer(first.child), 0, first.errors())
  const [, signIn = '', , list = ''] = use
  const second = `${world.addresses.get('identity-2')}:4000`
  await paste(world, signIn.replaceAll('127.0.0.1:4000', second), folder)
  await paste(world, list, folder)
  const logout = `curl -fsS -X POST --cacert secrets/ca.pem --connect-to identity.portcullis.internal:4000:${second} https://identity.portcullis.internal:4000/logout -H @secrets/alice.header`
  await paste(world, logout, folder)
  const deadline = performance.now() + 5000
  const status = list.replace('-fsS', '-sS -o /dev/null -w "%{http_code}"')
  for (;;) {
    const answered = await paste(world, status, folder)
    if (answered === '401') return
    assert.ok(performance.now() < deadline, `after the logout the gateway answers ${answered}`)
  }
}

async function stopAll(world: World): Promise<void> {
  const startedAt = performance.now()
  const children = [...world.running].filter(([name]) => name !== 'nats')
  const codes = await Promise.all(
    children.map(async ([name, { child }]) => [name, await stopContainer(child)] as const),
  )
  for (const [name, code] of codes) assert.equal(code, 0, `${name} stopped with ${code}`)
  assert.ok(performance.now() - startedAt < stopSecondsMax * 1000)
}

function contentsOf(images: World['images']): readonly string[] {
  return Object.values(images).flatMap(({ app }) =>
    globSync('**/*', { cwd: app }).map((path) => {
      const { mtimeMs, size } = statSync(join(app, path))
      return `${path} ${size} ${mtimeMs}`
    }),
  )
}
