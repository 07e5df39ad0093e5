import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { KeyStore, PlacedKey } from '../src/domain/key-upkeep.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import {
  claims,
  insertHead,
  keyIn,
  kidOf,
  keyStoreOf,
  kidsOf,
  kidsOfHead,
  nothing,
  open,
  openNode,
  openStore,
  openTwice,
  publishedMsMin,
  rotationMs,
  tryToOpen,
} from './opened-keyring.ts'

testOnEngines(
  'of two rotations that race, on one node or on two, one wins and the other is too early',
  async (t, engine) => {
    const clock = createChosenClock()
    const [database, otherDatabase] = await openTwice(t, engine, clock.now)
    const one = await open(database)
    const other = await open(otherDatabase)
    for (const [first, second] of [
      [one, other],
      [one, one],
    ] as const) {
      clock.advanceMs(publishedMsMin)
      const outcomes = await Promise.all([first.rotate(), second.rotate()])
      assert.deepEqual(outcomes.map(({ kind }) => kind).toSorted(), ['rotated', 'too-early'])
      await Promise.all([one.tick(), other.tick()])
      assert.deepEqual(one.publicJwks(), other.publicJwks())
    }
  },
)

testOnEngines(
  'a store from before gets its pending key at the start, and rotates it only when it is ripe',
  async (t, engine) => {
    const { database, clock, keyring } = await openNode(t, engine)
    const kept = await keyIn(keyring, 'active')
    await database.write("DELETE FROM signing_keys WHERE purpose = 'feed' OR state = 'pending'")
    clock.advanceMs(2 * rotationMs)
    const later = await open(database)
    assert.deepEqual(await keyIn(later, 'active'), kept)
    assert.equal((await keyIn(later, 'pending')).createdAt, clock.now())
    assert.equal((await keyIn(later, 'active', 'feed')).activatedAt, clock.now())
    assert.deepEqual(await kidsOfHead(database), kidsOf(later))
    clock.advanceMs(publishedMsMin - 1)
    assert.deepEqual(await later.tick(), nothing)
    clock.advanceMs(1)
    assert.notDeepEqual(await later.tick(), nothing)
    assert.equal((await keyIn(later, 'retiring')).kid, kept.kid)
  },
)

testOnEngines(
  'a restart keeps every state, and a head that is younger than the keys learns of them',
  async (t, engine) => {
    const url = await engine.createStore(t)
    const clock = createChosenClock()
    const before = await openStore(t, url, clock.now)
    const keyring = await open(before)
    clock.advanceMs(publishedMsMin)
    await keyring.rotate()
    const keys = await keyring.list()
    assert.equal(keys.length, 5)
    await before.close()

    const after = await openStore(t, url, clock.now)
    await insertHead(after)
    const restarted = await open(after)
    assert.deepEqual(await restarted.list(), keys)
    assert.deepEqual(restarted.publicJwks(), keyring.publicJwks())
    assert.deepEqual(await kidsOfHead(after), kidsOf(restarted))
  },
)

testOnEngines(
  'a node that was down while its keys became due rotates at its start',
  async (t, engine) => {
    const { database, clock, keyring } = await openNode(t, engine)
    const pending = await keyIn(keyring, 'pending')
    clock.advanceMs(rotationMs)
    const restarted = await open(database)
    assert.equal(kidOf(await restarted.sign(claims, 'ES256')), pending.kid)
  },
)

testOnEngines(
  'the keyring of another process follows a rotation and a destruction at its next tick',
  async (t, engine) => {
    const clock = createChosenClock()
    const [database, otherDatabase] = await openTwice(t, engine, clock.now)
    const one = await open(database)
    const other = await open(otherDatabase)
    clock.advanceMs(publishedMsMin)
    await one.rotate()
    await one.rotate({ purpose: 'feed' })
    assert.notDeepEqual(other.publicJwks(), one.publicJwks())
    assert.deepEqual(await other.tick(), nothing)
    assert.deepEqual(other.publicJwks(), one.publicJwks())
    assert.deepEqual(other.publicFeedJwks(), one.publicFeedJwks())
    assert.equal(kidOf(await other.sign(claims, 'ES256')), kidOf(await one.sign(claims, 'ES256')))
    const checkpoints = await Promise.all(
      [one, other].map((node) => node.signCheckpoint({ seq: 1 }, 'x+jwt')),
    )
    assert.equal(kidOf(checkpoints[0] ?? ''), kidOf(checkpoints[1] ?? ''))

    clock.advanceMs(3_660_000)
    await one.tick()
    await other.tick()
    assert.equal(other.publicJwks().keys.length, 2)
    assert.deepEqual(other.publicJwks(), one.publicJwks())
  },
)

testOnEngines(
  'a slow tick does not put back the keys that a rotation has just replaced',
  async (t, engine) => {
    const clock = createChosenClock()
    const [database, otherDatabase] = await openTwice(t, engine, clock.now)
    const keys = keyStoreOf(database)
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    let readings = 0
    const readKeys: KeyStore['readKeys'] = async () => {
      const rows = await keys.readKeys()
      readings += 1
      // The opening reads twice, and so does a tick that finds something: this is its last reading.
      if (readings === 4) {
        reached.resolve()
        await gate.promise
      }
      return rows
    }
    const keyring = await open(database, { keys: { ...keys, readKeys } })
    const other = await open(otherDatabase)
    clock.advanceMs(publishedMsMin)
    await other.rotate({ purpose: 'feed' })
    const tick = keyring.tick()
    await reached.promise
    const rotation = keyring.rotate()
    // As long as a rotation takes that does not wait.
    await setImmediate()
    gate.resolve()
    assert.deepEqual([(await tick).kind, (await rotation).kind], ['kept', 'rotated'])
    await other.tick()
    assert.deepEqual(keyring.publicJwks(), other.publicJwks())
  },
)

testOnEngines('a tick that finds nothing new keeps the very same key set', async (t, engine) => {
  const { keyring } = await openNode(t, engine)
  const jwks = keyring.publicJwks()
  await keyring.tick()
  assert.equal(keyring.publicJwks(), jwks)
})

/** How an engine is made to fail when the head of the log is written. */
const failure = {
  SQLite: {
    create: `CREATE TRIGGER failure BEFORE UPDATE ON revocation_head
             BEGIN SELECT raise(ABORT, 'the disk is full'); END`,
    remove: 'DROP TRIGGER failure',
  },
  PostgreSQL: {
    create: `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN RAISE EXCEPTION ''the disk is full''; END';
             CREATE TRIGGER failure BEFORE UPDATE ON revocation_head FOR EACH ROW EXECUTE FUNCTION fail()`,
    remove: 'DROP TRIGGER failure ON revocation_head',
  },
} as const

testOnEngines(
  'a step that fails in the middle changes neither keys nor the head',
  async (t, engine) => {
    const { database, clock, keyring } = await openNode(t, engine)
    clock.advanceMs(publishedMsMin)
    const read = async (): Promise<unknown> => [
      await database.read('SELECT * FROM signing_keys'),
      await database.read('SELECT * FROM revocation_head'),
    ]
    const before = await read()
    const signer = kidOf(await keyring.sign(claims, 'ES256'))
    // The last thing that a rotation writes.
    await database.write(failure[engine.name].create)
    await assert.rejects(keyring.rotate(), /the disk is full/)
    assert.deepEqual(await read(), before)
    assert.equal(kidOf(await keyring.sign(claims, 'ES256')), signer)
    await database.write(failure[engine.name].remove)
    assert.equal((await keyring.rotate()).kind, 'rotated')
  },
)

testOnEngines(
  'a key that another process sealed with another key does not stop a node: its keys stay in use',
  async (t, engine) => {
    const clock = createChosenClock()
    const [database] = await openTwice(t, engine, clock.now)
    const keyring = await open(database)
    const signer = kidOf(await keyring.sign(claims, 'ES256'))
    const jwks = keyring.publicJwks()
    const { kid } = await keyIn(keyring, 'pending')
    const [row] = await database.read('SELECT * FROM signing_keys WHERE kid = $1', [kid])
    const stranger = createSealer(randomBytes(32), randomBytes)
    // As if a misconfigured process had rotated.
    await database.write("UPDATE signing_keys SET state = 'retiring' WHERE kid = $1", [
      String(signer),
    ])
    await database.write(
      "UPDATE signing_keys SET state = 'active', sealed_private_key = $2 WHERE kid = $1",
      [kid, stranger.seal('sealed elsewhere', kid)],
    )
    const unopenable = { kind: 'unopenable', kid, why: 'sealed-with-another-key' }
    clock.advanceMs(publishedMsMin)
    assert.deepEqual(await keyring.tick(), unopenable)
    assert.deepEqual(await keyring.rotate(), unopenable)
    assert.deepEqual(await tryToOpen(database), unopenable)
    assert.equal(kidOf(await keyring.sign(claims, 'ES256')), signer)
    assert.equal(keyring.publicJwks(), jwks)

    const put = 'UPDATE signing_keys SET sealed_private_key = $2 WHERE kid = $1'
    await database.write(put, [kid, String(row?.['sealed_private_key'])])
    assert.equal((await keyring.tick()).kind, 'kept')
    assert.equal(kidOf(await keyring.sign(claims, 'ES256')), kid)
  },
)

function keyNamed(kid: string): PlacedKey {
  return {
    kid,
    purpose: 'access-token',
    algorithm: 'ES256',
    state: 'pending',
    publicJwk: { kid, use: 'sig', alg: 'ES256' },
    kept: 'sealed',
  }
}

testOnEngines(
  'of two first keys for one place the store keeps one, and answers it to both',
  async (t, engine) => {
    const [one, other] = (await openTwice(t, engine)).map(keyStoreOf)
    assert.ok(one !== undefined && other !== undefined)
    await one.insertMissing([keyNamed('first')])
    await other.insertMissing([keyNamed('second')])
    for (const store of [one, other]) {
      const keys = await store.readKeys()
      assert.deepEqual(
        keys.map(({ kid }) => kid),
        ['first'],
      )
    }
  },
)
