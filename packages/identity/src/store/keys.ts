import type { PublicJwk } from '@portcullis/protocol/jws'
import { isAlgorithmName } from '@portcullis/protocol/jws'
import type { NewKey, StoredKey } from '../domain/key-custody.ts'
import type { KeyFacts, KeyStock } from '../domain/key-life.ts'
import { deadKeys, decideKeyRotation } from '../domain/key-life.ts'
import type { KeyRotationOutcome, KeyRotationRequest, KeyStore } from '../domain/key-upkeep.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { isStillActor, superseded } from './decisions.ts'

export function createKeyStore(database: Database): KeyStore {
  return {
    readStock: () => readStock(database.read),
    readKeys: async () => (await database.read(selectKeys)).map(storedKeyOf),
    list: async () => (await database.read(selectAll)).map(factsOf),
    insertMissing: (keys) =>
      database.exclusive(async (query) => {
        for (const key of keys) await insertKey(query, key, key.state)
        await synchroniseKids(query)
      }),
    rotate: (request) => database.exclusive((query) => rotate(query, request)),
    destroyDead: () => database.exclusive(destroyDead),
  }
}

const facts = 'kid, purpose, algorithm, state, created_at, activated_at, retired_at, destroyed_at'
const oldestFirst = 'ORDER BY created_at, kid'
/** One row at least, which has the time. */
const selectStock = `
  SELECT statement_now() AS read_at, access_token_seconds_max, ${facts}
  FROM (SELECT 1 AS moment) AS one
  LEFT JOIN revocation_head ON id = 1
  LEFT JOIN signing_keys ON state <> 'destroyed' ${oldestFirst}`
const selectKeys = `
  SELECT ${facts}, public_jwk, sealed_private_key
  FROM signing_keys WHERE state <> 'destroyed' ${oldestFirst}`
const selectAll = `SELECT ${facts} FROM signing_keys ${oldestFirst}`

/**
 * Makes the head of the revocation log name the keys for access tokens that live, pending ones
 * included. Belongs in every transaction that changes which those are; while there is no head it does
 * nothing, and the first one with a head makes up for it.
 */
async function synchroniseKids(query: Query): Promise<void> {
  const rows = await query(
    `SELECT kid FROM signing_keys
     WHERE purpose = 'access-token' AND state <> 'destroyed' ${oldestFirst}`,
  )
  const kids = JSON.stringify(rows.map((row) => text(row, 'kid')))
  await query('UPDATE revocation_head SET kids = $1 WHERE id = 1 AND kids <> $1', [kids])
}

/** Decides again what the caller has decided: another process may have rotated meanwhile. */
async function rotate(
  query: Query,
  { successors, policy, actor }: KeyRotationRequest,
): Promise<KeyRotationOutcome> {
  if (actor !== undefined && !(await isStillActor(query, actor))) return superseded
  const decision = decideKeyRotation(await readStock(query), successors, policy)
  if (decision.kind === 'too-early') return decision
  // The room that the decision found may still be taken by a key that is dead.
  await destroyDead(query)
  for (const successor of successors) {
    const line = [successor.purpose, successor.algorithm]
    await query(
      `UPDATE signing_keys SET state = 'retiring', retired_at = statement_now()
       WHERE purpose = $1 AND algorithm = $2 AND state = 'active'`,
      line,
    )
    await query(
      `UPDATE signing_keys SET state = 'active', activated_at = statement_now()
       WHERE purpose = $1 AND algorithm = $2 AND state = 'pending'`,
      line,
    )
    await insertKey(query, successor, 'pending')
  }
  await synchroniseKids(query)
  const lines = successors.map(({ purpose, algorithm }) => ({ purpose, algorithm }))
  return { kind: 'rotated', lines }
}

async function destroyDead(query: Query): Promise<readonly string[]> {
  const kids = deadKeys(await readStock(query)).map(({ kid }) => kid)
  for (const kid of kids) {
    await query(
      `UPDATE signing_keys
       SET state = 'destroyed', sealed_private_key = NULL, destroyed_at = statement_now()
       WHERE kid = $1`,
      [kid],
    )
  }
  await synchroniseKids(query)
  return kids
}

/** Does nothing when the line has a key in this place: the table has room for one of each. */
async function insertKey(query: Query, key: NewKey, state: 'active' | 'pending'): Promise<void> {
  const activatedAt = state === 'active' ? 'statement_now()' : 'NULL'
  await query(
    `INSERT INTO signing_keys (kid, purpose, algorithm, state, public_jwk, sealed_private_key,
                               created_at, activated_at)
     VALUES ($1, $2, $3, $4, $5, $6, statement_now(), ${activatedAt}) ON CONFLICT DO NOTHING`,
    [
      key.kid,
      key.purpose,
      key.algorithm,
      state,
      JSON.stringify(key.publicJwk),
      key.sealedPrivateKey,
    ],
  )
}

async function readStock(query: Query): Promise<KeyStock> {
  const rows = await query(selectStock)
  const [first] = rows
  if (first === undefined) throw new TypeError('the store has no clock')
  return {
    readAt: integer(first, 'read_at'),
    keys: rows.filter((row) => row['kid'] !== null).map(factsOf),
    accessTokenSecondsMax: optionalInteger(first, 'access_token_seconds_max'),
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
