import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHmac, createPrivateKey } from 'node:crypto'
import { after, test } from 'node:test'
import type { JsonObject } from '@portcullis/protocol'
import type { SigningKey } from '@portcullis/verify/testing'
import { signCompactJws } from '@portcullis/verify/testing'
import { deriveRefreshToken } from '../src/domain/refresh-tokens.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { openBrowser } from './browser.ts'
import type { ClientKey } from './client-keys.ts'
import { assertionClaims, createClientKey } from './client-keys.ts'
import { decodeToken } from './decoded-token.ts'
import type { Answer } from './http-client.ts'
import { createMailbox, tokenIn } from './mailbox.ts'
import { openOwnKey } from './own-keys.ts'
import { createStream, newReceiver, push, receiverToken } from './receivers.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import { admin, bob, call, refreshWith, signIn, signInHere } from './signed-in.ts'
import { waitUntil } from './wait-until.ts'
import type { StolenRow, StolenRows } from './stolen-rows.ts'
import { stealRows } from './stolen-rows.ts'

/**
 * A leaked database (rows only) lets nobody sign in, refresh, act as a client or sign a token. Somebody has taken the
 * file of an issuer that was in use, and tries everything in it as everything. Each try has its twin: with what is
 * kept outside the database the same try opens.
 */
const carol = { identifier: 'carol@mail.example', password: alice.password, roles: [] }
const mailbox = createMailbox()
const receiver = newReceiver('receiver')
const forgivenSeconds = 10
const first = await startRunningIdentity({
  accounts: [alice, bob, admin, carol],
  clients: [machine, receiver],
  mailer: mailbox,
  // What delays guesses is not what is tested: a wrong password is forgiven after ten seconds.
  file: {
    loginProtection: {
      freeTries: 100,
      delaySecondsMax: forgivenSeconds,
      networkFreeTries: 100_000,
      strangerTriesPerMinute: 1_000_000,
    },
  },
})
const { claims, links, keyed } = await useEverything()
let stolen: StolenRows | undefined
const identity = await first.restart(() => (stolen = stealRows(first.database)))
after(identity.close)
assert.ok(stolen !== undefined)
const { tables, texts, secrets } = stolen

/** What this file leaves empty. A new table is filled above, or stands here because nothing can be done with it. */
const emptyTables: readonly string[] = [
  // Digests of what no request shows any more.
  'used_proofs',
  // How far services say they have come.
  'followers',
  // Which events a receiver has taken or refused, and of whom it wants to hear nothing.
  'unwanted_subjects',
  'acknowledged_events',
  'undelivered_events',
]

/** Leaves rows in every table; answers what only those have who were sent it. */
async function useEverything(): Promise<{
  readonly claims: Readonly<Record<string, unknown>>
  readonly links: Readonly<Record<'reset' | 'verify', string>>
  readonly keyed: KeyedClient
}> {
  const { access, refresh } = await signInHere(first)
  await refreshWith(first, refresh, { attempt: 'A'.repeat(22) })
  await openBrowser(first).signIn()
  await signIn(first, admin)
  await first.login({ identifier: alice.identifier, password: 'not this one' })
  const client = await makeClients()
  await makeStream()
  await makeAnomaly()
  const ended = await signInHere(first, bob)
  assert.equal((await call(first, 'POST /logout', { token: ended.access })).status, 200)

  await call(first, 'POST /account/reset', { body: { identifier: carol.identifier } })
  const reset = tokenIn(await mailbox.next())
  first.clock.advanceMs(60_000)
  const { access: token } = await signInHere(first, carol)
  assert.equal((await call(first, 'POST /account/verify-email', { token })).status, 202)
  const verify = tokenIn(await mailbox.next())
  return { claims: decodeToken(access).claims, links: { reset, verify }, keyed: client }
}

/** One whose receiver asks for a credential, and in which an event waits. */
async function makeStream(): Promise<void> {
  const delivery = {
    method: push,
    endpoint_url: 'https://receiver.example/events',
    authorization_header: `Bearer ${'hidden'.repeat(8)}`,
  }
  await createStream(first, await receiverToken(first, receiver), { delivery })
}

/** Somebody has stolen a refresh token of bob's, and rules have seen it. */
async function makeAnomaly(): Promise<void> {
  const { refresh } = await signInHere(first, bob)
  const next = await refreshWith(first, refresh)
  first.clock.advanceMs(31_000)
  await refreshWith(first, String(next.members()['refresh_token']))
  first.clock.advanceMs(31_000)
  assert.equal((await refreshWith(first, refresh)).status, 400)
  for (const table of ['anomalies', 'anomaly_states', 'anomaly_cursors']) {
    const isThere = async (): Promise<boolean> =>
      (await first.query(`SELECT 1 AS one FROM ${table}`)).length > 0
    await waitUntil(isThere, `rows in ${table}`)
  }
}

interface KeyedClient {
  readonly id: string
  readonly key: ClientKey
}

/** One with keys, which is answered, and one with two secrets that are good. */
async function makeClients(): Promise<KeyedClient> {
  const { access: token } = await signInHere(first, admin)
  const ask = (route: string, more: object): Promise<Answer> =>
    call(first, route, { token, body: { ...more, reason: 'a test' } })
  const client = { grants: ['client_credentials'], audiences: ['orders'] }
  const key = createClientKey()
  const jwks = { keys: [key.jwk] }
  const made = await ask('POST /admin/clients', { ...client, name: 'keyed', jwks })
  assert.equal(made.status, 201)
  const shared = await ask('POST /admin/clients', { ...client, name: 'shared' })
  const id = String(shared.members()['client_id'])
  assert.equal((await ask(`POST /admin/clients/${id}/rotate-secret`, {})).status, 200)
  return { id: String(made.members()['client_id']), key }
}

function rowsOf(table: string): readonly StolenRow[] {
  return tables.get(table) ?? assert.fail(`there is no table ${table}`)
}

/** Each try, some at once; answers how many there were, of which none may have opened anything. */
async function tryAll<Key>(
  keys: readonly Key[],
  open: (key: Key) => Promise<Answer>,
  what: string,
): Promise<number> {
  const atOnce = 8
  for (let at = 0; at < keys.length; at += atOnce) {
    const answers = await Promise.all(keys.slice(at, at + atOnce).map((key) => open(key)))
    for (const [place, { status, body }] of answers.entries()) {
      const key = String(keys[at + place])
      assert.ok(
        status >= 400 && status < 500 && status !== 429,
        `${what}: ${key}: ${status} ${body}`,
      )
    }
  }
  return keys.length
}

test('the thief has every row of every table, and enough to try', () => {
  // What nodes have seen is judged within seconds, and gone then.
  const lasting = [...tables].filter(([name]) => name !== 'sightings')
  const empty = lasting.filter(([, rows]) => rows.length === 0).map(([name]) => name)
  assert.deepEqual(empty, emptyTables)
  assert.ok(tables.size >= 10 && texts.length >= 100 && secrets.length >= 200)
  const hash = rowsOf('accounts')[0]?.['password_hash']
  for (const known of [hash, rowsOf('sessions')[0]?.['seed'], rowsOf('clients')[0]?.['id']]) {
    assert.ok(texts.includes(String(known)))
  }
})

test('nothing in it is an access token', async () => {
  const asBearer = texts.filter((text) => /^[\x21-\x7e]+$/.test(text))
  const tries = await tryAll(
    asBearer,
    (token) => call(identity, 'GET /account', { token }),
    'bearer',
  )
  assert.ok(tries >= 100)
  const { access } = await signInHere(identity)
  assert.equal((await call(identity, 'GET /account', { token: access })).status, 200)
})

test('nothing in it is a refresh token, or the pepper of one', async () => {
  await tryAll(texts, (token) => refreshWith(identity, token), 'refresh token')
  const live = rowsOf('sessions').filter(
    (row) => row['ended_at'] === null && row['delivery'] === 'body',
  )
  assert.ok(live.length >= 3)
  // One session is enough: all have the same pepper.
  const [one = assert.fail()] = live
  const tries = await tryAll(
    secrets,
    (secret) => refreshWith(identity, tokenWith(secret, one)),
    'pepper',
  )
  assert.ok(tries >= 200)
  for (const row of live) {
    assert.equal((await refreshWith(identity, tokenWith(identity.pepper.secret, row))).status, 200)
  }
})

function tokenWith(secret: Buffer, { id, seed, counter }: StolenRow): string {
  const source = { sessionId: String(id), seed: String(seed) }
  // Which pepper it is stands in each token, so a thief knows the id.
  return deriveRefreshToken({ id: identity.pepper.id, secret }, source, Number(counter))
}

const grant = { grant_type: 'client_credentials' }

test('nothing in it is the secret of a client, or a key for its assertions', async () => {
  const withSecrets = rowsOf('clients').filter((row) => row['secret_hash'] !== null)
  assert.ok(withSecrets.some(({ id }) => id === machine.clientId))
  for (const { id } of withSecrets) {
    const asSecret = (secret: string): Promise<Answer> =>
      identity.token(grant, basic(String(id), secret))
    assert.equal(await tryAll(texts, asSecret, `secret of ${String(id)}`), texts.length)
  }
  const { clientId, clientSecret } = machine
  const asserted = [clientId, keyed.id].flatMap((id) =>
    secrets.map((secret) => withMac({ alg: 'HS256', typ: 'JWT' }, assertionOf(id), secret)),
  )
  const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  const assertAs = (assertion: string): Promise<Answer> =>
    identity.token({ ...grant, client_assertion_type: type, client_assertion: assertion })
  assert.ok((await tryAll(asserted, assertAs, 'assertion')) >= 400)
  const own = keyed.key.sign({}, assertionClaims(keyed.id, {}, identity.clock.now()))
  assert.equal((await assertAs(own)).status, 200)
  assert.equal((await identity.token(grant, basic(clientId, clientSecret))).status, 200)
})

test('nothing in it signs a token or opens a key that does', async () => {
  const key = await openOwnKey(identity, 'access-token', 'RS256')
  const forged = secrets.map((secret) =>
    withMac({ alg: 'HS256', typ: 'at+jwt', kid: key.kid }, freshClaims(), secret),
  )
  const asBearer = (token: string): Promise<Answer> => call(identity, 'GET /account', { token })
  assert.ok((await tryAll(forged, asBearer, 'forged token')) >= 200)
  assert.equal((await asBearer(signed(key))).status, 200)

  for (const text of texts) assert.ok(!isPrivateKey(text), 'a private key in the open')
  const sealed = rowsOf('signing_keys').map(({ kid, sealed_private_key: text }) => [text, kid])
  const sealingKeys = secrets.filter(({ length }) => length === 32)
  assert.ok(sealed.length >= 6 && sealingKeys.length >= 5)
  const opens = (sealingKey: Buffer): boolean =>
    sealed.some(([text, kid]) => {
      const sealer = createSealer(sealingKey, () => assert.fail('nothing is to be sealed'))
      return sealer.open(String(text), String(kid)).kind === 'opened'
    })
  assert.deepEqual(sealingKeys.filter(opens), [])
  assert.ok(opens(identity.sealingKey))
})

function isPrivateKey(text: string): boolean {
  const octets = Buffer.from(text, 'base64')
  const readings = [
    () => createPrivateKey(text),
    () => createPrivateKey({ key: octets, format: 'der', type: 'pkcs8' }),
    () => createPrivateKey({ key: JSON.parse(text) as object, format: 'jwk' }),
  ]
  return readings.some((read) => {
    try {
      return read().type === 'private'
    } catch {
      return false
    }
  })
}

test('nothing in it is a link of a mail', async () => {
  const { password } = carol
  const reset = (token: string): Promise<Answer> =>
    call(identity, 'POST /account/reset/confirm', { body: { token, new: `${password} renewed` } })
  const verify = (token: string): Promise<Answer> =>
    call(identity, 'POST /account/verify-email', { body: { token, password } })
  const tokens = texts.filter(({ length }) => length <= 128)
  assert.ok((await tryAll(tokens, reset, 'link to reset')) >= 100)
  await tryAll(tokens, verify, 'link to verify')
  assert.equal((await verify(links.verify)).status, 200)
  assert.equal((await reset(links.reset)).status, 200)
})

test('nothing in it is a password', async () => {
  const passwords = texts.filter(({ length }) => length >= 8 && length <= 256)
  const { identifier, password } = admin
  const signInWith = (guess: string): Promise<Answer> => {
    identity.clock.advanceMs(forgivenSeconds * 1000)
    return identity.login({ identifier, password: guess })
  }
  assert.ok((await tryAll(passwords, signInWith, 'password')) >= 50)
  assert.equal((await signInWith(password)).status, 200)
})

/** Of a live session, as everybody knows it who has its row. */
function freshClaims(): Readonly<Record<string, unknown>> {
  const iat = Math.floor(identity.clock.now() / 1000)
  return { ...claims, iat, exp: iat + 300 }
}

function assertionOf(clientId: string): Readonly<Record<string, unknown>> {
  const { iat, exp, jti } = freshClaims()
  return { iss: clientId, sub: clientId, aud: identity.issuer, iat, exp, jti }
}

function signed(key: SigningKey): string {
  return signCompactJws(freshClaims() as JsonObject, 'at+jwt', key)
}

function withMac(header: object, payload: object, secret: Buffer): string {
  const parts = [header, payload].map((part) => Buffer.from(JSON.stringify(part)))
  const input = parts.map((part) => part.toString('base64url')).join('.')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}
