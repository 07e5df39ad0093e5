import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { SigningKey } from '@portcullis/verify/testing'
import { signCompactJws } from '@portcullis/verify/testing'
import { createSealer } from '../src/domain/sealing.ts'
import { decodeToken } from './decoded-token.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import {
  admin,
  assertProblem,
  bob,
  call,
  eventKinds,
  isWelcome,
  positionOf,
  signIn,
  signInHere,
} from './signed-in.ts'

/** Plain http on loopback: everybody may read the feed. */
const issuer = 'http://127.0.0.1:4000'

function verifierOf(identity: RunningIdentity, plain: boolean): Verifier {
  return createVerifier({
    issuer,
    audience: 'orders',
    ...(plain ? { revocation: 'untilExpiry' } : {}),
    now: identity.clock.now,
    fetch: (url, init) => fetch(url.replace(issuer, `http://127.0.0.1:${identity.port}`), init),
  })
}

interface ListedKey {
  readonly kid: string
  readonly state: string
  readonly purpose: string
  readonly withdrawn_at?: string
}

async function keysOf(identity: RunningIdentity, token: string): Promise<readonly ListedKey[]> {
  const answer = await call(identity, 'GET /admin/keys', { token })
  assert.equal(answer.status, 200, answer.body)
  return answer.members()['keys'] as readonly ListedKey[]
}

/** What a thief has who has read the database and the sealing key. */
async function stealKey(identity: RunningIdentity, kid: string): Promise<SigningKey> {
  const rows = await identity.query('SELECT * FROM signing_keys')
  const row = rows.find((one) => one['kid'] === kid)
  const sealer = createSealer(identity.sealingKey, randomBytes)
  const opened = sealer.open(String(row?.['sealed_private_key']), kid)
  assert.ok(opened.kind === 'opened')
  return { kid, algorithm: 'RS256', privateKey: createPrivateKey(opened.plaintext) }
}

function resign(token: string, key: SigningKey, change: Readonly<Record<string, number>>): string {
  const jws = parseCompactJws(token)
  assert.ok(jws.kind === 'jws')
  return signCompactJws({ ...jws.payload, ...change }, 'at+jwt', key)
}

async function untilRefused(verifier: Verifier, token: string, limitMs: number): Promise<number> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < limitMs) {
    try {
      await verifier.verify(token)
    } catch (error) {
      assert.equal((error as { reason?: unknown }).reason, 'key-withdrawn')
      return performance.now() - startedAt
    }
    await pause(2)
  }
  return assert.fail(`it was accepted for ${limitMs} ms`)
}

testOnEngines(
  'what a stolen key signs is refused by followers in milliseconds, by identity at once, and by others after the age of the key set',
  async (t, engine) => {
    const database = await engine.createStore(t)
    const accounts = [alice, admin, bob]
    const file = { issuer, jwksMaxAgeSeconds: 1 }
    const identity = await startRunningIdentity({ database, accounts, file })
    t.after(identity.close)
    const node = await identity.startNode()
    t.after(node.close)
    const administrator = (await signInHere(identity, admin)).access
    const { access } = await signIn(identity)
    const here = (await signInHere(identity)).access
    const kid = String(decodeToken(access).header['kid'])
    const key = await stealKey(identity, kid)
    const forged = resign(access, key, { iat: Math.floor(identity.clock.now() / 1000) })
    const forgedHere = resign(here, key, { exp: Math.floor(identity.clock.now() / 1000) + 3000 })
    const following = verifierOf(identity, false)
    const plain = verifierOf(identity, true)
    t.after(() => following.close())
    await following.ready()
    for (const verifier of [following, plain]) await verifier.verify(forged)
    assert.ok(await isWelcome(identity, forgedHere))

    const path = `POST /admin/keys/${kid}/withdraw`
    const body = { reason: 'somebody has read the backup' }
    const answer = await call(identity, path, { token: administrator, body })
    assert.deepEqual(Object.keys(answer.members()).toSorted(), ['keys', 'revocation'])
    assert.ok(positionOf(answer).seq >= 1)
    assert.ok(!(await isWelcome(identity, forgedHere)))
    assert.ok(!(await isWelcome(identity, administrator)))
    assert.ok(!(await isWelcome(identity, here)))
    const delayMs = await untilRefused(following, forged, 2000)
    t.diagnostic(`refused after ${Math.round(delayMs)} ms`)
    assert.ok(delayMs < 500, `${delayMs} ms`)

    // Past max-age and stale-while-revalidate of the key set that it holds.
    await pause(2500)
    identity.clock.advanceMs(3000)
    await assert.rejects(plain.verify(forged), { code: 'invalid-token' })

    const again = (await signInHere(identity, admin)).access
    assert.notEqual(decodeToken(again).header['kid'], kid)
    assert.ok(await isWelcome(node, again))
    assert.ok(!(await isWelcome(node, forgedHere)))
    assert.notEqual(decodeToken((await signIn(node)).access).header['kid'], kid)
    const listed = (await keysOf(node, again)).find((one) => one.kid === kid)
    assert.equal(listed?.state, 'withdrawn')
    assert.ok(Date.parse(listed.withdrawn_at ?? '') > 0)
    await following.verify((await signIn(identity)).access)

    const repeated = await call(node, path, { token: again, body })
    assert.equal(repeated.status, 200, repeated.body)
    assert.equal(repeated.members()['revocation'], undefined)
    const kinds = await eventKinds(identity)
    assert.equal(kinds.filter((kind) => kind === 'key-withdrawn').length, 1)
  },
)

testOnEngines('who may withdraw which key, and with what reason', async (t, engine) => {
  const database = await engine.createStore(t)
  const identity = await startRunningIdentity({ database, accounts: [admin, bob] })
  t.after(identity.close)
  const token = (await signInHere(identity, admin)).access
  const stranger = (await signInHere(identity, bob)).access
  const key = (await keysOf(identity, token)).find(({ purpose }) => purpose === 'feed')
  const path = `POST /admin/keys/${key?.kid}/withdraw`
  const body = { reason: 'it was in a log' }
  assertProblem(await call(identity, path, { token: stranger, body }), 403, 'insufficient-scope')
  assertProblem(await call(identity, path, { token, body: {} }), 400, 'malformed')
  const unknown = `POST /admin/keys/${'A'.repeat(43)}/withdraw`
  assertProblem(await call(identity, unknown, { token, body }), 404, 'not-found')
  assert.deepEqual(await eventKinds(identity), [])
  const answer = await call(identity, path, { token, body })
  assert.equal(answer.status, 200, answer.body)
  assert.equal(answer.members()['revocation'], undefined)
  const feed = (await identity.ask({ path: '/.well-known/revocation-keys.json' })).members()
  const kids = (feed['keys'] as readonly ListedKey[]).map(({ kid }) => kid)
  assert.equal(kids.length, 2)
  assert.ok(!kids.includes(key?.kid ?? ''))
})

testOnEngines(
  'a node that has not heard of a withdrawal takes no token of the key all the same',
  async (t, engine) => {
    const identity = await startRunningIdentity({
      accounts: [alice, admin],
      database: await engine.createStore(t),
    })
    t.after(identity.close)
    const other = await identity.startNode()
    t.after(other.close)
    const { access: token, accountId } = await signInHere(identity, admin)
    const kid = String(decodeToken(token).header['kid'])
    assert.equal((await call(other, 'GET /admin/keys', { token })).status, 200)
    const body = { reason: 'stolen' }
    const withdrawal = await call(identity, `POST /admin/keys/${kid}/withdraw`, { token, body })
    assert.equal(withdrawal.status, 200, withdrawal.body)
    const roles = { roles: ['identity-admin', 'auditor'], reason: 'by a stolen key' }
    const path = `POST /admin/accounts/${accountId}/roles`
    const attempt = await call(other, path, { token, body: roles })
    assertProblem(attempt, 401, 'invalid-token')
    assert.match(attempt.body, /was taken back/)
  },
)
