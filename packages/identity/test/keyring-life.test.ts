import assert from 'node:assert/strict'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { createChosenClock, startMs } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import {
  accessTokenSecondsMax,
  claims,
  isSignedByOneOf,
  keyIn,
  kidOf,
  kidsOf,
  kidsOfHead,
  nothing,
  open,
  openNode,
  openTwice,
  publishedMsMin,
  rotationMs,
} from './opened-keyring.ts'

const destroyedAfterMs = (accessTokenSecondsMax + 60) * 1000
const two: ReadonlySet<AlgorithmName> = new Set(['ES256', 'EdDSA'])

testOnEngines(
  'an empty store gets an active and a pending key for each algorithm and the feed',
  async (t, engine) => {
    const { database, keyring } = await openNode(t, engine, two)
    const keys = await keyring.list()
    const places = keys.map(({ purpose, algorithm, state }) => `${purpose} ${algorithm} ${state}`)
    assert.deepEqual(places.toSorted(), [
      'access-token ES256 active',
      'access-token ES256 pending',
      'access-token EdDSA active',
      'access-token EdDSA pending',
      'feed ES256 active',
      'feed ES256 pending',
    ])
    for (const key of keys) {
      assert.equal(key.createdAt, startMs)
      assert.equal(key.activatedAt, key.state === 'active' ? startMs : undefined)
    }
    assert.ok(isSignedByOneOf(keyring.publicJwks(), await keyring.sign(claims, 'EdDSA')))
    assert.deepEqual(await kidsOfHead(database), kidsOf(keyring))
    assert.deepEqual(await keyring.tick(), nothing)
  },
)

testOnEngines(
  'a key is pending, then active, then retiring, then destroyed, and dated each time',
  async (t, engine) => {
    const { database, clock, keyring } = await openNode(t, engine)
    const first = await keyIn(keyring, 'active')
    const second = await keyIn(keyring, 'pending')
    clock.advanceMs(publishedMsMin)
    const lines = [{ purpose: 'access-token', algorithm: 'ES256' }]
    assert.deepEqual(await keyring.rotate(), { kind: 'rotated', lines })
    const rotatedAt = clock.now()
    const active = { ...second, state: 'active', activatedAt: rotatedAt }
    const retiring = { ...first, state: 'retiring', retiredAt: rotatedAt }
    assert.deepEqual(await keyIn(keyring, 'active'), active)
    assert.deepEqual(await keyIn(keyring, 'retiring'), retiring)
    const third = await keyIn(keyring, 'pending')
    assert.equal(third.createdAt, rotatedAt)
    assert.deepEqual(kidsOf(keyring).toSorted(), [first.kid, second.kid, third.kid].toSorted())
    assert.deepEqual(await kidsOfHead(database), kidsOf(keyring))

    clock.advanceMs(destroyedAfterMs - 1)
    assert.deepEqual(await keyring.tick(), nothing)
    clock.advanceMs(1)
    assert.deepEqual(await keyring.tick(), { ...nothing, destroyed: [first.kid] })
    const destroyed = { ...retiring, state: 'destroyed', destroyedAt: clock.now() }
    assert.deepEqual(await keyIn(keyring, 'destroyed'), destroyed)
    assert.deepEqual(kidsOf(keyring), [second.kid, third.kid])
    assert.deepEqual(await kidsOfHead(database), [second.kid, third.kid])
    const [row] = await database.read(
      'SELECT sealed_private_key FROM signing_keys WHERE kid = $1',
      [first.kid],
    )
    assert.equal(row?.['sealed_private_key'], null)
  },
)

testOnEngines(
  'a token of the key that has just retired verifies until it expires',
  async (t, engine) => {
    const { clock, keyring } = await openNode(t, engine)
    clock.advanceMs(publishedMsMin)
    const token = await keyring.sign(claims, 'ES256')
    await keyring.rotate()
    assert.notEqual(kidOf(await keyring.sign(claims, 'ES256')), kidOf(token))
    clock.advanceMs(accessTokenSecondsMax * 1000)
    await keyring.tick()
    assert.ok(isSignedByOneOf(keyring.publicJwks(), token))
  },
)

testOnEngines(
  'a rotation before the pending key was published long enough changes nothing, and says when',
  async (t, engine) => {
    const { database, clock, keyring } = await openNode(t, engine)
    clock.advanceMs(publishedMsMin - 1)
    const before = await database.read('SELECT * FROM signing_keys')
    const jwks = keyring.publicJwks()
    const refusal = { kind: 'too-early', mayAt: startMs + publishedMsMin, waitMs: 1 }
    assert.deepEqual(await keyring.rotate(), refusal)
    assert.deepEqual(await database.read('SELECT * FROM signing_keys'), before)
    assert.deepEqual(keyring.publicJwks(), jwks)
    clock.advanceMs(1)
    assert.equal((await keyring.rotate()).kind, 'rotated')
    const mayAt = clock.now() + publishedMsMin
    const again = { kind: 'too-early', mayAt, waitMs: publishedMsMin }
    assert.deepEqual(await keyring.rotate(), again)
  },
)

testOnEngines(
  'an algorithm can rotate alone, and after that all of them wait for its young key',
  async (t, engine) => {
    const { clock, keyring } = await openNode(t, engine, two)
    clock.advanceMs(publishedMsMin)
    const lines = [{ purpose: 'access-token', algorithm: 'EdDSA' }]
    assert.deepEqual(await keyring.rotate({ algorithm: 'EdDSA' }), { kind: 'rotated', lines })
    assert.deepEqual(await keyring.rotate({ algorithm: 'RS256' }), { kind: 'unknown-algorithm' })
    clock.advanceMs(1)
    const mayAt = clock.now() - 1 + publishedMsMin
    assert.deepEqual(await keyring.rotate(), {
      kind: 'too-early',
      mayAt,
      waitMs: mayAt - clock.now(),
    })
    const active = (await keyring.list()).filter(({ state }) => state === 'active')
    const es256 = active.find((key) => key.algorithm === 'ES256' && key.purpose === 'access-token')
    assert.equal(es256?.activatedAt, startMs)
    clock.advanceMs(publishedMsMin)
    const all = await keyring.rotate()
    assert.ok(all.kind === 'rotated')
    assert.deepEqual(all.lines.map(({ algorithm }) => algorithm).toSorted(), ['ES256', 'EdDSA'])
  },
)

testOnEngines(
  'keys rotate by themselves when they reach their age, each line by its own',
  async (t, engine) => {
    const { clock, keyring } = await openNode(t, engine, two)
    clock.advanceMs(publishedMsMin)
    await keyring.rotate({ algorithm: 'EdDSA' })
    clock.advanceMs(rotationMs - publishedMsMin - 1)
    assert.deepEqual({ ...(await keyring.tick()), destroyed: [] }, nothing)
    clock.advanceMs(1)
    const due = await keyring.tick()
    assert.ok(due.kind === 'kept')
    const lines = due.rotated.map(({ purpose, algorithm }) => `${purpose} ${algorithm}`)
    assert.deepEqual(lines.toSorted(), ['access-token ES256', 'feed ES256'])
    clock.advanceMs(publishedMsMin)
    const later = await keyring.tick()
    assert.ok(later.kind === 'kept')
    assert.deepEqual(later.rotated, [{ purpose: 'access-token', algorithm: 'EdDSA' }])
  },
)

testOnEngines(
  'a line never has more retiring keys than verifiers read, and a rotation waits for room',
  async (t, engine) => {
    const { database, clock } = await openNode(t, engine)
    const short = await open(database, { jwksMaxAgeSeconds: 1 })
    const rotatedAt: number[] = []
    for (let turn = 0; turn < 4; turn += 1) {
      clock.advanceMs(7000)
      assert.equal((await short.rotate()).kind, 'rotated')
      rotatedAt.push(clock.now())
    }
    clock.advanceMs(7000)
    const mayAt = (rotatedAt[0] ?? 0) + destroyedAfterMs
    assert.deepEqual(await short.rotate(), {
      kind: 'too-early',
      mayAt,
      waitMs: mayAt - clock.now(),
    })
    assert.equal(short.publicJwks().keys.length, 6)
    clock.advanceMs(mayAt - clock.now())
    assert.equal((await short.rotate()).kind, 'rotated')
    assert.equal(short.publicJwks().keys.length, 6)
  },
)

testOnEngines(
  'a store without a head of the log keeps retiring keys for the longest life that settings allow',
  async (t, engine) => {
    const clock = createChosenClock()
    const [database] = await openTwice(t, engine, clock.now)
    const keyring = await open(database)
    clock.advanceMs(publishedMsMin)
    await keyring.rotate()
    clock.advanceMs(3_660_000 - 1)
    assert.deepEqual(await keyring.tick(), nothing)
    clock.advanceMs(1)
    assert.notDeepEqual(await keyring.tick(), nothing)
  },
)

testOnEngines(
  'a key of the feed never signs a token nor a token key a checkpoint, and each is in its own set',
  async (t, engine) => {
    const { clock, keyring } = await openNode(t, engine)
    clock.advanceMs(publishedMsMin)
    await keyring.rotate()
    await keyring.rotate({ purpose: 'feed' })
    const token = await keyring.sign(claims, 'ES256')
    const checkpoint = await keyring.signCheckpoint({ iss: claims.iss, seq: 1 }, 'x+jwt')
    assert.ok(isSignedByOneOf(keyring.publicJwks(), token))
    assert.ok(isSignedByOneOf(keyring.publicFeedJwks(), checkpoint))
    assert.ok(!isSignedByOneOf(keyring.publicFeedJwks(), token))
    assert.ok(!isSignedByOneOf(keyring.publicJwks(), checkpoint))
    const feedKids = keyring.publicFeedJwks().keys.map(({ kid }) => kid)
    assert.equal(feedKids.length, 3)
    assert.ok(kidsOf(keyring).every((kid) => !feedKids.includes(kid)))
  },
)
