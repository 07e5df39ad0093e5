import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { SharedSecret as VerifierSecret, Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { readSecrets } from '../src/index.ts'
import type { SharedSecrets } from '../src/domain/shared-secrets.ts'
import { createSharedSecret, signWithSharedSecret } from '../src/domain/shared-secrets.ts'
import { decodeToken } from './decoded-token.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, assertChallenged, call, refreshWith, signIn, signInHere } from './signed-in.ts'
import { startError } from './start-error.ts'

const issuer = 'http://127.0.0.1:4000'
const [oldSecret, newSecret] = [
  createSharedSecret(randomBytes(32)),
  createSharedSecret(randomBytes(32)),
]
const file = {
  issuer,
  audiences: { orders: { scopes: ['orders:read'], roles: ['customer'], algorithm: 'HS256' } },
  roles: { customer: { orders: ['orders:read'] } },
  clients: {},
}

async function start(sharedSecrets: SharedSecrets): Promise<RunningIdentity> {
  return startRunningIdentity({ file, sharedSecrets, accounts: [alice, admin], clients: [] })
}

/** The service that shares the secret, which follows the feed of whoever runs at the moment. */
function serviceOf(
  at: () => RunningIdentity,
  secrets: readonly VerifierSecret[] = [oldSecret, newSecret],
): Verifier {
  const verifier = createVerifier({
    issuer,
    audience: 'orders',
    algorithms: ['HS256'],
    sharedSecret: secrets,
    now: () => at().clock.now(),
    fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${at().port}`), init),
  })
  after(verifier.close)
  return verifier
}

const forOrders = { audience: 'orders' }

test('the one service that shares the secret verifies HS256, follows the feed, and hears of a logout', async () => {
  const identity = await start([oldSecret])
  after(identity.close)
  const service = serviceOf(() => identity)
  await service.ready()
  const { access, refresh } = await signIn(identity, alice, forOrders)
  assert.deepEqual(decodeToken(access).header, { alg: 'HS256', typ: 'at+jwt', kid: oldSecret.kid })
  const { claims } = await service.verify(access)
  assert.deepEqual(claims.roles, ['customer'])
  const refreshed = await refreshWith(identity, refresh)
  await service.verify(String(refreshed.members()['access_token']))

  // Its own routes and its own tokens know nothing of the secret.
  const here = await signInHere(identity)
  assert.equal(decodeToken(here.access).header['alg'], 'RS256')
  assert.equal((await call(identity, 'GET /sessions', { token: here.access })).status, 200)
  assertChallenged(await call(identity, 'GET /sessions', { token: access }))

  assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
  await untilRefused(service, access, 'revoked')
})

test('the secret stands in no document, no list and no log, and its kid is told', async () => {
  const identity = await start([newSecret, oldSecret])
  after(identity.close)
  const token = (await signInHere(identity, admin)).access
  const listed = await call(identity, 'GET /admin/keys', { token })
  const keys = listed.members()['keys'] as readonly Readonly<Record<string, unknown>>[]
  const shared = keys.filter(({ algorithm }) => algorithm === 'HS256')
  const row = { purpose: 'access-token', algorithm: 'HS256' }
  assert.deepEqual(shared, [
    { kid: newSecret.kid, ...row, state: 'active' },
    { kid: oldSecret.kid, ...row, state: 'retiring' },
  ])
  const jwks = await identity.ask({ path: '/.well-known/jwks.json' })
  assert.doesNotMatch(jwks.body, /oct|HS256/)
  const logged = identity.logged()
  assert.match(logged, /whoever can verify these tokens can also mint them/)
  for (const { kid, secret } of [newSecret, oldSecret]) {
    assert.ok(!jwks.body.includes(kid))
    assert.ok(logged.includes(kid))
    for (const form of ['base64', 'base64url', 'hex'] as const) {
      for (const text of [jwks.body, logged, listed.body]) {
        assert.ok(!text.includes(secret.toString(form)))
      }
    }
  }
})

test('while the secret is rolled both count, and one that is left out is withdrawn everywhere', async () => {
  let identity = await start([oldSecret])
  after(async () => identity.close())
  const service = serviceOf(() => identity)
  await service.ready()
  const before = (await signIn(identity, alice, forOrders)).access
  await service.verify(before)

  // First it is accepted, so that every follower knows it before it signs.
  identity = await identity.restart(undefined, { sharedSecrets: [oldSecret, newSecret] })
  const claims = decodeToken(before).claims as unknown as AccessTokenClaims
  await untilAccepted(service, signWithSharedSecret(claims, newSecret))
  identity = await identity.restart(undefined, { sharedSecrets: [newSecret, oldSecret] })
  const later = (await signIn(identity, alice, forOrders)).access
  assert.equal(decodeToken(later).header['kid'], newSecret.kid)
  await service.verify(later)
  await service.verify(before)
  assert.equal((await call(identity, 'POST /logout/everywhere', { token: before })).status, 200)

  const last = (await signIn(identity, alice, forOrders)).access
  identity = await identity.restart(undefined, { sharedSecrets: [oldSecret] })
  await untilRefused(service, last, 'key-withdrawn')
  assertChallenged(await call(identity, 'POST /logout', { token: last }))
})

test('a shared secret that no checkpoint confirms is good for 15 minutes', async () => {
  const identity = await start([oldSecret])
  const service = serviceOf(() => identity)
  await service.ready()
  const { access } = await signIn(identity, alice, forOrders)
  await service.verify(access)
  await identity.close()
  identity.clock.advanceMs(900_000)
  await assert.rejects(service.verify(access), { code: 'keys-unavailable' })
})

// RFC 8725bis J11.
test('a start without the secret says what to set, and one that has another use is refused', async () => {
  const [sealing, pepper, secret] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  const others = {
    PORTCULLIS_SEALING_KEY: key(sealing),
    PORTCULLIS_REFRESH_PEPPER: key(pepper),
  }
  const name = 'PORTCULLIS_HS256_SECRET'
  const wanted = { forHs256: true }
  const read = readSecrets({ ...others, [name]: key(secret) }, wanted)
  assert.deepEqual(read.sharedSecrets, [createSharedSecret(secret)])
  const rolled = { ...others, [name]: key(secret), [`${name}_PREVIOUS`]: key(oldSecret.secret) }
  assert.deepEqual(readSecrets(rolled, wanted).sharedSecrets?.length, 2)
  assert.equal(readSecrets(rolled).sharedSecrets, undefined)
  const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
    [others, /PORTCULLIS_HS256_SECRET is not set/],
    [{ ...others, [name]: 'short' }, /PORTCULLIS_HS256_SECRET/],
    [{ ...others, [name]: key(Buffer.alloc(32, 7)) }, /is a pattern/],
    [
      { ...others, [name]: key(pepper) },
      /PORTCULLIS_HS256_SECRET must not be PORTCULLIS_REFRESH_PEPPER: the service/,
    ],
    [
      { ...rolled, [`${name}_PREVIOUS`]: key(sealing) },
      /_PREVIOUS must not be PORTCULLIS_SEALING_KEY: the service/,
    ],
  ]
  for (const [environment, message] of wrong) {
    assert.throws(() => readSecrets(environment, wanted), startError(message))
  }
  await assert.rejects(
    startRunningIdentity({ file, clients: [] }),
    startError(/asks for HS256, and its secret is not set/),
  )
})

function key(octets: Buffer): string {
  return octets.toString('base64')
}

async function untilAccepted(service: Verifier, token: string): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    const isAccepted = await service.verify(token).then(
      () => true,
      () => false,
    )
    if (isAccepted) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('it is still refused')
}

async function untilRefused(service: Verifier, token: string, reason: string): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) {
    const refused = await service.verify(token).then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refused !== undefined) {
      assert.equal((refused as { readonly reason?: unknown }).reason, reason)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('it is still accepted')
}
