import type { NewKey } from '../domain/key-opening.ts'
import { list, text } from './columns.ts'
import type { Query } from './database.ts'

export const oldestFirst = 'ORDER BY created_at, kid'

/**
 * Makes the head of the revocation log name the keys for access tokens that live, pending ones included, and the
 * secrets that are shared with a service. Belongs in every transaction that changes which those are; while there is no head it does
 * nothing, and the first one with a head makes up for it.
 */
export async function synchroniseKids(query: Query): Promise<void> {
  const rows = await query(
    `SELECT kid FROM signing_keys
     WHERE purpose = 'access-token' AND state <> 'destroyed' ${oldestFirst}`,
  )
  const [head] = await query('SELECT shared_kids FROM revocation_head WHERE id = 1')
  const sharedKids = head === undefined ? [] : list(head, 'shared_kids')
  const kids = JSON.stringify([...rows.map((row) => text(row, 'kid')), ...sharedKids])
  await query('UPDATE revocation_head SET kids = $1 WHERE id = 1 AND kids <> $1', [kids])
}

/** Does nothing when the line has a key in this place: the table has room for one of each. */
export async function insertKey(
  query: Query,
  key: NewKey,
  state: 'active' | 'pending',
): Promise<void> {
  const activatedAt = state === 'active' ? 'statement_now()' : 'NULL'
  await query(
    `INSERT INTO signing_keys (kid, purpose, algorithm, state, public_jwk, sealed_private_key,
                               created_at, activated_at)
     VALUES ($1, $2, $3, $4, $5, $6, statement_now(), ${activatedAt}) ON CONFLICT DO NOTHING`,
    [key.kid, key.purpose, key.algorithm, state, JSON.stringify(key.publicJwk), key.kept],
  )
}
