import type { PublicJwk } from '@portcullis/protocol/jws'
import { isAlgorithmName } from '@portcullis/protocol/jws'
import type { StoredKey } from '../domain/key-custody.ts'
import type { KeyFacts, KeyLine, KeyStock } from '../domain/key-life.ts'
import { deadKeys, decideKeyRotation } from '../domain/key-life.ts'
import type { KeyRotationOutcome, KeyRotationRequest, KeyStore } from '../domain/key-upkeep.ts'
import { integer, optionalInteger, optionalText, text } from './columns.ts'
import type { Database, Query, Row } from './database.ts'
import { isStillActor, superseded } from './decisions.ts'
import { insertKey, oldestFirst, synchroniseKids } from './key-rows.ts'
import { withdrawStoredKey } from './key-withdrawal.ts'
import type { RevokingTransaction } from './revocations.ts'
import { appendEvent, decidedBy } from './events.ts'
import { noteWantedLines, readUnwantedLines } from './key-lines.ts'

/** `revokeAlone` runs one at a time among all nodes, as everything does that changes keys. */
export function createKeyStore(database: Database, revokeAlone: RevokingTransaction): KeyStore {
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
    withdraw: (request) =>
      revokeAlone((query, revoke) => withdrawStoredKey(query, revoke, request)),
    destroyDead: () => database.exclusive(destroyDead),
    keepLines: (wanted) => database.exclusive((query) => keepLines(query, wanted)),
    declareSharedKids: (kids) =>
      database.exclusive(async (query) => {
        await query('UPDATE revocation_head SET shared_kids = $1 WHERE id = 1', [
          JSON.stringify(kids),
        ])
        await synchroniseKids(query)
      }),
  }
}

const facts = `
  kid, purpose, algorithm, state, created_at, activated_at, retired_at, destroyed_at,
  withdrawn_at`
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

/** Decides again what the caller has decided: another process may have rotated meanwhile. */
async function rotate(
  query: Query,
  { successors, policy, actor, reason }: KeyRotationRequest,
): Promise<KeyRotationOutcome> {
  if (actor !== undefined && !(await isStillActor(query, actor))) return superseded
  const decision = decideKeyRotation(await readStock(query), successors, policy)
  if (decision.kind === 'too-early') return decision
  const lines = successors.map(({ purpose, algorithm }) => ({ purpose, algorithm }))
  // Before the head of the log is written, like every event.
  await appendEvent(query, {
    kind: 'keys-rotated',
    ...(actor && decidedBy({ actor, reason })),
    details: { lines: lines.map(nameOf) },
  })
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
  return { kind: 'rotated', lines }
}

async function keepLines(query: Query, wanted: readonly KeyLine[]): Promise<readonly KeyLine[]> {
  await noteWantedLines(query, wanted)
  const unwanted = await readUnwantedLines(query)
  if (unwanted.length === 0) return unwanted
  const details = { lines: unwanted.map(nameOf) }
  await appendEvent(query, { kind: 'key-lines-retired', details })
  for (const { purpose, algorithm } of unwanted) {
    await query(
      `UPDATE signing_keys SET state = 'retiring', retired_at = statement_now()
       WHERE purpose = $1 AND algorithm = $2 AND state = 'active'`,
      [purpose, algorithm],
    )
    await query(
      `UPDATE signing_keys
       SET state = 'destroyed', sealed_private_key = NULL, destroyed_at = statement_now()
       WHERE purpose = $1 AND algorithm = $2 AND state = 'pending'`,
      [purpose, algorithm],
    )
  }
  await synchroniseKids(query)
  return unwanted
}

function nameOf({ purpose, algorithm }: KeyLine): string {
  return `${purpose} ${algorithm}`
}

async function destroyDead(query: Query): Promise<readonly string[]> {
  const kids = deadKeys(await readStock(query)).map(({ kid }) => kid)
  if (kids.length > 0) await appendEvent(query, { kind: 'keys-destroyed', details: { kids } })
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
    // A withdrawn key is a destroyed one to releases that know of no other.
    state: row['withdrawn_at'] === null ? (text(row, 'state') as KeyFacts['state']) : 'withdrawn',
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
    kept: optionalText(row, 'sealed_private_key'),
  }
}
