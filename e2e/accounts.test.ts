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

test('accounts and sessions from the command line: listed, ended one by one, and in bulk', async () => {
  const passwordFile = join(system.folder, 'grace.txt')
  writeFileSync(passwordFile, `${password}\n`)
  const names = ['grace', 'grace-2']
  for (const name of names) {
    const made = ['accounts', 'create', name, '--password-file', passwordFile]
    assert.equal((await portcullis(...made, '--roles', 'customer', ...reason)).code, 0)
  }
  const listed = await portcullis('accounts', 'list', '--prefix', 'GRACE', '--json')
  assert.equal(listed.code, 0, listed.said)
  const { accounts } = JSON.parse(listed.said) as {
    readonly accounts: readonly { readonly id: string; readonly identifier: string }[]
  }
  assert.deepEqual(
    accounts.map(({ identifier }) => identifier),
    ['grace-2', 'grace'],
  )
  const table = await portcullis('accounts', 'list', '--role', 'customer')
  assert.match(table.said, /^IDENTIFIER +ROLES +BLOCKED +UNCONFIRMED +CREATED_AT +ID\n/)
  assert.match(table.said, /^grace +customer +20\d\d-\S+Z +[\w-]{22}$/m)

  const doors = [{ name: 'the gateway', url: `${system.endpoints.gateway}/orders` }]
  const first = await login('grace', password)
  await assertAccepted(doors, first.token)
  const shown = await portcullis('sessions', 'list', '--account', 'grace', '--json')
  const { sessions } = JSON.parse(shown.said) as { readonly sessions: readonly { id: string }[] }
  assert.equal(sessions.length, 1, shown.said)
  // One in 64 of the ids begins like an option.
  for (const [words, id] of [
    [['sessions', 'end'], `-${'A'.repeat(21)}`],
    [['keys', 'withdraw'], `-${'A'.repeat(42)}`],
  ] as const) {
    const unknown = await portcullis(...words, id, ...reason)
    assert.equal(unknown.code, 1, unknown.said)
    assert.match(unknown.said, /^there is no (session|key) -/m)
  }
  const ended = await portcullis('sessions', 'end', sessions[0]?.id ?? '', ...reason)
  assert.deepEqual(ended, { code: 0, said: 'the session has ended\n' })
  for (const door of doors) await untilRefused(door, first.token)
  const over = await portcullis('sessions', 'list', '--account', 'grace', '--all')
  assert.match(over.said, /^IDENTIFIER +LIVE +CLIENT .*\ngrace +web /)

  const second = await login('grace', password)
  await assertAccepted(doors, second.token)
  const both = await portcullis('accounts', 'logout', ...names, ...reason)
  assert.deepEqual(both, { code: 0, said: 'accounts signed out: 2\n' })
  for (const door of doors) await untilRefused(door, second.token)

  const third = await login('grace', password)
  await assertAccepted(doors, third.token)
  const ids = [...accounts.map(({ id }) => id), 'A'.repeat(22)]
  const run = runPortcullis(['accounts', 'block', '--ids-from', '-', ...reason], {
    folder: system.folder,
    input: Buffer.from(`${ids.join('\r\n')}\n\n`),
  })
  assert.equal(await run.ended, 1, run.errors())
  assert.equal(run.output(), 'accounts blocked: 2\n')
  assert.match(run.errors(), /^A{22}: unknown\naccounts that were left as they are: 1\n/)
  for (const door of doors) await untilRefused(door, third.token)
  assert.equal((await login('grace', password)).status, 403)
})

test('an id, which is what other lists say, does wherever the name of an account does', async () => {
  const passwordFile = join(system.folder, 'heidi.txt')
  writeFileSync(passwordFile, `${password}\n`)
  const create = ['accounts', 'create', 'heidi', '--password-file', passwordFile]
  const made = await portcullis(...create, '--json')
  const { id } = JSON.parse(made.said) as { readonly id: string }
  const { token } = await login('heidi', password)
  assert.notEqual(token, '')
  const listed = await portcullis('accounts', 'list', '--identifier', id)
  assert.match(listed.said, /^IDENTIFIER .*\nheidi /)
  const sessions = await portcullis('sessions', 'list', '--account', id)
  assert.match(sessions.said, /^IDENTIFIER .*\nheidi +yes +web /)
  const out = await portcullis('accounts', 'logout', id, ...reason)
  assert.deepEqual(out, { code: 0, said: 'heidi is signed out\n' })
  const roles = await portcullis('accounts', 'roles', id, '--set', 'customer', ...reason)
  assert.deepEqual(roles, { code: 0, said: 'heidi has the roles customer\n' })
  const both = await portcullis('accounts', 'logout', id, 'alice', ...reason)
  assert.deepEqual(both, { code: 0, said: 'accounts signed out: 2\n' })
  const nobody = await portcullis('accounts', 'unblock', 'A'.repeat(22), ...reason)
  assert.match(nobody.said, /^there is no account A{22}\nName its identifier or its id/)
})

test('a file of ids goes to the issuer as many at a time as one request takes', async () => {
  for (const { count, length, first } of [
    { count: 10_001, length: 22, first: 10_000 },
    { count: 7_000, length: 64, first: 5_971 },
  ]) {
    const ids = Array.from({ length: count }, (_, at) => `${at}`.padStart(length, 'A'))
    const run = runPortcullis(['accounts', 'logout', '--ids-from', '-', ...reason], {
      folder: system.folder,
      input: Buffer.from(ids.join('\n')),
    })
    assert.equal(await run.ended, 1, run.errors().slice(0, 200))
    assert.equal(run.output(), 'accounts signed out: 0\n')
    const errors = run.errors()
    assert.equal(errors.split(': unknown\n').length - 1, count)
    assert.deepEqual(/^\d+ accounts so far$/gm.exec(errors)?.[0], `${first} accounts so far`)
  }
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
  assert.equal((await portcullis('accounts', 'block', ...reason)).code, 2)
  assert.equal((await portcullis('accounts', 'list', '--created-after', 'never')).code, 2)
  const noId = ['accounts', 'logout', '--ids-from', 'no-ids.txt', ...reason]
  writeFileSync(join(system.folder, 'no-ids.txt'), 'alice has a space\n')
  assert.match((await portcullis(...noId)).said, /line 1 is no id of an account/)
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

  // Who waits has lost the own session with the others, and is told all the same.
  const waited = await portcullis('sessions', 'end-all', ...reason, '--wait', '--json')
  assert.equal(waited.code, 0, waited.said)
  const { revocation, receipts } = JSON.parse(waited.said) as {
    readonly revocation: { readonly seq: number }
    readonly receipts: { readonly everywhere: boolean; readonly applied: number }
  }
  assert.ok(revocation.seq > 0)
  // The gateway, orders and reviews.
  assert.deepEqual([receipts.everywhere, receipts.applied], [true, 3])
  for (const { name, url } of doors) {
    const headers = { authorization: `Bearer ${next.token}` }
    assert.equal((await fetch(url, { headers })).status, 401, name)
  }
})
