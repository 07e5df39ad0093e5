import { Buffer } from 'node:buffer'
import { createPublicKey } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { ForgeMaterial, TestKey } from '@portcullis/verify/testing'
import { forgeToken } from '@portcullis/verify/testing'
import { CannotForge } from '../attacks/cannot-forge.ts'
import type { Forge } from '../attacks/token-attacks.ts'
import { DoctorError } from '../doctor-error.ts'
import { hasEndlessNumbers } from '../issuer/endless-numbers.ts'

interface GivenJws {
  readonly header: JsonObject
  readonly payload: JsonObject
}

/**
 * Forges from a token whose private key nobody here has: parts that a recipe leaves alone stand as they were, and the
 * signature of the issuer is there for exactly what it has signed.
 */
export function createGivenForge(
  { header, payload }: GivenJws,
  token: string,
  keySet: unknown,
): { readonly algorithm: AlgorithmName; readonly forge: Forge } {
  const algorithm = algorithmOf(header)
  const [headerText = '', payloadText = '', signatureText = ''] = token.split('.')
  const sign = (name: AlgorithmName, input: string): Buffer => {
    if (name !== algorithm || input !== `${headerText}.${payloadText}`) throw cannotSign()
    return Buffer.from(signatureText, 'base64url')
  }
  const material: ForgeMaterial = {
    issuer: typeof payload['iss'] === 'string' ? payload['iss'] : '',
    key: keyOf(algorithm, header, keySet, sign),
    header,
    claims: payload,
    given: { header: headerText, payload: payloadText },
    now: Date.now,
  }
  return { algorithm, forge: (recipe) => forgeToken(recipe, material) }
}

function cannotSign(): CannotForge {
  return new CannotForge('only the issuer can sign it')
}

const knownAlgorithms: ReadonlySet<string> = new Set([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
])

function algorithmOf({ alg }: JsonObject): AlgorithmName {
  if (typeof alg === 'string' && knownAlgorithms.has(alg)) return alg as AlgorithmName
  const remedy = 'Use a token that is signed with an asymmetric algorithm.'
  throw new DoctorError('usage', 'the algorithm of the token is none that can be attacked', remedy)
}

/** Without a key set everything that needs the public key of the issuer is left out. */
function keyOf(
  algorithm: AlgorithmName,
  { kid }: JsonObject,
  keySet: unknown,
  sign: NonNullable<TestKey['sign']>,
): TestKey {
  const keys = isJsonObject(keySet) && Array.isArray(keySet['keys']) ? keySet['keys'] : []
  const jwk = keys.filter((key) => isJsonObject(key)).find((key) => key['kid'] === kid)
  const publicJwk = (): JsonObject => {
    if (jwk !== undefined && hasEndlessNumbers(jwk)) {
      throw new CannotForge('the public key of the issuer is larger than any that is in use')
    }
    if (jwk !== undefined) return jwk
    throw new CannotForge('it needs the public key of the issuer: name it with --issuer')
  }
  return {
    kid: typeof kid === 'string' ? kid : '',
    algorithm,
    sign,
    get publicKey() {
      return createPublicKey({ key: { ...publicJwk() }, format: 'jwk' })
    },
    get jwk() {
      return publicJwk() as unknown as TestKey['jwk']
    },
    get privateKey(): never {
      throw cannotSign()
    },
  }
}
