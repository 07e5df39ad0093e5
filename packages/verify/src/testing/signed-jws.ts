import { Buffer } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { algorithmNamed } from '@portcullis/protocol/jws'

/** A private key, and what tokens name it by. */
export interface SigningKey {
  readonly kid: string
  readonly algorithm: AlgorithmName
  readonly privateKey: KeyObject
}

/** Signs a payload as a compact JWS with the header `{alg, typ, kid}` and nothing else in it. */
export function signCompactJws(payload: JsonObject, typ: string, key: SigningKey): string {
  const header = { alg: key.algorithm, typ, kid: key.kid }
  const signingInput = `${encode(header)}.${encode(payload)}`
  const signature = algorithmNamed(key.algorithm).sign(key.privateKey, signingInput)
  return `${signingInput}.${signature.toString('base64url')}`
}

function encode(part: JsonObject): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
