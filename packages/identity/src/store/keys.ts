import type { PublicJwk } from '@portcullis/protocol/jws'
import { isAlgorithmName } from '@portcullis/protocol/jws'
import type { NewKey, StoredKey } from '../domain/key-custody.ts'
import type { KeyFacts, KeyStock } from '../domain/key-life.ts'
import { deadKeys, decideKeyRotation } from '../domain/key-life.ts'
import type { KeyRotationOutcome, KeyRotationRequest, KeyStore } from '../domain/key-upkeep.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'

export function createKeyStore(database: Database): KeyStore {
  return {
    readStock: async () => stockOf(await database.query(selectStock)),
    readKeys: async () => (await database.query(selectKeys)).map(storedKeyOf),
    list: async () => (await database.query(selectAll)).map(factsOf),
    insertMissing: (keys, now) =>
      database.transaction((query) => {
        for (const key of keys) insertKey(query, key, key.state, now())
        synchroniseKids(query)
      }),
    rotate: (request) => database.transaction((query) => rotate(query, request)),
    destroyDead: (now) => database.transaction((query) => destroyDead(query, now())),
  }
}

const facts = 'kid, purpose, algorithm, state, created_at, activated_at, retired_at, destroyed_at'
const oldestFirst = 'ORDER BY created_at, kid'
const selectStock = `
  SELECT ${facts}, access_token_seconds_max
  FROM signing_keys LEFT JOIN revocation_head ON id = 1
  WHERE state <> 'destroyed' ${oldestFirst}`
const selectKeys = `
  SELECT ${facts}, public_jwk, sealed_private_key
  FROM signing_keys WHERE state <> 'destroyed' ${oldestFirst}`
const selectAll = `SELECT ${facts} FROM signing_keys ${oldestFirst}`

/**
 * Makes the head of the revocation log name the keys for access tokens that live, pending ones
 * included. Belongs in every transaction that changes which those are; while there is no head it does
 * nothing, and the first one with a head makes up for it.
 */
function synchroniseKids(query: Query): void {
  const rows = query(
    `SELECT kid FROM signing_keys
     WHERE purpose = 'access-token' AND state <> 'destroyed' ${oldestFirst}`,
  )
  const kids = JSON.stringify(rows.map((row) => text(row, 'kid')))
  query('UPDATE revocation_head SET kids = $1 WHERE id = 1 AND kids <> $1', [kids])
}

/** Decides again what the caller has decided: another process may have rotated meanwhile. */
function rotate(
  query: Query,
  { successors, policy, now: readClock }: KeyRotationRequest,
): KeyRotationOutcome {
  const now = readClock()
  const decision = decideKeyRotation(stockOf(query(selectStock)), successors, policy, now)
  if (decision.kind === 'too-early') return decision
  // The room that the decision found may still be taken by a key that is dead.
  destroyDead(query, now)
  for (const successor of successors) {
    const line = [successor.purpose, successor.algorithm, now]
    query(
      `UPDATE signing_keys SET state = 'retiring', retired_at = $3
       WHERE purpose = $1 AND algorithm = $2 AND state = 'active'`,
      line,
    )
    query(
      `UPDATE signing_keys SET state = 'active', activated_at = $3
       WHERE purpose = $1 AND algorithm = $2 AND state = 'pending'`,
      line,
    )
    insertKey(query, successor, 'pending', now)
  }
  synchroniseKids(query)
  const lines = successors.map(({ purpose, algorithm }) => ({ purpose, algorithm }))
  return { kind: 'rotated', lines }
}

function destroyDead(query: Query, now: number): readonly string[] {
  const kids = deadKeys(stockOf(query(selectStock)), now).map(({ kid }) => kid)
  for (const kid of kids) {
    query(
      `UPDATE signing_keys SET state = 'destroyed', sealed_private_key = NULL, destroyed_at = $2
       WHERE kid = $1`,
      [kid, now],
    )
  }
  synchroniseKids(query)
  return kids
}

/** Does nothing when the line has a key in this place: the table has room for one of each. */
function insertKey(query: Query, key: NewKey, state: 'active' | 'pending', now: number): void {
  query(
    `INSERT INTO signing_keys (kid, purpose, algorithm, state, public_jwk, sealed_private_key,
                               created_at, activated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
    [
      key.kid,
      key.purpose,
      key.algorithm,
      state,
      JSON.stringify(key.publicJwk),
      key.sealedPrivateKey,
      now,
      state === 'active' ? now : null,
    ],
  )
}

function stockOf(rows: readonly Row[]): KeyStock {
  const [first] = rows
  return {
    keys: rows.map(factsOf),
    accessTokenSecondsMax:
      first === undefined ? undefined : optionalInteger(first, 'access_token_seconds_max'),
  }
}

function factsOf(row: Row): KeyFacts {
  const kid = text(row, 'kid')
  const algorithm = text(row, 'algorithm')
  if (!isAlgorithmName(algorithm)) throw new TypeError(`the key ${kid} has an unknown algorithm`)
  return {
    kid,
    // The schema lets nothing else into these two columns.
    purpose: text(row, 'purpose') as KeyFacts['purpose'],
    algorithm,
    state: text(row, 'state') as KeyFacts['state'],
    createdAt: integer(row, 'created_at'),
    activatedAt: optionalInteger(row, 'activated_at'),
    retiredAt: optionalInteger(row, 'retired_at'),
    destroyedAt: optionalInteger(row, 'destroyed_at'),
  }
}

function storedKeyOf(row: Row): StoredKey {
  return {
    ...factsOf(row),
    publicJwk: JSON.parse(text(row, 'public_jwk')) as PublicJwk,
    sealedPrivateKey: optionalText(row, 'sealed_private_key'),
  }
}
