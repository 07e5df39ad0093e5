import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { after, beforeEach, test } from 'node:test'
import { algorithmNamed } from '@portcullis/protocol/jws'
import { createVerifier } from '@portcullis/verify'
import type { KeyVault } from '../src/index.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import type { Follower } from './follower.ts'
import { fetchFeedKeys, follow, chainBefore } from './follower.ts'
import {
  claims,
  isSignedByOneOf,
  keyIn,
  kidOf,
  open,
  openNode,
  publishedMsMin,
  tryToOpen,
} from './opened-keyring.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertProblem,
  call,
  refreshWith,
  signIn,
  signInHere,
  tokensOf,
} from './signed-in.ts'
import { startError } from './start-error.ts'
import { waitUntil } from './wait-until.ts'

type Fault = 'none' | 'fails' | 'hangs' | 'signs-otherwise'

/** Keys in another place: nobody sees a private half, and every answer takes a moment. */
function createVaultElsewhere() {
  const keys = new Map<string, KeyObject>()
  const state = { fault: 'none' as Fault, signatures: 0 }
  const answer = async (): Promise<void> => {
    await pause(1)
    if (state.fault === 'fails') throw new Error('the network is down')
    if (state.fault === 'hangs') await pause(60_000, undefined, { ref: false })
  }
  const vault: KeyVault = {
    generate: async ({ algorithm }) => {
      await answer()
      const { publicKey, privateKey } = algorithmNamed(algorithm).generateKeyPair()
      const kept = `arn:of-the-vault:${randomUUID()}`
      keys.set(kept, privateKey)
      return { publicKey, kept }
    },
    sign: async ({ kept, algorithm }, signingInput) => {
      await answer()
      const key = keys.get(kept)
      if (key === undefined) throw new Error('there is no such key')
      state.signatures += 1
      const input = Buffer.from(signingInput).toString('latin1')
      return algorithmNamed(algorithm).sign(key, state.fault === 'signs-otherwise' ? 'x' : input)
    },
  }
  return { vault, state, keys }
}

const issuer = 'http://127.0.0.1:4000'
const elsewhere = createVaultElsewhere()
const { vault, state } = elsewhere
const file = { issuer, jwksMaxAgeSeconds: 1 }
const identity = await startRunningIdentity({ accounts: [alice, admin], vault, file })
after(identity.close)
beforeEach(() => {
  state.fault = 'none'
})

const verifier = createVerifier({
  issuer,
  audience: 'orders',
  revocation: 'untilExpiry',
  now: identity.clock.now,
  fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${identity.port}`), init),
})

test('with keys in a vault people sign in and refresh, and the database holds names of keys', async () => {
  const signed = await signIn(identity)
  await verifier.verify(signed.access)
  const refreshed = tokensOf(await refreshWith(identity, signed.refresh))
  await verifier.verify(refreshed.access)
  const rows = await identity.query('SELECT sealed_private_key AS kept FROM signing_keys')
  assert.equal(rows.length, 6)
  for (const row of rows) assert.match(String(row['kept']), /^vault\.arn:of-the-vault:[\w-]{36}$/)
})

async function followFromStart(t: TestContext): Promise<Follower> {
  const [head] = await identity.query('SELECT epoch FROM revocation_head')
  const epoch = String(head?.['epoch'])
  const keys = await fetchFeedKeys(identity)
  const chain = chainBefore(epoch)
  const follower = await follow(identity.port, { after: `${epoch}:0`, chain, keys, issuer })
  t.after(follower.leave)
  return follower
}

test('checkpoints of the feed are signed in the vault too', async (t) => {
  const follower = await followFromStart(t)
  const first = await follower.next()
  const { access } = await signIn(identity)
  assert.equal((await call(identity, 'POST /logout', { token: access })).status, 200)
  let frame = await follower.next()
  while (frame.records.length === 0) frame = await follower.next()
  assert.equal(frame.checkpoint.seq, first.checkpoint.seq + 1)
})

test('while the vault does not answer the feed says that it stands still, and goes on when it answers again', async (t) => {
  const follower = await followFromStart(t)
  const { id } = await follower.next()
  const { checkpoint } = await follower.next()
  identity.clock.advanceMs(1000)
  state.fault = 'hangs'
  const logged = identity.logged().length
  await waitUntil(
    () => identity.logged().slice(logged).includes('the revocation feed stands still'),
    'it is said',
  )
  // The beat has written another head, whose checkpoint nobody has.
  const path = `/revocations/stream?after=${id}`
  assertProblem(await identity.ask({ path }), 503, 'keys-unavailable')
  state.fault = 'none'
  let frame = await follower.next()
  while (frame.checkpoint.at <= checkpoint.at) frame = await follower.next()
  assert.ok(frame.checkpoint.at >= identity.clock.now())
  const back = await followFromStart(t)
  assert.equal((await back.next()).checkpoint.seq, checkpoint.seq)
})

test('keys in a vault rotate and are withdrawn', async () => {
  const token = (await signInHere(identity, admin)).access
  identity.clock.advanceMs(10_000)
  const before = await verifier.verify((await signIn(identity)).access)
  assert.equal(before.audience, 'orders')
  const rotated = await call(identity, 'POST /admin/keys/rotate', { token })
  assert.equal(rotated.status, 200, rotated.body)
  const { access } = await signIn(identity)
  const kid = String(decodeToken(access).header['kid'])
  const made = elsewhere.keys.size
  const path = `POST /admin/keys/${kid}/withdraw`
  const withdrawn = await call(identity, path, { token, body: { reason: 'to see' } })
  assert.equal(withdrawn.status, 200, withdrawn.body)
  assert.equal(elsewhere.keys.size, made + 1)
  assert.notEqual(decodeToken((await signIn(identity)).access).header['kid'], kid)
})

test('while the vault fails or signs wrongly, nothing is changed: 503, and the same refresh token works later', async () => {
  const { refresh } = await signIn(identity)
  const read = (): Promise<readonly unknown[]> =>
    identity.query('SELECT id, counter FROM sessions ORDER BY id')
  const before = await read()
  for (const fault of ['fails', 'signs-otherwise'] as const) {
    state.fault = fault
    const login = await identity.login({ identifier: alice.identifier, password: alice.password })
    assertProblem(login, 503, 'keys-unavailable')
    assert.equal(login.headers['retry-after'], '2')
    const refused = await refreshWith(identity, refresh)
    const { error } = refused.members()
    assert.deepEqual([refused.status, error], [503, 'temporarily_unavailable'])
    assert.equal(refused.headers['retry-after'], '2')
  }
  assert.deepEqual(await read(), before)
  state.fault = 'none'
  await verifier.verify(tokensOf(await refreshWith(identity, refresh)).access)
  assert.ok(!identity.logged().includes('arn:of-the-vault'))
})

test('a vault that does not answer keeps nobody waiting for longer than two seconds', async () => {
  const { refresh } = await signIn(identity)
  state.fault = 'hangs'
  const startedAt = performance.now()
  const refused = await refreshWith(identity, refresh)
  assert.equal(refused.status, 503)
  const tookMs = performance.now() - startedAt
  assert.ok(tookMs > 1900 && tookMs < 3500, `${tookMs} ms`)
  state.fault = 'none'
  tokensOf(await refreshWith(identity, refresh))
})

test('a key is withdrawn although the vault fails: it is gone at once, and the next one follows later', async () => {
  const token = (await signInHere(identity, admin)).access
  const { access } = await signIn(identity)
  const kid = String(decodeToken(access).header['kid'])
  state.fault = 'fails'
  const path = `POST /admin/keys/${kid}/withdraw`
  const withdrawn = await call(identity, path, { token, body: { reason: 'to see' } })
  assert.equal(withdrawn.status, 200, withdrawn.body)
  const jwks = await identity.ask({ path: '/.well-known/jwks.json' })
  assert.ok(!jwks.body.includes(kid))
  state.fault = 'none'
  // The next tick.
  await pause(1500)
  const again = await signIn(identity)
  assert.notEqual(decodeToken(again.access).header['kid'], kid)
  const states = "SELECT state FROM signing_keys WHERE algorithm = 'RS256' AND state = 'pending'"
  assert.equal((await identity.query(states)).length, 1)
})

testOnEngines(
  'keys from before a vault stay in use until they are rotated, and those of a vault are of no use without it',
  async (t, engine) => {
    const { database, clock, keyring } = await openNode(t, engine)
    const sealed = await keyring.sign(claims, 'ES256')
    const withVault = await open(database, { vault: createVaultElsewhere().vault })
    assert.equal(kidOf(await withVault.sign(claims, 'ES256')), kidOf(sealed))
    clock.advanceMs(publishedMsMin)
    await withVault.rotate()
    const { kid } = await keyIn(withVault, 'pending')
    assert.deepEqual(await tryToOpen(database), { kind: 'unopenable', kid, why: 'in-a-vault' })
    clock.advanceMs(publishedMsMin)
    await withVault.rotate()
    const token = await withVault.sign(claims, 'ES256')
    assert.equal(kidOf(token), kid)
    assert.ok(isSignedByOneOf(withVault.publicJwks(), token))
    assert.ok(isSignedByOneOf(withVault.publicJwks(), sealed))
  },
)

testOnEngines(
  'each key of a vault is asked for once, and again only when it is another one',
  async (t, engine) => {
    const { database, clock } = await openNode(t, engine)
    await database.write('DELETE FROM signing_keys')
    const place = createVaultElsewhere()
    const keyring = await open(database, { vault: place.vault })
    assert.equal(place.state.signatures, 4)
    clock.advanceMs(publishedMsMin)
    await keyring.rotate()
    await keyring.tick()
    assert.equal(place.state.signatures, 5)
  },
)

testOnEngines(
  'a vault with other keys, one that lies about a public half, and a public half that is not its own are found out',
  async (t, engine) => {
    const { database } = await openNode(t, engine)
    await database.write('DELETE FROM signing_keys')
    const right = createVaultElsewhere()
    await open(database, { vault: right.vault })
    for (const wrong of [
      createVaultElsewhere().vault,
      { ...right.vault, sign: () => new Uint8Array(64) },
    ]) {
      const opened = await tryToOpen(database, { vault: wrong })
      assert.ok(opened.kind === 'unopenable' && opened.why === 'vault-failed')
    }
    const [row] = await database.read("SELECT * FROM signing_keys WHERE state = 'pending'")
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const stranger = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }
    const kid = String(row?.['kid'])
    const put = 'UPDATE signing_keys SET public_jwk = $2 WHERE kid = $1'
    await database.write(put, [kid, JSON.stringify({ ...stranger, kid })])
    const damaged = { kind: 'unopenable', kid, why: 'damaged' }
    assert.deepEqual(await tryToOpen(database, { vault: right.vault }), damaged)
    await database.write(put, [kid, String(row?.['public_jwk'])])
    await open(database, { vault: right.vault })

    await database.write('DELETE FROM signing_keys')
    const privateInstead: KeyVault = {
      ...right.vault,
      generate: () => ({
        publicKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
        kept: 'x',
      }),
    }
    const refused = tryToOpen(database, { vault: privateInstead })
    await assert.rejects(refused, /what the vault has made for ES256 is not a public key/)
  },
)

test('a start without the vault of the keys, or with one that fails, says what is wrong', async () => {
  const without = identity.startNode({ vault: undefined })
  await assert.rejects(without, startError(/is in a vault, and identity was started without one/))
  const stranger = createVaultElsewhere()
  const wrong = identity.startNode({ vault: stranger.vault })
  await assert.rejects(
    wrong,
    startError(/cannot be used: the vault failed to sign: there is no such key/),
  )
})
