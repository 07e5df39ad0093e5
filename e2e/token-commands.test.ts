import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePort } from '../tools/free-port.ts'
import type { RunningSystem } from './running-system.ts'
import { postJson, removeFolder, runPortcullis, startSystem } from './running-system.ts'

let system: RunningSystem

before(async () => {
  system = await startSystem()
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

/** With the token on standard input. */
async function token(text: string, ...parameters: readonly string[]): Promise<Said> {
  const input = Buffer.from(text)
  const run = runPortcullis(['token', ...parameters], { folder: system.folder, input })
  const code = await run.ended
  return { code, output: run.output(), errors: run.errors() }
}

function members({ output }: Said): Readonly<Record<string, unknown>> {
  return JSON.parse(output) as Readonly<Record<string, unknown>>
}

async function signIn(): Promise<{ readonly access: string; readonly refresh: string }> {
  const alice = system.credentials.accounts.find(({ identifier }) => identifier === 'alice')
  const { identifier, password } = alice ?? {}
  const answer = await postJson(`${system.endpoints.identity}/login`, { identifier, password })
  const tokens = (await answer.json()) as Readonly<Record<string, unknown>>
  return { access: String(tokens['access_token']), refresh: String(tokens['refresh_token']) }
}

async function machineToken(): Promise<string> {
  const [client] = system.credentials.clients
  const answer = await fetch(`${system.endpoints.identity}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client?.client_id ?? '',
      client_secret: client?.client_secret ?? '',
    }),
  })
  return String(((await answer.json()) as Readonly<Record<string, unknown>>)['access_token'])
}

test('token inspect says what stands in a token, and that nothing was verified', async () => {
  const { access, refresh } = await signIn()
  const shown = await token(`${access}\n`, 'inspect')
  assert.equal(shown.code, 0, shown.errors)
  assert.match(shown.output, /^NOT VERIFIED: /)
  assert.match(shown.output, /^iss +http:\/\/localhost:\d+ +\(who is said to have issued it\)$/m)
  assert.match(shown.output, /^exp +\d+ +\(expires 20\d\d-/m)
  assert.match(shown.output, /^\d{3,4} of the 8192 characters that a service takes\.$/m)
  assert.match(shown.output, /^At a service that trusts its signature: nothing in it speaks /m)
  const elsewhere = await token(access, 'inspect', '--audience', 'payments')
  assert.match(elsewhere.output, /refused as wrong-audience: it is not for payments\.$/m)
  const file = join(system.folder, 'access.jwt')
  writeFileSync(file, `${access.slice(0, -8)}AAAAAAAA`)
  const { verified, claims, header, service } = members(await token('', 'inspect', file, '--json'))
  assert.equal(verified, false)
  assert.ok(typeof service === 'object' && service !== null && 'refusal' in service)
  assert.equal(service.refusal, null)
  assert.ok(typeof claims === 'object' && claims !== null && 'sid' in claims)
  assert.ok(typeof header === 'object' && header !== null && 'kid' in header)

  const client = /^client_id .*$/m
  assert.match(client.exec(shown.output)?.[0] ?? '', /that the person signed in with/)
  const ofMachine = await token(await machineToken(), 'inspect')
  assert.match(client.exec(ofMachine.output)?.[0] ?? '', /the machine itself/)

  // What somebody else wrote must not drive a terminal.
  const claim = Buffer.from(JSON.stringify({ sub: '\u001b[2J' })).toString('base64url')
  const hostile = await token(`${access.split('.')[0]}.${claim}.AAAA`, 'inspect')
  assert.equal(hostile.code, 0)
  assert.ok(!hostile.output.includes('\u001b'))

  const none = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
  const unsigned = `${none}.${access.split('.')[1]}.`
  const shownUnsigned = await token(unsigned, 'inspect')
  assert.equal(shownUnsigned.code, 0, shownUnsigned.errors)
  assert.match(shownUnsigned.output, /^It has no signature at all/m)
  assert.match(shownUnsigned.output, /^alg +none /m)
  assert.match(shownUnsigned.output, /^At a service: refused as algorithm-not-allowed: /m)
  assert.equal(members(await token(unsigned, 'inspect', '--json'))['signed'], false)
  const judged = await token(unsigned, 'verify')
  assert.equal(judged.code, 1)
  assert.match(judged.errors, /^refused: .*\n.* orders would answer 401/)
  assert.match((await token(refresh, 'verify')).errors, /^this is a refresh token/)

  for (const [text, code] of [
    [refresh, 1],
    ['nonsense', 1],
    ['', 2],
    [`${access} ${access}`, 2],
  ] as const) {
    const refused = await token(text, 'inspect')
    assert.equal(refused.code, code, refused.errors)
    assert.ok(text === '' || !refused.errors.includes(text))
  }
  assert.equal((await token('', 'inspect', join(system.folder, 'none'))).code, 2)
})

test('token verify says what a service would say, and why', async () => {
  const { access } = await signIn()
  const valid = await token(access, 'verify', '--audience', 'orders')
  assert.equal(valid.code, 0, valid.errors)
  assert.match(valid.output, /^valid: the service orders lets it in until 20/)
  const found = members(await token(access, 'verify', '--json'))
  assert.deepEqual([found['valid'], found['revocation']], [true, 'followed'])

  const elsewhere = await token(access, 'verify', '--audience', 'payments')
  assert.equal(elsewhere.code, 1)
  assert.match(elsewhere.errors, /\(wrong-audience\)\n.* payments would answer 401, Bearer /)
  const forged = await token(`${access.slice(0, -8)}AAAAAAAA`, 'verify', '--json')
  assert.equal(forged.code, 1)
  assert.equal(members(forged)['reason'], 'bad-signature')
  assert.ok(!`${elsewhere.errors}${forged.output}${forged.errors}`.includes(access.slice(-40, -8)))

  assert.equal((await token(access, 'revoke', '--client-id', 'web')).code, 0)
  const revoked = await token(access, 'verify')
  assert.equal(revoked.code, 1, revoked.errors)
  assert.match(revoked.errors, /\(revoked\)/)

  const nobody = `http://localhost:${await freePort()}`
  assert.equal((await token(access, 'verify', '--issuer', nobody)).code, 3)
  assert.equal((await token(access, 'verify', '--issuer', 'nonsense')).code, 2)
})

test('token revoke takes back what is of its client, once', async () => {
  const ofMachine = await machineToken()
  const revoked = await token(ofMachine, 'revoke', '--json')
  assert.equal(revoked.code, 0, revoked.errors)
  assert.ok('revocation' in members(revoked))
  const again = await token(ofMachine, 'revoke')
  assert.equal(again.code, 0, again.errors)
  assert.match(again.output, /^nothing to take back/)

  const { access, refresh } = await signIn()
  const foreign = await token(access, 'revoke')
  assert.equal(foreign.code, 1)
  assert.match(foreign.errors, /^refused: invalid_grant/)
  const [machine] = system.credentials.clients
  const secretless = await token(access, 'revoke', '--client-id', machine?.client_id ?? '')
  assert.equal(secretless.code, 1)
  assert.match(secretless.errors, /^refused: invalid_client/)
  for (const { errors } of [foreign, secretless]) {
    assert.match(errors, /--client-id NAME .* --credentials FILE/)
  }
  const ended = await token(refresh, 'revoke', '--client-id', 'web')
  assert.equal(ended.code, 0, ended.errors)
  assert.match(ended.output, /^taken back, at /)
  assert.equal((await token(access, 'verify')).code, 1)

  const nobody = `http://localhost:${await freePort()}`
  const asWeb = ['revoke', '--issuer', nobody, '--client-id', 'web']
  assert.equal((await token(access, ...asWeb)).code, 3)
  // The clients of this folder are for its own issuer.
  assert.equal((await token(access, 'revoke', '--issuer', nobody)).code, 2)
})

test('token revoke waits until a token is refused everywhere, for who may see it', async () => {
  const revoke = ['revoke', '--client-id', 'web', '--wait']
  const { access } = await signIn()
  const waited = await token(access, ...revoke, '--json')
  assert.equal(waited.code, 0, waited.errors)
  const { revocation, receipts } = members(waited) as {
    readonly revocation: object
    readonly receipts: Readonly<Record<string, unknown>>
  }
  assert.ok('seq' in revocation)
  // The gateway, orders and reviews.
  assert.deepEqual([receipts['everywhere'], receipts['applied']], [true, 3])
  const orders = `${system.endpoints.orders}/orders`
  const asked = await fetch(orders, { headers: { authorization: `Bearer ${access}` } })
  assert.equal(asked.status, 401)

  const next = await signIn()
  const shown = await token(next.access, ...revoke, '20')
  assert.equal(shown.code, 0, shown.errors)
  assert.match(
    shown.output,
    /^taken back, at \S+ of the revocation log; followers that refuse it: 3/,
  )
  assert.equal(shown.output.match(/^[a-z-]+ +\S{22} +applied +\d+$/gm)?.length, 3, shown.output)
  const again = await token(next.access, ...revoke)
  assert.deepEqual([again.code, again.output.split(':')[0]], [0, 'nothing to take back'])

  // Of no administrator: nothing is taken back that nobody could be told of.
  const [client] = system.credentials.clients
  writeFileSync(join(system.folder, 'client.json'), JSON.stringify(client))
  const elsewhere = ['--credentials', 'client.json', '--issuer', system.endpoints.identity]
  const last = await signIn()
  const refused = await token(last.access, ...revoke, ...elsewhere)
  assert.equal(refused.code, 2, refused.errors)
  assert.equal((await token(last.access, 'verify')).code, 0, 'it is as good as before')

  // Of one who may not sign in: it is taken back, and nobody can say how far that has come.
  const { accounts, clients } = system.credentials
  const wrong = accounts.map((account) => ({ ...account, password: 'not this one' }))
  writeFileSync(join(system.folder, 'wrong.json'), JSON.stringify({ accounts: wrong, clients }))
  const unseen = await token(last.access, ...revoke, '--credentials', 'wrong.json')
  assert.equal(unseen.code, 1)
  assert.match(unseen.errors, /^it was taken back, and how far that has come is not known: refused/)
  assert.doesNotMatch(unseen.errors, /Nothing was changed/)
  assert.equal((await token(last.access, 'verify')).code, 1)
})
