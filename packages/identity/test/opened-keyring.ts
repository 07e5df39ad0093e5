import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { parseCompactJws, parseVerificationKey } from '@portcullis/protocol/jws'
import type { JwkSet } from '../src/domain/key-custody.ts'
import type { KeyFacts } from '../src/domain/key-life.ts'
import type { KeyStore, UpkeepOutcome } from '../src/domain/key-upkeep.ts'
import type { Keyring, KeyringParts, OpenedKeyring } from '../src/domain/keyring.ts'
import { openKeyring } from '../src/domain/keyring.ts'
import type { Sealer } from '../src/domain/sealing.ts'
import { createSealer } from '../src/domain/sealing.ts'
import { list } from '../src/store/columns.ts'
import type { Database } from '../src/store/database.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { highWaterInMemory } from '../src/store/high-water.ts'
import { createKeyStore } from '../src/store/keys.ts'
import { createRevocationLog } from '../src/store/revocations.ts'
import type { ChosenClock } from './chosen-clock.ts'
import { createChosenClock, startMs } from './chosen-clock.ts'
import type { Engine } from './engines.ts'

export const sealer: Sealer = createSealer(randomBytes(32), randomBytes)

const es256: ReadonlySet<AlgorithmName> = new Set(['ES256'])

export const jwksMaxAgeSeconds = 300
/** Twice the age that others may keep a copy to, and 5 seconds. */
export const publishedMsMin = 605_000
export const rotationMs: number = 30 * 24 * 3600 * 1000
export const accessTokenSecondsMax = 900

export const claims: AccessTokenClaims = {
  iss: 'https://id.example',
  sub: 'somebody',
  aud: 'orders',
  exp: 1_800_000_900,
  iat: 1_800_000_000,
  jti: 'one',
  client_id: 'web',
}

export async function openStore(
  t: TestContext,
  url: string,
  now: () => number = atStart,
): Promise<Database> {
  const database = await openDatabase(url, { now })
  t.after(database.close)
  return database
}

/** One store that is opened twice, as two nodes have it. */
export async function openTwice(
  t: TestContext,
  engine: Engine,
  now: () => number = atStart,
): Promise<readonly [Database, Database]> {
  const url = await engine.createStore(t)
  return [await openStore(t, url, now), await openStore(t, url, now)]
}

const atStart = (): number => startMs

export type OpeningChange = Partial<KeyringParts> & {
  readonly wanted?: ReadonlySet<AlgorithmName>
}

export function keyStoreOf(database: Database): KeyStore {
  const options = { issuer: claims.iss, highWater: highWaterInMemory() }
  return createKeyStore(database, createRevocationLog(database, options).exclusive)
}

export function tryToOpen(
  database: Database,
  { wanted = es256, ...change }: OpeningChange = {},
): Promise<OpenedKeyring> {
  const keys = keyStoreOf(database)
  const policy = { jwksMaxAgeSeconds, keyRotationDays: 30, sharedKids: [] }
  const parts = { keys, sealer, ...policy, ...change }
  return openKeyring(parts, wanted)
}

export async function open(database: Database, change: OpeningChange = {}): Promise<Keyring> {
  const opened = await tryToOpen(database, change)
  assert.ok(opened.kind === 'keyring')
  return opened.keyring
}

/** A keyring at a chosen moment, over a store whose revocation log has a head. */
export interface KeyringNode {
  readonly database: Database
  readonly clock: ChosenClock
  readonly keyring: Keyring
}

export async function openNode(
  t: TestContext,
  engine: Engine,
  wanted?: ReadonlySet<AlgorithmName>,
): Promise<KeyringNode> {
  const clock = createChosenClock()
  const [database] = await openTwice(t, engine, clock.now)
  await insertHead(database)
  const change = wanted === undefined ? {} : { wanted }
  return { database, clock, keyring: await open(database, change) }
}

export function kidsOf(keyring: Keyring): readonly string[] {
  return keyring.publicJwks().keys.map(({ kid }) => kid)
}

/** The one key of this state and purpose, of the first algorithm. */
export async function keyIn(
  keyring: Keyring,
  state: KeyFacts['state'],
  purpose: KeyFacts['purpose'] = 'access-token',
): Promise<KeyFacts> {
  const found = (await keyring.list()).filter(
    (key) => key.state === state && key.purpose === purpose,
  )
  const [key] = found
  assert.ok(key !== undefined && found.length === 1, `${found.length} keys are ${state}`)
  return key
}

/** What a tick answers that had nothing to do. */
export const nothing: UpkeepOutcome = { kind: 'kept', rotated: [], destroyed: [] }

/** The head of the revocation log, as it stands in a store that has one. */
export async function insertHead(database: Database): Promise<void> {
  await database.write(
    `INSERT INTO revocation_head (id, epoch, base, seq, chain, at, kids, access_token_seconds_max)
     VALUES (1, 'epoch', 0, 0, 'chain', $1, '[]', $2)`,
    [startMs, accessTokenSecondsMax],
  )
}

export async function kidsOfHead(database: Database): Promise<readonly string[]> {
  const [head] = await database.read('SELECT kids FROM revocation_head')
  assert.ok(head !== undefined)
  return list(head, 'kids')
}

export function kidOf(token: string): unknown {
  const jws = parseCompactJws(token)
  assert.ok(jws.kind === 'jws')
  return jws.header['kid']
}

/** Whether one of these keys has signed the token. */
export function isSignedByOneOf({ keys }: JwkSet, token: string): boolean {
  const jws = parseCompactJws(token)
  assert.ok(jws.kind === 'jws')
  const jwk = keys.find(({ kid }) => kid === jws.header['kid'])
  if (jwk === undefined) return false
  const parsed = parseVerificationKey(jwk)
  assert.ok(parsed.kind === 'key')
  const { algorithm, publicKey } = parsed.key
  return algorithm.verify(publicKey, jws.signingInput, jws.signature)
}
