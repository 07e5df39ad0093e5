import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { algorithms } from '@portcullis/protocol/jws'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { Keyring, StoredKey } from '../src/domain/keyring.ts'
import { openKeyring } from '../src/domain/keyring.ts'
import { createSealer } from '../src/domain/sealing.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/database.ts'
import { createKeyStore } from '../src/store/keys.ts'
import { startMs } from './chosen-clock.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

const sealingKey = randomBytes(32)
const sealer = createSealer(sealingKey, randomBytes)
const now = (): number => startMs
const es256: ReadonlySet<AlgorithmName> = new Set(['ES256'])

const claims: AccessTokenClaims = {
  iss: 'https://id.example',
  sub: 'somebody',
  aud: 'orders',
  exp: 1_800_000_900,
  iat: 1_800_000_000,
  jti: 'one',
  client_id: 'web',
}

/** Two connections to one file, as two nodes have them. */
function openTwice(t: TestContext): readonly [Database, Database] {
  const folder = createTemporaryFolder()
  const url = `sqlite:${join(folder.path, 'identity.db')}`
  const databases = [openDatabase(url, startMs), openDatabase(url, startMs)] as const
  t.after(() => {
    for (const database of databases) database.close()
    folder.remove()
  })
  return databases
}

async function open(database: Database, wanted: ReadonlySet<AlgorithmName>): Promise<Keyring> {
  const opened = await openKeyring({ keys: createKeyStore(database), sealer, now }, wanted)
  assert.ok(opened.kind === 'keyring')
  return opened.keyring
}

test('a signature of every algorithm is verified by another library with the published keys', async (t) => {
  const [database] = openTwice(t)
  const keyring = await open(database, new Set(algorithms.keys()))
  const keySet = createLocalJWKSet({ keys: [...keyring.publicJwks().keys] })
  assert.equal(algorithms.size, 4)
  for (const algorithm of algorithms.keys()) {
    const verified = await jwtVerify(keyring.sign(claims, algorithm), keySet, {
      algorithms: [algorithm],
      typ: 'at+jwt',
      issuer: 'https://id.example',
      audience: 'orders',
      currentDate: new Date(1_800_000_000_000),
    })
    assert.equal(verified.protectedHeader.alg, algorithm)
    assert.deepEqual(verified.payload, claims)
  }
})

test('the published keys have public members only, one algorithm each, and their own kid', async (t) => {
  const [database] = openTwice(t)
  const { keys } = (await open(database, new Set(algorithms.keys()))).publicJwks()
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
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, 4)
})

test('keys survive a restart: the same kid, and old tokens still verify', async (t) => {
  const [before, after] = openTwice(t)
  const token = (await open(before, es256)).sign(claims, 'ES256')
  before.close()
  const { keys } = (await open(after, es256)).publicJwks()
  assert.equal(keys.length, 1)
  const { protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
    currentDate: new Date(1_800_000_000_000),
  })
  assert.equal(protectedHeader.kid, keys[0]?.kid)
})

test('two nodes that open an empty store at once agree on one key', async (t) => {
  const nodes = openTwice(t)
  const wanted = new Set<AlgorithmName>(['ES256', 'EdDSA'])
  const keyrings = await Promise.all(nodes.map((node) => open(node, wanted)))
  const [one, other] = keyrings.map((keyring) => keyring.publicJwks().keys)
  assert.equal(one?.length, 2)
  assert.deepEqual(one, other)
})

function keyNamed(kid: string): StoredKey {
  const publicJwk = { kid, use: 'sig', alg: 'ES256' } as const
  return { kid, algorithm: 'ES256', publicJwk, sealedPrivateKey: 'sealed', createdAt: startMs }
}

test('a key that comes second for its algorithm is dropped, and the first one answered', async (t) => {
  const [one, other] = openTwice(t).map(createKeyStore)
  assert.ok(one !== undefined && other !== undefined)
  assert.deepEqual(await one.insertFirst(keyNamed('first')), [keyNamed('first')])
  assert.deepEqual(await other.insertFirst(keyNamed('second')), [keyNamed('first')])
  assert.deepEqual(await one.list(), [keyNamed('first')])
})

test('an algorithm that is wanted later gets its key then, and the first key stays', async (t) => {
  const [first, second] = openTwice(t)
  const [kept] = (await open(first, es256)).publicJwks().keys
  const keys = (await open(second, new Set(['ES256', 'EdDSA']))).publicJwks().keys
  assert.deepEqual(keys.map(({ alg }) => alg).toSorted(), ['ES256', 'EdDSA'])
  assert.deepEqual(
    keys.find(({ alg }) => alg === 'ES256'),
    kept,
  )
})

test('a keyring does not sign with an algorithm that it has no key for', async (t) => {
  const [database] = openTwice(t)
  const keyring = await open(database, es256)
  assert.throws(() => keyring.sign(claims, 'RS256'), /no key for RS256/)
})

test('a stored key holds its private half sealed only', async (t) => {
  const [database] = openTwice(t)
  await open(database, new Set(['ES256', 'EdDSA']))
  const rows = await database.query('SELECT * FROM signing_keys')
  assert.equal(rows.length, 2)
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
    ])
  }
})

test('a wrong sealing key and a damaged row are told apart', async (t) => {
  const [database] = openTwice(t)
  const [key] = (await open(database, es256)).publicJwks().keys
  const keys = createKeyStore(database)
  const stranger = createSealer(randomBytes(32), randomBytes)
  assert.deepEqual(await openKeyring({ keys, sealer: stranger, now }, es256), {
    kind: 'unopenable',
    kid: key?.kid,
    why: 'sealed-with-another-key',
  })
  await database.query("UPDATE signing_keys SET sealed_private_key = sealed_private_key || 'A'")
  assert.deepEqual(await openKeyring({ keys, sealer, now }, es256), {
    kind: 'unopenable',
    kid: key?.kid,
    why: 'damaged',
  })
})

test("a stranger's public key in the row of ours is damage, and is never published", async (t) => {
  const [database] = openTwice(t)
  await open(database, es256)
  const [elsewhere] = openTwice(t)
  const [stranger] = (await open(elsewhere, es256)).publicJwks().keys
  await database.query('UPDATE signing_keys SET public_jwk = $1', [JSON.stringify(stranger)])
  const keys = createKeyStore(database)
  const opened = await openKeyring({ keys, sealer, now }, es256)
  assert.ok(opened.kind === 'unopenable' && opened.why === 'damaged')
})
