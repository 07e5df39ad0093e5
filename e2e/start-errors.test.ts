import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import type { Variables } from './running-system.ts'
import { newFolder, removeFolder, runPortcullis, startSystem } from './running-system.ts'

let folder: string

before(() => {
  folder = newFolder()
})

after(() => removeFolder(folder))

interface Failure {
  readonly code: number | string
  readonly errors: string
}

async function failureOf(
  parameters: readonly string[],
  variables: Variables = {},
): Promise<Failure> {
  const run = runPortcullis(parameters, { folder, variables })
  const code = await run.ended
  return { code, errors: run.errors() }
}

/** Two lines for a person: what is wrong, and what to do. Never a stack. */
function assertExplained({ code, errors }: Failure, what: RegExp, remedy: RegExp): void {
  assert.equal(code, 1, errors)
  assert.match(errors, what)
  assert.match(errors, remedy)
  assert.doesNotMatch(errors, /^\s+at /m)
}

const sealingKey = randomBytes(32).toString('base64')
const pepper = randomBytes(32).toString('base64')

function settingsFile(changes: object = {}): string {
  const path = join(folder, 'identity.json')
  const settings = {
    issuer: 'http://localhost:4999',
    audiences: { orders: {} },
    listen: { port: 0 },
    operations: { port: 0 },
    database: `sqlite:${join(folder, 'store', 'identity.db')}`,
    ...changes,
  }
  writeFileSync(path, JSON.stringify(settings))
  return path
}

async function busyPort(): Promise<{ readonly port: number; readonly release: () => void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { port: address.port, release: () => server.close() }
}

test('a busy port is named, with the way out, and nothing is written', async () => {
  const { port, release } = await busyPort()
  const failure = await failureOf(['dev'], { PORTCULLIS_PORT_BASE: String(port) })
  release()
  assertExplained(failure, new RegExp(`${port}: the port is in use`), /PORTCULLIS_PORT_BASE/)
  assert.equal(existsSync(join(folder, '.portcullis')), false)
})

test('a port base that is no number is refused', async () => {
  const failure = await failureOf(['dev'], { PORTCULLIS_PORT_BASE: '4000x' })
  assertExplained(failure, /PORTCULLIS_PORT_BASE is "4000x"/, /0 for any free/)
})

test('a data folder that cannot be made is named', async () => {
  writeFileSync(join(folder, '.portcullis'), 'a file where a folder should be')
  const failure = await failureOf(['dev'], { PORTCULLIS_PORT_BASE: '0' })
  rmSync(join(folder, '.portcullis'))
  assertExplained(failure, /\.portcullis.* cannot be made/, /can write/)
})

test('identity wants its sealing key, and a real one', async () => {
  const identity = ['identity', '--config', settingsFile()]
  assertExplained(await failureOf(identity), /PORTCULLIS_SEALING_KEY is not set/, /openssl rand/)
  const wrong: Readonly<Record<string, RegExp>> = {
    short: /holds \d+ bytes instead of 32/,
    'changeme!': /is not base64/,
    [Buffer.alloc(32).toString('base64')]: /is a pattern/,
  }
  for (const [key, what] of Object.entries(wrong)) {
    const failure = await failureOf(identity, { PORTCULLIS_SEALING_KEY: key })
    assertExplained(failure, what, /openssl rand/)
    assert.ok(!failure.errors.includes(key), 'the error shows the secret')
  }
  const unpeppered = await failureOf(identity, { PORTCULLIS_SEALING_KEY: sealingKey })
  assertExplained(unpeppered, /PORTCULLIS_REFRESH_PEPPER is not set/, /openssl rand/)
  const missing = { PORTCULLIS_SEALING_KEY_FILE: join(folder, 'nowhere') }
  assertExplained(await failureOf(identity, missing), /cannot be read \(ENOENT\)/, /create it/)
})

test('a settings file is reported with every mistake at once, and the environment with it', async () => {
  const path = settingsFile({ issuer: 'ftp://x', audience: {}, audiences: { 'a b': {} } })
  const failure = await failureOf(['identity', '--config', path], {
    PORTCULLIS_LISTEN_PROT: '80',
  })
  assertExplained(
    failure,
    /3 mistakes[^]*\/audience is not a known setting[^]*\/issuer .*must be https[^]*did you mean PORTCULLIS_LISTEN_PORT[^]*SEALING_KEY is not set/,
    /Correct the file/,
  )
  const missing = await failureOf(['identity', '--config', join(folder, 'nowhere.json')])
  assertExplained(missing, /cannot be read \(ENOENT\)/, /Create it/)
  writeFileSync(join(folder, 'broken.json'), '{"issuer":')
  const broken = await failureOf(['gateway', '--config', join(folder, 'broken.json')])
  assertExplained(broken, /is not JSON/, /Correct the file/)
})

test('a corrupt database is named and left as it is', async () => {
  const path = join(folder, 'corrupt.db')
  writeFileSync(path, 'this is not a database, but it may be somebody’s only copy of something')
  const content = readFileSync(path)
  const file = settingsFile({ database: `sqlite:${path}` })
  const failure = await failureOf(['identity', '--config', file], {
    PORTCULLIS_SEALING_KEY: sealingKey,
    PORTCULLIS_REFRESH_PEPPER: pepper,
  })
  assertExplained(failure, /corrupt\.db cannot be used/, /restore a backup/)
  assert.deepEqual(readFileSync(path), content)
})

test('a database of a newer release is not touched', async () => {
  const path = join(folder, 'newer.db')
  const file = settingsFile({ database: `sqlite:${path}` })
  const bootstrap = ['bootstrap', '--database', `sqlite:${path}`, '--credentials', `${path}.json`]
  assert.equal(await runPortcullis(bootstrap, { folder }).ended, 0)
  const database = new DatabaseSync(path)
  database.exec(
    "INSERT INTO migrations (id, name, checksum, applied_at) VALUES (999, 'from the future', 'checksum', 0)",
  )
  database.close()
  const failure = await failureOf(['identity', '--config', file], {
    PORTCULLIS_SEALING_KEY: sealingKey,
    PORTCULLIS_REFRESH_PEPPER: pepper,
  })
  assertExplained(failure, /written by a newer release/, /nothing was changed/)
})

test('bootstrap makes one administrator, once, and never overwrites credentials', async () => {
  const database = `sqlite:${join(folder, 'first', 'identity.db')}`
  const credentials = join(folder, 'first.json')
  const bootstrap = ['bootstrap', '--database', database, '--credentials', credentials]
  const first = runPortcullis(bootstrap, { folder })
  assert.equal(await first.ended, 0, first.errors())
  const written = readFileSync(credentials, 'utf8')
  assert.match(written, /"identifier": "admin"/)

  assertExplained(await failureOf(bootstrap), /is there already/, /--credentials/)
  const elsewhere = [...bootstrap.slice(0, -1), join(folder, 'second.json')]
  assertExplained(await failureOf(elsewhere), /already has accounts/, /Nothing was changed/)
  assert.equal(existsSync(join(folder, 'second.json')), false)
  assert.equal(readFileSync(credentials, 'utf8'), written)
})

test('what was said wrongly on the command line is exit code 2', async () => {
  for (const parameters of [['nonsense'], ['identity', '--nonsense'], ['bootstrap'], []]) {
    const { code, errors } = await failureOf(parameters)
    assert.equal(code, 2, parameters.join(' '))
    assert.notEqual(errors, '')
  }
  assert.equal((await failureOf(['--help'])).code, 0)
  assert.equal((await failureOf(['--version'])).code, 0)
})

test('a lost secret of an existing system is not replaced by a new one', async () => {
  const system = await startSystem()
  assert.equal(await system.stop(), 0)
  const home = join(system.folder, '.portcullis')
  const names = readdirSync(home).filter(
    (name) => name === 'sealing.key' || name === 'credentials.json',
  )
  assert.equal(names.length, 2)
  for (const name of names) {
    const path = join(home, name)
    const content = readFileSync(path)
    rmSync(path)
    const run = runPortcullis(['dev'], {
      folder: system.folder,
      variables: { PORTCULLIS_PORT_BASE: '0' },
    })
    assert.equal(await run.ended, 1)
    assert.match(run.errors(), new RegExp(`${name} is missing`))
    assert.equal(existsSync(path), false)
    mkdirSync(home, { recursive: true })
    writeFileSync(path, content, { mode: 0o600 })
  }
  removeFolder(system.folder)
})

test('a deleted client of the system is made anew, and an exchanged secret that its file has not got stops the start', async () => {
  const first = await startSystem()
  const { folder: home } = first
  const decide = async (...parameters: readonly string[]): Promise<void> => {
    const run = runPortcullis([...parameters, '--reason', 'a test'], { folder: home })
    assert.equal(await run.ended, 0, run.errors())
  }
  await decide('clients', 'delete', 'gateway-service')
  await first.stop()

  const second = await startSystem(home)
  assert.match(
    second.run.output(),
    /^gateway-service was deleted; it is made anew, with a credential in .*gateway-client\.json\n/,
  )
  const headers = { authorization: `Bearer ${await second.signIn('alice')}` }
  assert.equal((await fetch(`${second.endpoints.gateway}/orders`, { headers })).status, 200)
  const { gatewayOperations } = second.endpoints
  assert.ok(second.run.output().includes(`${gatewayOperations}/health/ready (the gateway)`))
  const metrics = await (await fetch(`${gatewayOperations}/metrics`)).text()
  assert.match(metrics, /^portcullis_follower_is_fresh 1$/m)
  assert.equal(readFileSync(join(home, '.portcullis', '.gitignore'), 'utf8'), '*\n')
  const next = ['--overlap-seconds', '0', '--write-to', 'next.json']
  await decide('clients', 'rotate-secret', 'gateway-service', ...next)
  await second.stop()

  const variables = { PORTCULLIS_PORT_BASE: '0' }
  const third = runPortcullis(['dev'], { folder: home, variables })
  assertExplained(
    { code: await third.ended, errors: third.errors() },
    /knows gateway-service with another credential than .*gateway-client\.json has/,
    /Put there what `clients rotate-secret --write-to` has written/,
  )
  writeFileSync(
    join(home, '.portcullis', 'gateway-client.json'),
    readFileSync(join(home, 'next.json')),
  )
  const fourth = await startSystem(home)
  assert.equal(await fourth.stop(), 0)
  removeFolder(home)
})

test('a second system in the same folder is refused, and the first goes on', async () => {
  const system = await startSystem()
  const run = runPortcullis(['dev'], {
    folder: system.folder,
    variables: { PORTCULLIS_PORT_BASE: '0' },
  })
  assert.equal(await run.ended, 1)
  assert.match(run.errors(), /already running in this folder/)
  assert.ok(await system.signIn('alice'))
  assert.equal(await system.stop(), 0)
  removeFolder(system.folder)
})

test('a damaged credentials file is reported with what is wrong in it', async () => {
  const home = newFolder()
  mkdirSync(join(home, '.portcullis'))
  writeFileSync(join(home, '.portcullis', 'credentials.json'), '{"accounts":[{}]}')
  const run = runPortcullis(['dev'], { folder: home, variables: { PORTCULLIS_PORT_BASE: '0' } })
  assert.equal(await run.ended, 1)
  assert.match(run.errors(), /mistakes in .*credentials\.json/)
  assert.match(run.errors(), /\/accounts\/0\/identifier is required/)
  assert.match(run.errors(), /\/clients is required/)
  removeFolder(home)
})

test('a part that cannot start ends the whole start at once, with its own reason', async () => {
  const damaged = newFolder()
  const first = await startSystem(damaged)
  await first.stop()
  const database = new DatabaseSync(join(damaged, '.portcullis', 'identity.db'))
  database.exec("UPDATE signing_keys SET public_jwk = '{}'")
  database.close()
  const startedAt = performance.now()
  const run = runPortcullis(['dev'], { folder: damaged, variables: { PORTCULLIS_PORT_BASE: '0' } })
  assert.equal(await run.ended, 1)
  assert.match(run.errors(), /identity stopped while starting:\n.*is damaged/s)
  assert.ok(performance.now() - startedAt < 15_000, 'the other parts were waited for')
  removeFolder(damaged)
})

test('an option out of its range says its range', async () => {
  const { code, errors } = await failureOf(['dev', '--max-staleness-seconds', '2'])
  assert.equal(code, 2)
  assert.match(errors, /a whole number from 3 to 3600/)
})
