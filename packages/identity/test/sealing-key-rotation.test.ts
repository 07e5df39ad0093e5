import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { verifyStoredAudit } from '../src/audit-check.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { decodeToken } from './decoded-token.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import type { RunningIdentity } from './running-identity.ts'
import { alice, startRunningIdentity } from './running-identity.ts'
import { admin, call, signIn, signInHere } from './signed-in.ts'
import { startError } from './start-error.ts'

const next = randomBytes(32)

async function startOn(t: TestContext, engine: Engine): Promise<RunningIdentity> {
  const database = await engine.createStore(t)
  return startRunningIdentity({
    database,
    accounts: [alice, admin],
    file: { loginProtection: { freeTries: 1 } },
  })
}

/** The sealing keys that everything in the store is sealed with, by the ids in the sealed texts. */
async function sealedWith(identity: RunningIdentity): Promise<readonly string[]> {
  const rows = [
    ...(await identity.query(
      'SELECT sealed_private_key AS sealed FROM signing_keys WHERE sealed_private_key IS NOT NULL',
    )),
    ...(await identity.query('SELECT sealed FROM sealed_secrets')),
  ]
  assert.ok(rows.length >= 7, 'there is less than was sealed')
  return [...new Set(rows.map((row) => String(row['sealed']).split('.')[1] ?? ''))]
}

function idOf(sealingKey: Buffer): string {
  const sealed = createSealer(sealingKey, randomBytes).seal('', '')
  return sealed.split('.')[1] ?? ''
}

async function verdictOf(node: RunningIdentity): Promise<unknown> {
  const token = (await signInHere(node, admin)).access
  return (await call(node, 'POST /admin/audit/verify', { token, body: {} })).members()
}

async function kidOfLogin(identity: RunningIdentity): Promise<unknown> {
  return decodeToken((await signIn(identity)).access).header['kid']
}

test('what one key has sealed is put under the next one, which then is enough', () => {
  const [one, other] = [randomBytes(32), randomBytes(32)]
  const before = createSealer(one, randomBytes)
  const during = createSealer(other, randomBytes, [one])
  const after = createSealer(other, randomBytes)
  const sealed = before.seal('the private half', 'kid-1')
  assert.deepEqual(during.open(sealed, 'kid-1'), { kind: 'opened', plaintext: 'the private half' })
  const resealed = during.reseal(sealed, 'kid-1') ?? assert.fail('it was left as it was')
  assert.deepEqual(after.open(resealed, 'kid-1'), { kind: 'opened', plaintext: 'the private half' })
  assert.deepEqual(before.open(resealed, 'kid-1'), { kind: 'sealed-with-another-key' })
  for (const [text, context] of [
    [resealed, 'kid-1'],
    [sealed, 'kid-2'],
    ['v1.damaged', 'kid-1'],
    [createSealer(randomBytes(32), randomBytes).seal('', 'kid-1'), 'kid-1'],
  ] as const) {
    assert.equal(during.reseal(text, context), undefined)
  }
})

testOnEngines(
  'a sealing key is rolled over two nodes in three steps, and nobody notices',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    t.after(identity.close)
    const { sealingKey: old } = identity
    const kid = await kidOfLogin(identity)
    assert.deepEqual(await sealedWith(identity), [idOf(old)])

    // First everybody accepts the next one,
    const accepting = { sealingKey: old, previousSealingKey: next }
    let one = await identity.startNode(accepting)
    let other = await identity.startNode(accepting)
    t.after(async () => Promise.all([one, other].map((node) => node.close())))
    assert.deepEqual(await sealedWith(identity), [idOf(old)])
    // then one after the other seals with it,
    const sealing = { sealingKey: next, previousSealingKey: old }
    one = await one.restart(undefined, sealing)
    assert.deepEqual(await sealedWith(identity), [idOf(next)])
    assert.match(one.logged(), /everything is sealed with the present sealing key/)
    // while a key that the other one makes meanwhile is opened by both,
    const token = (await signInHere(other, admin)).access
    const pending = "SELECT kid FROM signing_keys WHERE state = 'pending' AND algorithm = 'RS256'"
    const [row] = await identity.query(pending)
    const path = `POST /admin/keys/${String(row?.['kid'])}/withdraw`
    assert.equal((await call(other, path, { token, body: { reason: 'to see' } })).status, 200)
    assert.deepEqual((await sealedWith(identity)).toSorted(), [idOf(old), idOf(next)].toSorted())
    other = await other.restart(undefined, sealing)
    assert.deepEqual(await sealedWith(identity), [idOf(next)])
    // and then the old one is dropped.
    const dropped = { sealingKey: next, previousSealingKey: undefined }
    one = await one.restart(undefined, dropped)
    other = await other.restart(undefined, dropped)
    for (const node of [one, other]) assert.equal(await kidOfLogin(node), kid)
    // What was recorded under the old key holds, by whichever way it is asked.
    const administrator = (await signInHere(one, admin)).access
    const verdict = await call(one, 'POST /admin/audit/verify', { token: administrator, body: {} })
    assert.partialDeepStrictEqual(verdict.members(), { ok: true })
    const offline = { sealingKey: next, anchors: [] }
    const beside = await verifyStoredAudit(identity.database, offline)
    assert.equal(beside.firstBad, undefined)
    assert.ok(beside.records >= 10, `there are only ${beside.records} records`)
    // Whoever has not come further than the first step can ask as well.
    const behind = { ...offline, sealingKey: old, previousSealingKey: next }
    assert.equal((await verifyStoredAudit(identity.database, behind)).firstBad, undefined)
    await assert.rejects(
      verifyStoredAudit(identity.database, { ...offline, sealingKey: old }),
      startError(/the stored audit key was sealed with another sealing key/),
    )
    assert.ok(!one.logged().includes('cannot be kept up'))
  },
)

testOnEngines(
  'a start with the next sealing key alone is refused before anything is changed',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    t.after(identity.close)
    const before = await sealedWith(identity)
    const wrong = startError(/was sealed with another sealing key/)
    await assert.rejects(identity.startNode({ sealingKey: next }), wrong)
    const strangers = { sealingKey: next, previousSealingKey: randomBytes(32) }
    await assert.rejects(identity.startNode(strangers), wrong)
    assert.deepEqual(await sealedWith(identity), before)
    await kidOfLogin(identity)
  },
)

testOnEngines(
  'a node that was left out of the first step says so, and not that the record was touched',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    t.after(identity.close)
    assert.partialDeepStrictEqual(await verdictOf(identity), { ok: true })
    const rolled = { sealingKey: next, previousSealingKey: identity.sealingKey }
    const node = await identity.startNode(rolled)
    t.after(node.close)
    const unknown = { ok: false, chains: 0, records: 0, first_bad: { what: 'sealing-key' } }
    assert.deepEqual(await verdictOf(identity), unknown)
    assert.partialDeepStrictEqual(await verdictOf(node), { ok: true })
  },
)

testOnEngines(
  'failed logins and known networks are remembered over a new sealing key, and counted alike by both nodes',
  async (t, engine) => {
    const identity = await startOn(t, engine)
    t.after(identity.close)
    const rolled = { sealingKey: next, previousSealingKey: identity.sealingKey }
    const known = 'SELECT count(*) AS count FROM login_counters'
    await kidOfLogin(identity)
    const [counted] = await identity.query(known)
    const node = await identity.startNode(rolled)
    t.after(node.close)
    await kidOfLogin(node)
    // The same rows were found: the network that was known is known.
    assert.deepEqual(await identity.query(known), [counted])
    const wrong = { identifier: alice.identifier, password: 'wrong' }
    assert.equal((await identity.login(wrong)).status, 401)
    assert.equal((await node.login(wrong)).status, 429)
  },
)
