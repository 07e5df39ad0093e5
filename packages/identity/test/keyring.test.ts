import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { createSealer } from '../src/domain/sealing.ts'
import { createChosenClock } from './chosen-clock.ts'
import { testOnEngines } from './engines.ts'
import { claims, open, openTwice, publishedMsMin, sealer, tryToOpen } from './opened-keyring.ts'

/** What audiences may be signed with. */
const every: ReadonlySet<AlgorithmName> = new Set(['RS256', 'PS256', 'ES256', 'EdDSA'])

testOnEngines(
  'a signature of every algorithm is verified by another library with the published keys',
  async (t, engine) => {
    const [database] = await openTwice(t, engine)
    const keyring = await open(database, { wanted: every })
    const keySet = createLocalJWKSet({ keys: [...keyring.publicJwks().keys] })
    for (const algorithm of every) {
      const verified = await jwtVerify(await keyring.sign(claims, algorithm), keySet, {
        algorithms: [algorithm],
        typ: 'at+jwt',
        issuer: 'https://id.example',
        audience: 'orders',
        currentDate: new Date(1_800_000_000_000),
      })
      assert.equal(verified.protectedHeader.alg, algorithm)
      assert.deepEqual(verified.payload, claims)
    }
  },
)

testOnEngines(
  'the published keys have public members only, one algorithm each, and their own kid',
  async (t, engine) => {
    const [database] = await openTwice(t, engine)
    const { keys } = (await open(database, { wanted: every })).publicJwks()
    const membersByAlgorithm = new Map(keys.map((key) => [key.alg, Object.keys(key).toSorted()]))
    assert.deepEqual(
      membersByAlgorithm,
      new Map([
        ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
        ['PS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
        ['ES256', ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
        ['EdDSA', ['alg', 'crv', 'kid', 'kty', 'use', 'x']],
      ]),
    )
    assert.equal(new Set(keys.map(({ kid }) => kid)).size, 8)
  },
)

testOnEngines(
  'keys survive a restart: the same kid, and old tokens still verify',
  async (t, engine) => {
    const [before, after] = await openTwice(t, engine)
    const token = await (await open(before)).sign(claims, 'ES256')
    await before.close()
    const { keys } = (await open(after)).publicJwks()
    assert.equal(keys.length, 2)
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
      currentDate: new Date(1_800_000_000_000),
    })
    assert.ok(keys.some(({ kid }) => kid === protectedHeader.kid))
  },
)

testOnEngines('two nodes that open an empty store at once agree on the keys', async (t, engine) => {
  const nodes = await openTwice(t, engine)
  const wanted = new Set<AlgorithmName>(['ES256', 'EdDSA'])
  const keyrings = await Promise.all(nodes.map((node) => open(node, { wanted })))
  const [one, other] = keyrings.map((keyring) => keyring.publicJwks().keys)
  assert.equal(one?.length, 4)
  assert.deepEqual(one, other)
})

// As in Casdoor, which came with one signing key for everybody.
testOnEngines('every installation makes keys of its own', async (t, engine) => {
  const [one] = await openTwice(t, engine)
  const [other] = await openTwice(t, engine)
  const kids = await Promise.all(
    [one, other].map(async (database) => (await open(database)).publicJwks().keys),
  )
  assert.equal(new Set(kids.flat().map(({ kid }) => kid)).size, 4)
})

testOnEngines(
  'an algorithm that is wanted later gets its keys then, and the first keys stay',
  async (t, engine) => {
    const [first, second] = await openTwice(t, engine)
    const kept = (await open(first)).publicJwks().keys
    const wanted = new Set<AlgorithmName>(['ES256', 'EdDSA'])
    const { keys } = (await open(second, { wanted })).publicJwks()
    assert.deepEqual(keys.map(({ alg }) => alg).toSorted(), ['ES256', 'ES256', 'EdDSA', 'EdDSA'])
    const es256Keys = keys.filter(({ alg }) => alg === 'ES256')
    assert.deepEqual(es256Keys, kept)
  },
)

testOnEngines(
  'a keyring does not sign with an algorithm that it has no key for',
  async (t, engine) => {
    const [database] = await openTwice(t, engine)
    const keyring = await open(database)
    await assert.rejects(keyring.sign(claims, 'RS256'), /no key for RS256/)
  },
)

testOnEngines('a stored key holds its private half sealed only', async (t, engine) => {
  const [database] = await openTwice(t, engine)
  await open(database, { wanted: new Set(['ES256', 'EdDSA']) })
  const rows = await database.read('SELECT * FROM signing_keys')
  assert.equal(rows.length, 6)
  for (const row of rows) {
    const sealed = String(row['sealed_private_key'])
    const opened = sealer.open(sealed, String(row['kid']))
    assert.ok(opened.kind === 'opened' && opened.plaintext.includes('PRIVATE KEY'))
    assert.match(sealed, /^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+$/)
    assert.deepEqual(Object.keys(row), [
      'kid',
      'purpose',
      'algorithm',
      'state',
      'public_jwk',
      'sealed_private_key',
      'created_at',
      'activated_at',
      'retired_at',
      'destroyed_at',
      'withdrawn_at',
    ])
  }
})

testOnEngines(
  'a wrong sealing key and a damaged row are told apart, and neither opening writes',
  async (t, engine) => {
    const [database] = await openTwice(t, engine)
    await open(database)
    await database.write("DELETE FROM signing_keys WHERE state = 'pending'")
    const rows = await database.read('SELECT * FROM signing_keys ORDER BY created_at, kid')
    const stranger = createSealer(randomBytes(32), randomBytes)
    assert.deepEqual(await tryToOpen(database, { sealer: stranger }), {
      kind: 'unopenable',
      kid: rows[0]?.['kid'],
      why: 'sealed-with-another-key',
    })
    const unchanged = await database.read('SELECT * FROM signing_keys ORDER BY created_at, kid')
    assert.deepEqual(unchanged, rows)
    await database.write("UPDATE signing_keys SET sealed_private_key = sealed_private_key || 'A'")
    const damaged = { kind: 'unopenable', kid: rows[0]?.['kid'], why: 'damaged' }
    assert.deepEqual(await tryToOpen(database), damaged)
    await database.write('UPDATE signing_keys SET sealed_private_key = NULL')
    assert.deepEqual(await tryToOpen(database), damaged)
  },
)

testOnEngines(
  "a stranger's public key in a row of ours is damage in every state, and is never published",
  async (t, engine) => {
    const clock = createChosenClock()
    const [database] = await openTwice(t, engine, clock.now)
    const [elsewhere] = await openTwice(t, engine)
    const keyring = await open(database)
    clock.advanceMs(publishedMsMin)
    assert.equal((await keyring.rotate()).kind, 'rotated')
    const [stranger] = (await open(elsewhere)).publicJwks().keys
    const rows = await database.read("SELECT * FROM signing_keys WHERE purpose = 'access-token'")
    const states = rows.map((row) => String(row['state']))
    assert.deepEqual(states.toSorted(), ['active', 'pending', 'retiring'])
    const put = 'UPDATE signing_keys SET public_jwk = $2 WHERE kid = $1'
    for (const row of rows) {
      const kid = String(row['kid'])
      await database.write(put, [kid, JSON.stringify(stranger)])
      assert.deepEqual(await tryToOpen(database), { kind: 'unopenable', kid, why: 'damaged' })
      await database.write(put, [kid, String(row['public_jwk'])])
    }
    await open(database)
  },
)
