import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Report } from '@portcullis/doctor'
import { freePort } from '../tools/free-port.ts'
import type { RunningSystem } from './running-system.ts'
import { bearer, removeFolder, runPortcullis, startSystem } from './running-system.ts'

const pace = ['--requests-per-second', '5000']
const credentials = ['--credentials', join('.portcullis', 'credentials.json')]

let system: RunningSystem
let orders: string

before(async () => {
  system = await startSystem()
  orders = `${system.endpoints.orders}/orders`
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

interface Said {
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

async function portcullis(...parameters: readonly string[]): Promise<Said> {
  const run = runPortcullis(parameters, { folder: system.folder })
  const code = await run.ended
  return { code, output: run.output(), errors: run.errors() }
}

async function statusWith(token: string): Promise<number> {
  const { status, body } = await fetch(orders, { headers: bearer(token) })
  await body?.cancel()
  return status
}

test('doctor takes a token of our identity back, says how soon it is refused, and it stays refused', async () => {
  const token = await system.signIn('alice')
  const other = await system.signIn('alice')
  const file = join(system.folder, 'access.jwt')
  writeFileSync(file, token)
  const from = ['--token-file', file, '--issuer', system.endpoints.identity]
  assert.equal(await statusWith(token), 200)
  const ran = await portcullis(
    'doctor',
    orders,
    ...from,
    '--take-back',
    '--client-id',
    'web',
    ...pace,
  )
  assert.equal(ran.code, 0, ran.output + ran.errors)
  assert.match(ran.output, /\nREVOCATION {2}refused \d+ ms after the token was taken back\n/)
  assert.doesNotMatch(ran.output + ran.errors, /eyJ/)
  assert.equal(await statusWith(token), 401)
  const verified = await portcullis('token', 'verify', file)
  assert.match(verified.errors, /\(revoked\)/)
  assert.equal(await statusWith(other), 200, 'another token of the same account was taken back too')
})

test('doctor says that nothing is measured where the issuer refuses to take the token back', async () => {
  const file = join(system.folder, 'kept.jwt')
  const token = await system.signIn('alice')
  writeFileSync(file, token)
  const from = ['--token-file', file, '--issuer', system.endpoints.identity]
  const ran = await portcullis('doctor', orders, ...from, '--take-back', ...credentials, ...pace)
  assert.equal(ran.code, 1, ran.errors)
  assert.match(ran.errors, /\nrefused: invalid_grant.*\nNothing was taken back\./)
  assert.equal(await statusWith(token), 200)
})

test('doctor has a machine client get the token, attacks with it, and takes it back', async () => {
  const ran = await portcullis('doctor', orders, ...credentials, '--take-back', ...pace, '--json')
  assert.equal(ran.code, 0, ran.output + ran.errors)
  const { mode, attacks, revocation } = JSON.parse(ran.output) as Report
  assert.equal(mode, 'given-token')
  assert.ok(attacks.made > 100, `only ${attacks.made} attacks were made`)
  assert.equal(revocation.kind, 'refused')
  assert.doesNotMatch(ran.output + ran.errors, /eyJ/)
  const [{ client_id: clientId, client_secret: secret } = assert.fail()] =
    system.credentials.clients
  assert.ok(!`${ran.output}${ran.errors}`.includes(secret))

  const named = [...credentials, '--client-id', clientId, '--issuer', system.endpoints.identity]
  const again = await portcullis('doctor', orders, ...named, '--take-back', ...pace, '--json')
  assert.equal(again.code, 0, again.output + again.errors)
  assert.equal((JSON.parse(again.output) as Report).revocation.kind, 'refused')
})

test('doctor says what is wrong with the client that is to get a token', async () => {
  const unknown = await portcullis('doctor', orders, ...credentials, '--client-id', 'nobody')
  assert.equal(unknown.code, 2)
  assert.match(unknown.errors, /^the credentials have no such client\n/)
  const both = await portcullis('doctor', orders, ...credentials, '--audience', 'orders')
  assert.equal(both.code, 2)
  const nobody = ['--issuer', `http://localhost:${await freePort()}`]
  assert.equal((await portcullis('doctor', orders, ...credentials, ...nobody)).code, 3)
  const [client] = system.credentials.clients
  const wrong = { ...client, client_secret: 'not-this-one' }
  writeFileSync(join(system.folder, 'wrong.json'), JSON.stringify(wrong))
  const refused = await portcullis('doctor', orders, '--credentials', 'wrong.json')
  assert.equal(refused.code, 1)
  assert.match(refused.errors, /^identity gave no token: invalid_client/)
  assert.doesNotMatch(refused.errors, /not-this-one/)
})
