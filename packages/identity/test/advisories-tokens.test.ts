import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { createHmac, createPublicKey } from 'node:crypto'
import { after, test } from 'node:test'
import type { JsonObject } from '@portcullis/protocol'
import { algorithmNamed } from '@portcullis/protocol/jws'
import type { SigningKey } from '@portcullis/verify/testing'
import { signCompactJws } from '@portcullis/verify/testing'
import { newClientCredential } from '../src/index.ts'
import type { NewClient } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import { createMailbox, tokenIn } from './mailbox.ts'
import { openOwnKey } from './own-keys.ts'
import { alice, basic, machine, startRunningIdentity } from './running-identity.ts'
import {
  assertChallenged,
  assertNoRefresh,
  bob,
  call,
  refreshWith,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'

/** What others were caught with in the tokens that they take, each by its published id. */
const follower: NewClient = {
  ...newClientCredential(),
  name: 'follower',
  audiences: [],
  scopes: ['revocations.read'],
}
const carol = { identifier: 'carol@mail.example', password: alice.password, roles: [] }
const mailbox = createMailbox()
const identity = await startRunningIdentity({
  accounts: [alice, bob, carol],
  clients: [machine, follower],
  mailer: mailbox,
})
after(identity.close)

const { issuer } = identity
const key = await openOwnKey(identity, 'access-token', 'RS256')
const feedKey = await openOwnKey(identity, 'feed', 'ES256')
const person = decodeToken((await signInHere(identity)).access).claims
const reader = decodeToken(
  (
    await identity.token(
      { grant_type: 'client_credentials' },
      basic(follower.clientId, follower.clientSecret),
    )
  ).members()['access_token'],
).claims

/** As a test reads or spoils them. */
type Claims = Readonly<Record<string, unknown>>

/** Each with claims that it answers 200 for. */
const doors: readonly (readonly [string, Claims])[] = [
  ['GET /sessions', person],
  ['GET /account', person],
  ['GET /revocations/snapshot', reader],
]

/** Signed by the issuer's own key: whatever is refused is refused for what it says. */
function signed(claims: Claims, by: SigningKey = key): string {
  return signCompactJws(claims as JsonObject, 'at+jwt', by)
}

async function assertRefusedAtEveryDoor(
  forge: (claims: Claims) => string,
  what: string,
): Promise<void> {
  for (const [route, claims] of doors) {
    const answer = await call(identity, route, { token: forge(claims) })
    assert.equal(answer.status, 401, `${route}: ${what}`)
    assertChallenged(answer)
    const twin = await call(identity, route, { token: signed(claims) })
    assert.equal(twin.status, 200, twin.body)
  }
}

test('GHSA-wxg7-w2v3-w38g: a token without exp or iat, or with ones that are none, is refused', async () => {
  for (const name of ['exp', 'iat']) {
    for (const value of [undefined, null, '', 0, 'soon', [person['exp']], {}, 1e300, -1]) {
      const what = `${name} ${JSON.stringify(value)}`
      await assertRefusedAtEveryDoor((claims) => signed({ ...claims, [name]: value }), what)
    }
  }
})

// ASVS 9.2.3, 10.3.1. RFC 9700 O12.
test('CVE-2026-55669, CVE-2020-14389: a token counts for its sole audience, the issuer, and no service passes one on', async () => {
  const others = [undefined, null, '', 'orders', [], [issuer, 'orders'], ['orders', issuer]]
  const alike = [`${issuer}/`, issuer.toUpperCase(), `${issuer}.evil`, [[issuer]], { [issuer]: 1 }]
  for (const aud of [...others, ...alike]) {
    const what = `aud ${JSON.stringify(aud)}`
    await assertRefusedAtEveryDoor((claims) => signed({ ...claims, aud }), what)
  }
})

test('CVE-2026-23552: a token of another issuer is refused, even when the own key has signed it', async () => {
  const alike = [`${issuer}/`, `${issuer}:443`, 'http://id.example', 'https://ID.example']
  for (const iss of [undefined, null, '', [issuer], 'https://evil.example', ...alike]) {
    const what = `iss ${JSON.stringify(iss)}`
    await assertRefusedAtEveryDoor((claims) => signed({ ...claims, iss }), what)
  }
})

// ASVS 9.1.2.
test('CVE-2026-11800: no algorithm of the sender’s choice, and no public key as a secret', async () => {
  const pem = createPublicKey(key.privateKey).export({ type: 'spki', format: 'pem' })
  const jwks = (await identity.ask({ path: '/.well-known/jwks.json' })).body
  const secrets = [pem, pem.trim(), jwks, key.kid, '', 'undefined']
  for (const secret of secrets) {
    const sign = (input: string): Buffer => createHmac('sha256', secret).update(input).digest()
    await assertRefusedAtEveryDoor((claims) => assembled('HS256', claims, sign), 'HS256')
    // The same under the name that is right.
    await assertRefusedAtEveryDoor((claims) => assembled('RS256', claims, sign), 'a MAC as RS256')
  }
  for (const name of ['PS256', 'RS512'] as const) {
    const sign = (input: string): Buffer => algorithmNamed(name).sign(key.privateKey, input)
    await assertRefusedAtEveryDoor((claims) => assembled(name, claims, sign), name)
    await assertRefusedAtEveryDoor((claims) => assembled('RS256', claims, sign), `${name} as RS256`)
  }
  for (const none of ['none', 'None', 'nOnE', '']) {
    await assertRefusedAtEveryDoor((claims) => assembled(none, claims, () => Buffer.alloc(0)), none)
  }
  await assertRefusedAtEveryDoor((claims) => signed(claims, feedKey), 'the key of the feed')
  const renamed = { ...feedKey, kid: key.kid }
  await assertRefusedAtEveryDoor((claims) => signed(claims, renamed), 'the feed’s under its kid')
})

function assembled(alg: string, claims: Claims, sign: (input: string) => Buffer): string {
  const parts = [{ alg, typ: 'at+jwt', kid: key.kid }, claims]
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return `${input.join('.')}.${sign(input.join('.')).toString('base64url')}`
}

test('RFC 8725bis J15: a subject counts with its own session only', async () => {
  const ofBob = decodeToken((await signInHere(identity, bob)).access).claims
  const strangers = [ofBob['sub'], 'nobody', machine.clientId, `${String(person['sub'])} `]
  const mixed: readonly Claims[] = [
    ...strangers.map((sub) => ({ ...person, sub })),
    { ...person, sid: ofBob['sid'] },
    { ...person, sid: 'A'.repeat(22) },
    { ...person, sid: undefined },
    { ...person, gen: undefined },
    { ...person, cgen: undefined },
  ]
  for (const claims of mixed) {
    assertChallenged(await call(identity, 'GET /account', { token: signed(claims) }))
  }
  assert.equal((await call(identity, 'GET /account', { token: signed(ofBob) })).status, 200)
})

/** Parts of a text, and what is more than it. */
function cuts(text: string, step: number): readonly string[] {
  const places = Array.from({ length: Math.ceil(text.length / step) }, (_none, at) => at * step)
  const shorter = places.map((place) => text.slice(0, place))
  return [...shorter, text.slice(0, -1), text.slice(0, -2), text.slice(1), `${text}A`, `${text}.`]
}

test('CVE-2026-27840: no token is good cut short, or with something behind it', async () => {
  const { access, refresh } = await signInHere(identity)
  for (const token of cuts(access, 29)) {
    assert.notEqual((await call(identity, 'GET /account', { token })).status, 200, token)
  }
  for (const token of cuts(refresh, 1)) {
    if (token === '') continue
    await assertNoRefresh(identity, token)
  }
  const [, sessionId, counter, mac] = refresh.split('.')
  for (const other of [`${sessionId}.${counter}.${mac}`, `prt_.${sessionId}.${counter}.${mac}`]) {
    await assertNoRefresh(identity, other)
  }
  tokensOf(await refreshWith(identity, refresh))

  const { clientId, clientSecret } = machine
  const form = { grant_type: 'client_credentials' }
  for (const secret of cuts(clientSecret, 3)) {
    assert.equal((await identity.token(form, basic(clientId, secret))).status, 401)
  }
  assert.equal((await identity.token(form, basic(clientId, clientSecret))).status, 200)

  await call(identity, 'POST /account/reset', { body: { identifier: carol.identifier } })
  const link = tokenIn(await mailbox.next())
  const confirm = async (token: string): Promise<number> => {
    const body = { token, new: `${carol.password} renewed` }
    return (await call(identity, 'POST /account/reset/confirm', { body })).status
  }
  for (const token of cuts(link, 4)) assert.equal(await confirm(token), 400)
  assert.equal(await confirm(link), 200)
  await signIn(identity, { ...carol, password: `${carol.password} renewed` })
})
