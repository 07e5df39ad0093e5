import { Buffer } from 'node:buffer'
import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { VerificationKey } from '@portcullis/protocol/jws'
import {
  algorithms,
  judgeHeader,
  parseCompactJws,
  parseVerificationKey,
  sharedSecretAlgorithm,
  sharedSecretBytesMin,
  sharedSecretKey,
} from '@portcullis/protocol/jws'

/**
 * What becomes of a published JWS at our parser, header judge, key reader and algorithms: `accepted`, or
 * the fault that was found first. Published payloads are any octets and published headers have no `typ`;
 * those two rules of access tokens are left out here, and nothing else is.
 */
export function judgePublishedJws(jws: unknown, jwk: unknown): string {
  const read = readWithAnyPayload(jws)
  if (typeof read === 'string') return read
  const typ = 'at+jwt'
  const judged = judgeHeader({ ...read.header, typ }, { typ, algorithms: knownAlgorithms })
  if (judged.kind === 'refused') return judged.why
  const key = readKey(jwk)
  if (typeof key === 'string') return `key: ${key}`
  if (judged.kid !== key.kid) return 'unknown-key'
  if (judged.algorithm !== key.algorithm.name) return 'key-does-not-fit'
  const isValid = key.algorithm.verify(key.publicKey, read.signingInput, read.signature)
  return isValid ? 'accepted' : 'bad-signature'
}

const knownAlgorithms: ReadonlySet<string> = new Set([...algorithms.keys(), sharedSecretAlgorithm])

interface ReadJws {
  readonly header: JsonObject
  readonly signingInput: string
  readonly signature: Buffer
}

/** Where only the payload is at fault, an empty object stands in for it; the signature covers what was sent. */
function readWithAnyPayload(jws: unknown): ReadJws | string {
  const parsed = parseCompactJws(jws)
  if (parsed.kind === 'jws') return parsed
  const isAboutPayload = parsed.why.startsWith('payload-') || parsed.why === 'not-utf8'
  if (typeof jws !== 'string' || !isAboutPayload) return parsed.why
  const [header = '', , signature = ''] = jws.split('.')
  const standIn = parseCompactJws(`${header}.e30.${signature}`)
  if (standIn.kind === 'malformed') return standIn.why
  return { ...standIn, signingInput: jws.slice(0, jws.lastIndexOf('.')) }
}

/** Symmetric keys are no entries of our key sets; a shared secret is configured. */
function readKey(jwk: unknown): VerificationKey | string {
  if (!isJsonObject(jwk) || jwk['kty'] !== 'oct') {
    const parsed = parseVerificationKey(jwk)
    return parsed.kind === 'key' ? parsed.key : parsed.why
  }
  const { alg, k, kid } = jwk
  if (alg !== sharedSecretAlgorithm) return 'its algorithm is not supported'
  if (typeof k !== 'string' || typeof kid !== 'string') return 'its parameters are not a key'
  const secret = Buffer.from(k, 'base64url')
  return secret.length < sharedSecretBytesMin ? 'it is too short' : sharedSecretKey(kid, secret)
}
