import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createVerifier } from '@portcullis/verify'
import { faultsOfLine } from '../packages/runtime/test/kept-lines.ts'
import type { RunningSystem } from './running-system.ts'
import { bearer, removeFolder, runPortcullis, startSystem } from './running-system.ts'
import type { Door } from './tour/doors.ts'
import { assertAccepted, untilRefused } from './tour/doors.ts'
import type { Person } from './tour/person.ts'
import { signIn } from './tour/person.ts'

let system: RunningSystem
let doors: readonly Door[]

before(async () => {
  system = await startSystem()
  doors = [
    { name: 'the gateway', url: `${system.endpoints.gateway}/orders` },
    { name: 'orders', url: `${system.endpoints.orders}/orders` },
  ]
})

after(async () => {
  await system.stop()
  removeFolder(system.folder)
})

const alice = (): Promise<Person> => signIn(system, 'alice', system.endpoints.identity)
const passwordOfAlice = (): string =>
  system.credentials.accounts.find(({ identifier }) => identifier === 'alice')?.password ?? ''

async function assertRefusedEverywhere(token: string): Promise<void> {
  await Promise.all(doors.map((door) => untilRefused(door, token)))
}

async function portcullis(
  ...parameters: readonly string[]
): Promise<{ readonly code: number | string; readonly said: string }> {
  const run = runPortcullis(parameters, { folder: system.folder })
  const code = await run.ended
  return { code, said: run.output() + run.errors() }
}

test('the owner sees where they are signed in, and ends one of it', async () => {
  const [here, there] = [await alice(), await alice()]
  const listed = await here.client.sessions()
  assert.equal(listed.find(({ id }) => id === here.sessionId)?.isCurrent, true)
  assert.equal(listed.find(({ id }) => id === there.sessionId)?.isCurrent, false)
  const token = await there.token()
  await here.client.endSession(there.sessionId)
  await assertRefusedEverywhere(token)
  await assert.rejects(there.client.refresh(), { code: 'signed-out' })
  await assertAccepted(doors, await here.token())
})

test('a change of the password ends every other session and keeps the one that made it', async () => {
  const [here, there] = [await alice(), await alice()]
  const [old, elsewhere] = [await here.token(), await there.token()]
  const current = passwordOfAlice()
  const next = `${current} and more`
  await here.client.changePassword({ current, new: next })
  await assertRefusedEverywhere(elsewhere)
  await assertRefusedEverywhere(old)
  await assert.rejects(there.client.refresh(), { code: 'signed-out' })
  await assertAccepted(doors, await here.token())
  await here.client.refresh()
  await assertAccepted(doors, await here.token())
  await assert.rejects(alice(), { code: 'bad-credentials' })
  // As it was, for the other tests.
  await here.client.changePassword({ current: next, new: current })
})

test('logout everywhere ends all, and a new login is a new beginning', async () => {
  const [here, there] = [await alice(), await alice()]
  const tokens = [await here.token(), await there.token()]
  await here.client.logoutEverywhere()
  for (const token of tokens) await assertRefusedEverywhere(token)
  await assertAccepted(doors, await (await alice()).token())
})

test('a blocked account is out at once, and unblocking revives nothing', async () => {
  const person = await alice()
  const token = await person.token()
  const reason = ['--reason', 'a test']
  const blocked = await portcullis('accounts', 'block', 'alice', ...reason)
  assert.deepEqual(blocked, { code: 0, said: 'alice is blocked\n' })
  await assertRefusedEverywhere(token)
  await assert.rejects(person.client.refresh(), { code: 'signed-out' })
  await assert.rejects(alice(), { code: 'account-blocked' })

  const unblocked = await portcullis('accounts', 'unblock', 'alice', ...reason, '--json')
  assert.deepEqual(unblocked, { code: 0, said: '{"identifier":"alice","blocked":false}\n' })
  await assertRefusedEverywhere(token)
  await assertAccepted(doors, await (await alice()).token())
})

test('a subscription ends with its session', async () => {
  const person = await alice()
  const query = encodeURIComponent('subscription { reviewAdded { item } }')
  const response = await fetch(`${system.endpoints.gateway}/reviews/graphql?query=${query}`, {
    headers: { ...bearer(await person.token()), accept: 'text/event-stream' },
  })
  assert.equal(response.status, 200)
  const startedAt = performance.now()
  const [text] = await Promise.all([response.text(), person.client.logout()])
  assert.ok(performance.now() - startedAt < 2000, 'it went on after the logout')
  assert.match(text, /UNAUTHENTICATED/)
  assert.match(text, /event: complete/)
})

test('remote commands tell refused, wrongly used and unreachable apart', async () => {
  const nobody = await portcullis('accounts', 'block', 'nobody', '--reason', 'a test')
  assert.equal(nobody.code, 1)
  assert.match(nobody.said, /there is no account nobody/)
  const early = await portcullis('keys', 'rotate')
  assert.equal(early.code, 1)
  assert.match(early.said, /may not sign before 20\d\d-/)
  const without = await portcullis('accounts', 'block', 'alice')
  assert.equal(without.code, 2)
  const elsewhereAlone = await portcullis('keys', 'list', '--issuer', 'http://localhost:9')
  assert.equal(elsewhereAlone.code, 2, 'the password of this system was shown to another issuer')
  const credentials = ['--credentials', '.portcullis/credentials.json']
  const away = await portcullis('keys', 'list', '--issuer', 'http://localhost:9', ...credentials)
  assert.equal(away.code, 3, away.said)
  const elsewhere = runPortcullis(['keys', 'list'], { folder: '/' })
  assert.equal(await elsewhere.ended, 2, elsewhere.errors())
  const listed = await portcullis('keys', 'list')
  assert.equal(listed.code, 0)
  assert.match(listed.said, /access-token +RS256 +active/)
  assert.match(listed.said, /feed +ES256 +pending/)
})

test('a stolen key is withdrawn by command: nobody is signed out, and its tokens are refused', async () => {
  const unknown = await portcullis('keys', 'withdraw', 'A'.repeat(43), '--reason', 'a test')
  assert.equal(unknown.code, 1)
  assert.match(unknown.said, /there is no key A+\n/)
  assert.equal((await portcullis('keys', 'withdraw', 'A'.repeat(43))).code, 2)
  const kid = /access-token +RS256 +active +\S+ +(\S+)/.exec(
    (await portcullis('keys', 'list')).said,
  )?.[1]
  assert.ok(kid !== undefined)
  for (const time of ['first', 'second']) {
    const withdrawn = await portcullis('keys', 'withdraw', kid, '--reason', 'a test')
    assert.equal(withdrawn.code, 0, `${time}: ${withdrawn.said}`)
    assert.match(withdrawn.said, new RegExp(`RS256 +withdrawn +\\S+ +${kid}`))
  }
})

test('a client made by command may read the feed, and its secret is in the file alone', async () => {
  const { folder, endpoints } = system
  const database = ['--database', `sqlite:${join('.portcullis', 'identity.db')}`]
  const chosen = ['--scope', 'revocations.read', '--write-to', 'billing.json']
  const made = await portcullis('clients', 'create', 'billing', ...database, ...chosen)
  assert.equal(made.code, 0, made.said)
  const path = join(folder, 'billing.json')
  assert.equal(statSync(path).mode & 0o077, 0)
  const { client_id: id, client_secret: secret } = JSON.parse(readFileSync(path, 'utf8')) as {
    readonly client_id: string
    readonly client_secret: string
  }
  assert.doesNotMatch(made.said, new RegExp(secret))
  const verifier = createVerifier({
    issuer: endpoints.identity,
    audience: 'orders',
    client: { id, secret },
  })
  await verifier.ready()
  await verifier.close()
  const again = await portcullis('clients', 'create', 'billing', ...database, ...chosen)
  assert.deepEqual([again.code, /is there already/.test(again.said)], [1, true])
})

test('a client is made, exchanges its secret and is deleted by command, and no secret is printed', async () => {
  const { folder, endpoints } = system
  const secretIn = (file: string): string => {
    assert.equal(statSync(join(folder, file)).mode & 0o077, 0)
    const content = JSON.parse(readFileSync(join(folder, file), 'utf8')) as FileClient
    return content.client_secret
  }
  const statusWith = async (secret: string): Promise<number> => {
    const form = { grant_type: 'client_credentials', client_id: 'till', client_secret: secret }
    const body = new URLSearchParams(form)
    return (await fetch(`${endpoints.identity}/token`, { method: 'POST', body })).status
  }
  const create = ['clients', 'create', 'till', '--audience', 'orders', '--scope', 'orders:read']
  assert.equal((await portcullis(...create)).code, 2, 'there was no place for the secret')
  const made = await portcullis(...create, '--write-to', 'till.json')
  assert.equal(made.code, 0, made.said)
  const first = secretIn('till.json')
  assert.equal((await portcullis(...create, '--write-to', 'till.json')).code, 1)

  const why = ['--reason', 'once a year']
  const rotate = ['clients', 'rotate-secret', 'till', ...why]
  const rotated = await portcullis(...rotate, '--write-to', 'next.json')
  assert.equal(rotated.code, 0, rotated.said)
  const second = secretIn('next.json')
  assert.deepEqual([await statusWith(first), await statusWith(second)], [200, 200])
  const early = await portcullis(...rotate, '--json')
  assert.deepEqual([early.code, /two secrets are good until/.test(early.said)], [1, true])
  const leaked = await portcullis(...rotate, '--overlap-seconds', '0', '--json')
  const third = (JSON.parse(leaked.said) as FileClient).client_secret
  assert.deepEqual(
    [await statusWith(first), await statusWith(second), await statusWith(third)],
    [401, 401, 200],
  )
  const listed = await portcullis('clients', 'list')
  assert.match(listed.said, /^till +store +yes +client_secret +client_credentials +orders/m)
  for (const secret of [first, second]) assert.ok(!`${made.said}${rotated.said}`.includes(secret))

  assert.equal((await portcullis('clients', 'disable', 'till', ...why)).code, 0)
  assert.equal(await statusWith(third), 401)
  assert.equal((await portcullis('clients', 'enable', 'till', ...why)).code, 0)
  assert.equal((await portcullis('clients', 'revoke-tokens', 'till', ...why)).code, 0)
  assert.equal(await statusWith(third), 200)
  assert.equal((await portcullis('clients', 'delete', 'till', ...why)).code, 0)
  assert.equal(await statusWith(third), 401)
  const gone = await portcullis('clients', 'delete', 'till', ...why)
  assert.deepEqual([gone.code, /there is no client till/.test(gone.said)], [1, true])
})

interface FileClient {
  readonly client_secret: string
}

test('an administrator waits until a revocation is everywhere, and is told who has not said so', async () => {
  const person = await alice()
  const token = await person.token()
  const end = ['sessions', 'end', person.sessionId, '--reason', 'a lost laptop']
  const { code, said } = await portcullis(...end, '--wait', '--json')
  assert.equal(code, 0, said)
  const { receipts } = JSON.parse(said)
  assert.equal(receipts.everywhere, true)
  // The gateway, orders and reviews.
  assert.equal(receipts.applied, 3)
  assert.equal(typeof receipts.slowest_ms, 'number')
  await assertRefusedEverywhere(token)

  const answer = await fetch(`${system.endpoints.identity}/revocations/positions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      follower: 'behind'.padEnd(22, '-'),
      position: `${'A'.repeat(22)}:0`,
      max_staleness_seconds: 30,
    }),
  })
  assert.equal(answer.status, 200, await answer.text())
  const other = await alice()
  const waited = await portcullis(
    'sessions',
    'end',
    other.sessionId,
    '--reason',
    'x',
    '--wait',
    // A follower leaves a second between two of its reports.
    '3',
  )
  assert.equal(waited.code, 1, waited.said)
  assert.match(waited.said, /the session has ended; followers that refuse it: 3/)
  assert.match(waited.said, /it is not everywhere: not known of 1 of 4 followers/)
  const ended = await portcullis(...end)
  assert.equal(ended.code, 0, ended.said)
  const nobody = await portcullis('sessions', 'end', 'A'.repeat(22), '--reason', 'x')
  assert.equal(nobody.code, 1)
  assert.match(nobody.said, /there is no session A{22}/)
  assert.match(waited.said, /^CLIENT +FOLLOWER +STATE +AFTER_MS +UNTIL$/m)
  assert.equal(waited.said.match(/^[a-z-]+ +\S{22} +applied +\d+$/gm)?.length, 3, waited.said)
  assert.match(waited.said, /^\(no client\) +behind-{16} +unknown +2\d{3}-/m)
})

test('whatever the processes have logged meanwhile is as docs/logs.md says, name by name and type by type', async () => {
  const token = await (await alice()).token()
  // Lines of their own kinds; what a start writes depends on who is there first.
  for (const path of ['/orders', '/reviews', '/nowhere', '/orders/%zz']) {
    for (const authorization of [`Bearer ${token}`, 'Bearer no.token.here', '']) {
      const headers = authorization === '' ? {} : { authorization }
      const { status } = await fetch(`${system.endpoints.gateway}${path}`, { headers })
      assert.ok(status < 500, `${path} answered ${status}`)
    }
  }
  for (const part of ['identity', 'gateway']) {
    const text = readFileSync(join(system.folder, '.portcullis', 'logs', `${part}.log`), 'utf8')
    const lines = text.split('\n').filter((line) => line.startsWith('{'))
    assert.ok(lines.length >= 20, `${part} has logged ${lines.length} lines`)
    for (const line of lines) assert.deepEqual(faultsOfLine(line), [], line)
  }
})
