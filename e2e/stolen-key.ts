import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { JsonObject } from '@portcullis/protocol'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { SigningKey } from '@portcullis/verify/testing'
import { signCompactJws } from '@portcullis/verify/testing'
import { createSealer } from '../packages/identity/src/domain/sealing.ts'
import { parseSecretKey } from '../packages/identity/src/domain/secret-key.ts'

/** What only identity can do. A test needs it to make tokens that are wrong in one way only. */
export interface StolenKey {
  /** The public key as PEM, which the classic confusion attack uses as an HMAC secret. */
  readonly publicPem: string
  /** Signs the claims of a good token anew, with some of them changed. */
  readonly resign: (token: string, changes: JsonObject, typ?: string) => string
}

/** Opens the sealed signing key of a running system: it takes the data folder and the sealing key. */
export function stealKey(folder: string): StolenKey {
  const at = (name: string): string => join(folder, '.portcullis', name)
  const sealingKey = parseSecretKey(readFileSync(at('sealing.key'), 'utf8').trim())
  if (sealingKey.kind === 'malformed') throw new Error(sealingKey.why)
  const database = new DatabaseSync(at('identity.db'), { readOnly: true })
  const row = database
    .prepare(
      `SELECT kid, sealed_private_key AS sealed FROM signing_keys
       WHERE purpose = 'access-token' AND algorithm = 'RS256' AND state = 'active'`,
    )
    .get()
  database.close()
  const kid = String(row?.['kid'])
  const opened = createSealer(sealingKey.key, randomBytes).open(String(row?.['sealed']), kid)
  if (opened.kind !== 'opened') throw new Error(opened.kind)
  const key: SigningKey = {
    kid,
    algorithm: 'RS256',
    privateKey: createPrivateKey(opened.plaintext),
  }
  return {
    publicPem: createPublicKey(opened.plaintext).export({ type: 'spki', format: 'pem' }),
    resign: (token, changes, typ = 'at+jwt') => {
      const parsed = parseCompactJws(token)
      if (parsed.kind === 'malformed') throw new Error(parsed.why)
      return signCompactJws({ ...parsed.payload, ...changes }, typ, key)
    },
  }
}
