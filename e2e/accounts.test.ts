import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { RunningSystem } from './running-system.ts'
import { postJson, removeFolder, runPortcullis, startSystem } from './running-system.ts'
import { assertAccepted, untilRefused } from './tour/doors.ts'

let system: RunningSystem

before(async () => {
  system = await startSystem()
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

async function portcullis(
  ...parameters: readonly string[]
): Promise<{ readonly code: number | string; readonly said: string }> {
  const run = runPortcullis(parameters, { folder: system.folder })
  const code = await run.ended
  return { code, said: run.output() + run.errors() }
}

const reason = ['--reason', 'a test']
const password = 'a long one that nobody guesses'

async function login(
  identifier: string,
  given: string,
): Promise<{ readonly status: number; readonly token: string }> {
  const response = await postJson(`${system.endpoints.identity}/login`, {
    identifier,
    password: given,
  })
  const { access_token: token } = (await response.json()) as Readonly<Record<string, unknown>>
  return { status: response.status, token: String(token) }
}

/** The last link that the development system has shown instead of sending it. */
async function shownLink(kind: string): Promise<URL> {
  const log = join(system.folder, '.portcullis', 'logs', 'identity.log')
  const form = new RegExp(`^http://\\S+/account/${kind}/form\\?token=\\S+$`, 'gm')
  const deadline = performance.now() + 10_000
  while (performance.now() < deadline) {
    const links = readFileSync(log, 'utf8').match(form) ?? []
    const last = links.at(-1)
    if (last !== undefined) return new URL(last)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`no link for ${kind} was shown`)
}

test('an account from the command line: made, given roles, reset by a link, and deleted', async () => {
  const passwordFile = join(system.folder, 'carol.txt')
  writeFileSync(passwordFile, `${password}\n`)
  const identifier = 'carol@mail.example'
  const made = ['accounts', 'create', identifier, '--roles', 'customer moderator']
  const created = await portcullis(...made, '--password-file', passwordFile)
  assert.deepEqual(created, { code: 0, said: `${identifier} can sign in\n` })
  const again = await portcullis(...made, '--password-file', passwordFile)
  assert.equal(again.code, 1, again.said)

  const doors = [{ name: 'the gateway', url: `${system.endpoints.gateway}/orders` }]
  const first = await login(identifier, password)
  await assertAccepted(doors, first.token)
  const roles = ['accounts', 'roles', identifier, '--set', 'customer', ...reason, '--json']
  const changed = await portcullis(...roles)
  assert.equal(changed.code, 0, changed.said)
  assert.deepEqual((JSON.parse(changed.said) as { roles: unknown }).roles, ['customer'])
  for (const door of doors) await untilRefused(door, first.token)

  const reset = await portcullis('accounts', 'reset', identifier, ...reason)
  assert.equal(reset.code, 0, reset.said)
  assert.equal((await login(identifier, password)).status, 401)
  const link = await shownLink('reset')
  const page = await (await fetch(link)).text()
  const [, token = ''] = /name="token" value="([^"]+)"/.exec(page) ?? []
  const next = `${password} and more`
  const sent = await fetch(`${link.origin}${link.pathname}`, {
    method: 'POST',
    body: new URLSearchParams({ token, password: next }),
  })
  assert.equal(sent.status, 200, await sent.text())
  const second = await login(identifier, next)
  await assertAccepted(doors, second.token)

  const deleted = await portcullis('accounts', 'delete', identifier, ...reason)
  assert.deepEqual(deleted, { code: 0, said: `${identifier} is deleted\n` })
  for (const door of doors) await untilRefused(door, second.token)
  assert.equal((await login(identifier, next)).status, 401)
  assert.equal((await portcullis('accounts', 'delete', identifier, ...reason)).code, 1)
})

test('account commands that cannot be meant are refused before anything is asked', async () => {
  const withoutPassword = await portcullis('accounts', 'create', 'dave')
  assert.equal(withoutPassword.code, 2)
  assert.match(withoutPassword.said, /no password, and no address/)
  const twice = ['--password-stdin', '--password-file', 'nowhere']
  assert.equal((await portcullis('accounts', 'create', 'dave', ...twice)).code, 2)
  const missing = await portcullis('accounts', 'create', 'dave', '--password-file', 'nowhere')
  assert.match(missing.said, /nowhere cannot be read \(ENOENT\)/)
  assert.equal((await portcullis('accounts', 'delete', 'alice')).code, 2)
  const king = await portcullis('accounts', 'roles', 'alice', '--set', 'king', ...reason)
  assert.equal(king.code, 1, king.said)
  const last = await portcullis('accounts', 'roles', 'admin', '--set', '', ...reason)
  assert.match(last.said, /refused: nobody would be left/)
})

test('in development somebody makes an account by himself, and signs in', async () => {
  const body = { identifier: 'Erin@mail.example', password }
  const response = await postJson(`${system.endpoints.identity}/accounts`, body)
  assert.equal(response.status, 201)
  const { identifier } = (await response.json()) as { readonly identifier: string }
  assert.equal(identifier, 'erin@mail.example')
  assert.equal((await login(identifier, password)).status, 200)
  await shownLink('verify-email')
})

// The last one, since it signs out whoever is left.
test('one command ends the sessions of everybody, at the services too, and all sign in again', async () => {
  assert.equal((await portcullis('sessions', 'end-all')).code, 2)
  const identifier = 'frank'
  const passwordFile = join(system.folder, 'frank.txt')
  writeFileSync(passwordFile, `${password}\n`)
  const made = ['accounts', 'create', identifier, '--roles', 'customer']
  assert.equal((await portcullis(...made, '--password-file', passwordFile)).code, 0)
  const { gateway, orders } = system.endpoints
  const doors = [
    { name: 'the gateway', url: `${gateway}/orders` },
    { name: 'orders', url: `${orders}/orders` },
  ]
  const first = await login(identifier, password)
  await assertAccepted(doors, first.token)
  const ended = await portcullis('sessions', 'end-all', ...reason)
  assert.deepEqual(ended, { code: 0, said: 'every session has ended; everybody signs in again\n' })
  for (const door of doors) await untilRefused(door, first.token)
  const next = await login(identifier, password)
  await assertAccepted(doors, next.token)
})
