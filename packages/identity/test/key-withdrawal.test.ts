import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { fingerprintOf } from '@portcullis/protocol/revocations'
import type { KeyFacts } from '../src/domain/key-life.ts'
import type { WithdrawKey } from '../src/domain/key-withdrawal.ts'
import type { KeyStore } from '../src/domain/key-upkeep.ts'
import type { Keyring } from '../src/domain/keyring.ts'
import type { Database } from '../src/store/database.ts'
import { openStoreAt } from './opened-store.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { Engine } from './engines.ts'
import { testOnEngines } from './engines.ts'
import {
  claims,
  isSignedByOneOf,
  keyIn,
  keyStoreOf,
  kidOf,
  kidsOf,
  kidsOfHead,
  nothing,
  open,
  publishedMsMin,
} from './opened-keyring.ts'

interface Node {
  readonly database: Database
  readonly keyring: Keyring
}

/** Nodes over one store with a whole revocation log. */
async function openNodes(
  t: TestContext,
  engine: Engine,
  wanted: ReadonlySet<AlgorithmName> = new Set(['ES256']),
): Promise<{ readonly clock: ChosenClock; readonly one: Node; readonly other: Node }> {
  const clock = createChosenClock()
  const url = await engine.createStore(t)
  const start = async (): Promise<Node> => {
    const { database } = await openStoreAt(url, clock.now)
    t.after(database.close)
    return { database, keyring: await open(database, { wanted }) }
  }
  return { clock, one: await start(), other: await start() }
}

function because({ kid }: Pick<KeyFacts, 'kid'>): WithdrawKey {
  return { kid, actor: { kind: 'command-line' }, reason: 'a laptop was stolen' }
}

async function placesOf(keyring: Keyring): Promise<readonly string[]> {
  const keys = (await keyring.list()).filter(({ purpose }) => purpose === 'access-token')
  return keys.map(({ kid, state }) => `${kid} ${state}`)
}

async function recordsIn(database: Database): Promise<readonly object[]> {
  const rows = await database.read(
    'SELECT seq, kind, fingerprint, until FROM revocations ORDER BY seq',
  )
  return rows.map((row) => ({ ...row }))
}

function fingerprint({ kid }: KeyFacts): string {
  return fingerprintOf(claims.iss, 'key', kid).toString(16).padStart(16, '0')
}

testOnEngines(
  'an active key is withdrawn in one step: erased, out of everything that names keys, and the next one signs',
  async (t, engine) => {
    const { clock, one } = await openNodes(t, engine)
    const { database, keyring } = one
    const stolen = await keyIn(keyring, 'active')
    const next = await keyIn(keyring, 'pending')
    const token = await keyring.sign(claims, 'ES256')
    clock.advanceMs(1000)
    const outcome = await keyring.withdraw(because(stolen))
    assert.ok(outcome.kind === 'withdrawn')
    assert.equal(outcome.position?.seq, 1)

    const withdrawn = await keyIn(keyring, 'withdrawn')
    assert.deepEqual(withdrawn, { ...stolen, state: 'withdrawn', destroyedAt: clock.now() })
    const [row] = await database.read('SELECT * FROM signing_keys WHERE kid = $1', [stolen.kid])
    assert.equal(row?.['sealed_private_key'], null)
    // What it is to a release that knows nothing of withdrawal.
    assert.equal(row['state'], 'destroyed')
    assert.ok(!kidsOf(keyring).includes(stolen.kid))
    assert.ok(!isSignedByOneOf(keyring.publicJwks(), token))
    assert.deepEqual(await kidsOfHead(database), kidsOf(keyring))
    assert.equal((await keyIn(keyring, 'active')).kid, next.kid)
    assert.equal(kidOf(await keyring.sign(claims, 'ES256')), next.kid)
    assert.equal((await keyIn(keyring, 'pending')).createdAt, clock.now())
    assert.deepEqual(await recordsIn(database), [
      { seq: 1, kind: 'key', fingerprint: fingerprint(stolen), until: null },
    ])
    const events = await database.read('SELECT kind, kid, actor, reason FROM events')
    assert.deepEqual(
      events.map((event) => ({ ...event })),
      [
        {
          kind: 'key-withdrawn',
          kid: stolen.kid,
          actor: 'command-line',
          reason: 'a laptop was stolen',
        },
      ],
    )
    assert.deepEqual(await keyring.tick(), nothing)
  },
)

testOnEngines(
  'a pending key is replaced, a retiring one just goes, and both are said to be withdrawn',
  async (t, engine) => {
    const { clock, one } = await openNodes(t, engine)
    const { database, keyring } = one
    clock.advanceMs(publishedMsMin)
    await keyring.rotate()
    const [retiring, active, pending] = [
      await keyIn(keyring, 'retiring'),
      await keyIn(keyring, 'active'),
      await keyIn(keyring, 'pending'),
    ]
    for (const key of [retiring, pending]) {
      assert.equal((await keyring.withdraw(because(key))).kind, 'withdrawn')
    }
    assert.equal((await keyIn(keyring, 'active')).kid, active.kid)
    const replaced = await keyIn(keyring, 'pending')
    assert.notEqual(replaced.kid, pending.kid)
    assert.deepEqual(kidsOf(keyring).toSorted(), [active.kid, replaced.kid].toSorted())
    assert.deepEqual(await kidsOfHead(database), kidsOf(keyring))
    assert.deepEqual(
      (await recordsIn(database)).map((record) => 'fingerprint' in record && record.fingerprint),
      [fingerprint(retiring), fingerprint(pending)],
    )
  },
)

testOnEngines(
  'a key that is gone changes nothing when it is withdrawn again, and one that never was is unknown',
  async (t, engine) => {
    const { clock, one } = await openNodes(t, engine)
    const { database, keyring } = one
    const first = await keyIn(keyring, 'active')
    clock.advanceMs(publishedMsMin)
    await keyring.rotate()
    clock.advanceMs(960_000)
    assert.deepEqual(await keyring.tick(), { ...nothing, destroyed: [first.kid] })
    const second = await keyIn(keyring, 'active')
    assert.equal((await keyring.withdraw(because(second))).kind, 'withdrawn')
    const before = [await keyring.list(), await recordsIn(database)]
    for (const key of [first, second]) {
      assert.deepEqual(await keyring.withdraw(because(key)), { kind: 'gone-before' })
    }
    assert.deepEqual(await keyring.withdraw(because({ kid: 'none' })), { kind: 'unknown-key' })
    assert.deepEqual([await keyring.list(), await recordsIn(database)], before)
    assert.equal(
      (await database.read("SELECT * FROM events WHERE kind = 'key-withdrawn'")).length,
      1,
    )
  },
)

testOnEngines(
  'a feed key is withdrawn like the others, without a record: its next one signs checkpoints',
  async (t, engine) => {
    const { one, other } = await openNodes(t, engine)
    const stolen = await keyIn(one.keyring, 'active', 'feed')
    const next = await keyIn(one.keyring, 'pending', 'feed')
    const outcome = await one.keyring.withdraw(because(stolen))
    assert.deepEqual(outcome, { kind: 'withdrawn', position: undefined })
    assert.deepEqual(await recordsIn(one.database), [])
    await other.keyring.tick()
    for (const { keyring } of [one, other]) {
      assert.equal(kidOf(await keyring.signCheckpoint({ seq: 1 }, 'x+jwt')), next.kid)
      const kids = keyring.publicFeedJwks().keys.map(({ kid }) => kid)
      assert.equal(kids.length, 2)
      assert.ok(!kids.includes(stolen.kid))
    }
  },
)

testOnEngines(
  'another node signs with the next key after its tick, and drops the withdrawn one even if it cannot open that',
  async (t, engine) => {
    const { one, other } = await openNodes(t, engine)
    const stolen = await keyIn(one.keyring, 'active')
    await one.keyring.withdraw(because(stolen))
    assert.equal(kidOf(await other.keyring.sign(claims, 'ES256')), stolen.kid)
    await other.keyring.tick()
    assert.deepEqual(other.keyring.publicJwks(), one.keyring.publicJwks())
    const next = await keyIn(one.keyring, 'active')
    assert.equal(kidOf(await other.keyring.sign(claims, 'ES256')), next.kid)

    await one.keyring.withdraw(because(next))
    await one.database.write(
      "UPDATE signing_keys SET sealed_private_key = 'v1.damaged' WHERE state = 'active'",
    )
    assert.equal((await other.keyring.tick()).kind, 'unopenable')
    assert.ok(!kidsOf(other.keyring).includes(next.kid))
    await assert.rejects(other.keyring.sign(claims, 'ES256'), { name: 'SignerUnavailableError' })
  },
)

testOnEngines(
  'with every key withdrawn, one after the other, there is one to sign with',
  async (t, engine) => {
    const wanted = new Set<AlgorithmName>(['ES256', 'EdDSA'])
    const { one } = await openNodes(t, engine, wanted)
    const { keyring } = one
    const stolen = await keyring.list()
    assert.equal(stolen.length, 6)
    for (const key of stolen) assert.equal((await keyring.withdraw(because(key))).kind, 'withdrawn')
    const kids = new Set(stolen.map(({ kid }) => kid))
    for (const algorithm of wanted) {
      const token = await keyring.sign(claims, algorithm)
      assert.ok(isSignedByOneOf(keyring.publicJwks(), token))
      assert.ok(!kids.has(String(kidOf(token))))
    }
    assert.ok(!kids.has(String(kidOf(await keyring.signCheckpoint({}, 'x+jwt')))))
    assert.deepEqual(await keyring.tick(), nothing)
  },
)

testOnEngines(
  'a withdrawal that races a rotation, another withdrawal or both leaves one key that signs and one that waits',
  async (t, engine) => {
    const { clock, one, other } = await openNodes(t, engine)
    for (let round = 0; round < 4; round += 1) {
      clock.advanceMs(publishedMsMin)
      const stolen = await keyIn(one.keyring, round % 2 === 0 ? 'active' : 'pending')
      const outcomes = await Promise.all([
        one.keyring.withdraw(because(stolen)),
        other.keyring.rotate(),
        other.keyring.withdraw(because(stolen)),
      ])
      const kinds = [outcomes[0].kind, outcomes[2].kind]
      assert.deepEqual(kinds.toSorted(), ['gone-before', 'withdrawn'])
      assert.ok(['rotated', 'too-early'].includes(outcomes[1].kind), outcomes[1].kind)
      await one.keyring.tick()
      await other.keyring.tick()
      assert.deepEqual(await placesOf(one.keyring), await placesOf(other.keyring))
      await keyIn(one.keyring, 'active')
      await keyIn(one.keyring, 'pending')
      assert.ok(!kidsOf(one.keyring).includes(stolen.kid))
      assert.deepEqual(await kidsOfHead(one.database), kidsOf(one.keyring))
      assert.deepEqual(one.keyring.publicJwks(), other.keyring.publicJwks())
      const token = await one.keyring.sign(claims, 'ES256')
      assert.ok(isSignedByOneOf(other.keyring.publicJwks(), token))
    }
  },
)

testOnEngines(
  'a key that a rotation promotes or retires while its successor is made is withdrawn in the place it has then',
  async (t, engine) => {
    const { clock, one, other } = await openNodes(t, engine)
    clock.advanceMs(publishedMsMin)
    const stolen = await keyIn(one.keyring, 'active')
    const keys = keyStoreOf(one.database)
    const withdraw: KeyStore['withdraw'] = async (request) => {
      await other.keyring.rotate()
      return keys.withdraw(request)
    }
    const late = await open(one.database, { keys: { ...keys, withdraw } })
    assert.equal((await late.withdraw(because(stolen))).kind, 'withdrawn')
    // It was retiring by then: nobody follows it.
    const states = (await late.list()).filter((key) => key.purpose === 'access-token')
    assert.deepEqual(states.map(({ state }) => state).toSorted(), [
      'active',
      'pending',
      'withdrawn',
    ])
    assert.deepEqual(await kidsOfHead(one.database), kidsOf(late))
  },
)

testOnEngines(
  'a node that cannot open the keys withdraws all the same, and leaves the next one to those that can',
  async (t, engine) => {
    const { one, other } = await openNodes(t, engine)
    const stolen = await keyIn(one.keyring, 'pending')
    const [row] = await one.database.read(
      "SELECT kid, sealed_private_key AS kept FROM signing_keys WHERE state = 'active' AND purpose = 'feed'",
    )
    const put = 'UPDATE signing_keys SET sealed_private_key = $2 WHERE kid = $1'
    const kid = String(row?.['kid'])
    await one.database.write(put, [kid, 'v1.damaged'])
    const outcome = await other.keyring.withdraw(because(stolen))
    assert.equal(outcome.kind, 'withdrawn')
    await one.database.write(put, [kid, String(row?.['kept'])])
    await one.keyring.tick()
    assert.notEqual((await keyIn(one.keyring, 'pending')).kid, stolen.kid)
    await other.keyring.tick()
    assert.deepEqual(one.keyring.publicJwks(), other.keyring.publicJwks())
  },
)

const failure = {
  SQLite: `CREATE TRIGGER failure BEFORE INSERT ON revocations
           BEGIN SELECT raise(ABORT, 'the disk is full'); END`,
  PostgreSQL: `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RAISE EXCEPTION ''the disk is full''; END';
               CREATE TRIGGER failure BEFORE INSERT ON revocations FOR EACH ROW EXECUTE FUNCTION fail()`,
} as const

testOnEngines('a withdrawal that fails in the middle changes nothing', async (t, engine) => {
  const { one } = await openNodes(t, engine)
  const { database, keyring } = one
  const stolen = await keyIn(keyring, 'active')
  await database.write(failure[engine.name])
  const read = async (): Promise<unknown> => [
    await database.read('SELECT * FROM signing_keys ORDER BY kid'),
    await database.read('SELECT * FROM revocation_head'),
    await database.read('SELECT * FROM events'),
  ]
  const before = await read()
  await assert.rejects(keyring.withdraw(because(stolen)), /the disk is full/)
  assert.deepEqual(await read(), before)
  assert.equal(kidOf(await keyring.sign(claims, 'ES256')), stolen.kid)
})
