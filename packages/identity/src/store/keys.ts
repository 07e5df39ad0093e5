import type { PublicJwk } from '@portcullis/protocol/jws'
import { isAlgorithmName } from '@portcullis/protocol/jws'
import type { KeyStore, StoredKey } from '../domain/keyring.ts'
import { integer, text } from './columns.ts'
import type { Database, Row } from './database.ts'

export function createKeyStore(database: Database): KeyStore {
  const list = async (): Promise<readonly StoredKey[]> => {
    const rows = await database.query(
      `SELECT kid, algorithm, public_jwk, sealed_private_key, created_at
       FROM signing_keys ORDER BY created_at, kid`,
    )
    return rows.map(storedKeyOf)
  }
  return {
    list,
    insertFirst: async (key) => {
      await database.query(
        `INSERT INTO signing_keys (kid, purpose, algorithm, state, public_jwk, sealed_private_key, created_at)
         VALUES ($1, 'access-token', $2, 'active', $3, $4, $5) ON CONFLICT DO NOTHING`,
        [
          key.kid,
          key.algorithm,
          JSON.stringify(key.publicJwk),
          key.sealedPrivateKey,
          key.createdAt,
        ],
      )
      return list()
    },
  }
}

function storedKeyOf(row: Row): StoredKey {
  const kid = text(row, 'kid')
  const algorithm = text(row, 'algorithm')
  if (!isAlgorithmName(algorithm)) throw new TypeError(`the key ${kid} has an unknown algorithm`)
  return {
    kid,
    algorithm,
    publicJwk: JSON.parse(text(row, 'public_jwk')) as PublicJwk,
    sealedPrivateKey: text(row, 'sealed_private_key'),
    createdAt: integer(row, 'created_at'),
  }
}
