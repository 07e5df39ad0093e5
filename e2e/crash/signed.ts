import assert from 'node:assert/strict'
import type { JsonObject } from '@portcullis/protocol'
import type { VerificationKey } from '@portcullis/protocol/jws'
import { parseCompactJws, parseVerificationKey } from '@portcullis/protocol/jws'
import type { Answer } from './door.ts'

export type KeySet = ReadonlyMap<string, VerificationKey>

/** The keys of a JWK Set (RFC 7517 section 5), by their kids. */
export function keySetOf(answer: Answer): KeySet {
  assert.ok(answer.kind === 'answered' && answer.status === 200)
  const { keys } = answer.members
  assert.ok(Array.isArray(keys) && keys.length > 0, 'the key set is empty')
  return new Map(
    keys.map((jwk: unknown) => {
      const parsed = parseVerificationKey(jwk)
      assert.equal(parsed.kind, 'key')
      return [parsed.key.kid, parsed.key]
    }),
  )
}

/** The payload of a JWS that one of the keys has signed. */
export function verifiedPayload(token: string, keys: KeySet, typ: string): JsonObject {
  const jws = parseCompactJws(token)
  assert.equal(jws.kind, 'jws')
  const { kid, alg } = jws.header
  assert.equal(jws.header['typ'], typ)
  assert.ok(typeof kid === 'string')
  const key = keys.get(kid)
  assert.ok(key, `the key ${kid} of a ${typ} is not published any more`)
  assert.equal(alg, key.algorithm.name)
  const isGenuine = key.algorithm.verify(key.publicKey, jws.signingInput, jws.signature)
  assert.ok(isGenuine, `the signature of a ${typ} does not verify`)
  return jws.payload
}
