import type { KeyObject } from 'node:crypto'
import { createPublicKey, hash } from 'node:crypto'
import type { JsonObject } from '../json.ts'
import { isJsonObject } from '../json.ts'
import type { Algorithm, AlgorithmName } from './algorithms.ts'
import { algorithms } from './algorithms.ts'

/** A key that verifies one algorithm and no other. */
export interface VerificationKey {
  readonly kid: string
  readonly algorithm: Pick<Algorithm, 'verify'> & { readonly name: string }
  readonly publicKey: KeyObject
}

export type ParsedJwk =
  | { readonly kind: 'key'; readonly key: VerificationKey }
  | { readonly kind: 'unusable'; readonly why: string }

/**
 * Reads one entry of a JWK Set (RFC 7517) as a verification key. An RSA key without `alg` is bound
 * to RS256, the one algorithm every issuer that leaves `alg` out means, and an Ed25519 key to EdDSA;
 * a curve has only one algorithm. An entry with a private or symmetric part is refused, not stripped: whoever
 * published it has lost that key.
 */
export function parseVerificationKey(jwk: unknown): ParsedJwk {
  if (!isJsonObject(jwk)) return unusable('it is not an object')
  const { kid } = jwk
  if (typeof kid !== 'string' || kid === '') return unusable('it has no kid')
  const misuse = misuseOf(jwk)
  if (misuse !== undefined) return unusable(misuse)
  const algorithm = [...algorithms.values()].find((one) => isFor(jwk, one))
  if (algorithm === undefined) return unusable('its algorithm is not supported')
  const imported = importPublicKey(jwk, algorithm)
  return imported.kind === 'unusable'
    ? imported
    : { kind: 'key', key: { kid, algorithm, publicKey: imported.publicKey } }
}

export type ParsedPublicKey =
  | { readonly kind: 'key'; readonly publicKey: KeyObject }
  | { readonly kind: 'unusable'; readonly why: string }

/**
 * Reads a JWK that stands alone, without a kid, as a public key for this one algorithm: for what
 * brings its own key along. Does NOT tell whose key it is; compare its thumbprint.
 */
export function parsePublicKey(jwk: unknown, algorithm: Algorithm): ParsedPublicKey {
  if (!isJsonObject(jwk)) return unusable('it is not an object')
  const misuse = misuseOf(jwk)
  if (misuse !== undefined) return unusable(misuse)
  return isFor(jwk, algorithm)
    ? importPublicKey(jwk, algorithm)
    : unusable('it is for another algorithm')
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function misuseOf(jwk: JsonObject): string | undefined {
  if (privateMembers.some((member) => Object.hasOwn(jwk, member))) {
    return 'it holds a private or symmetric key'
  }
  if (jwk['use'] !== undefined && jwk['use'] !== 'sig') return 'its use is not sig'
  return mayVerify(jwk) ? undefined : 'its key_ops leave out verify'
}

function importPublicKey(jwk: JsonObject, algorithm: Algorithm): ParsedPublicKey {
  let publicKey: KeyObject
  try {
    // Checks that a point of EC is on its curve. One of Ed25519 that is not verifies no signature.
    publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return unusable('its parameters are not a key')
  }
  const fault = algorithm.keyFault(publicKey)
  return fault === undefined ? { kind: 'key', publicKey } : unusable(`it ${fault}`)
}

/** A public key as a JWK Set lists it. */
export interface PublicJwk {
  readonly kid: string
  readonly use: 'sig'
  readonly alg: AlgorithmName
  readonly [member: string]: string
}

/** The JWK that goes into a JWK Set: public members only, its RFC 7638 thumbprint, its one algorithm. */
export function publicJwk(key: KeyObject, algorithm: AlgorithmName): PublicJwk {
  const members = requiredMembers(key)
  return { ...members, kid: thumbprint(members), use: 'sig', alg: algorithm }
}

/** The RFC 7638 thumbprint of a key, which is its kid here and its `jkt` in RFC 9449. */
export function thumbprintOf(key: KeyObject): string {
  return thumbprint(requiredMembers(key))
}

/** RFC 7638: SHA-256 over the required members, which come in lexicographic order, base64url. */
export function thumbprint(members: Readonly<Record<string, string>>): string {
  return hash('sha256', JSON.stringify(members), 'base64url')
}

/** In lexicographic order. */
const requiredMembersByKeyType: ReadonlyMap<string, readonly string[]> = new Map([
  ['RSA', ['e', 'kty', 'n']],
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
])

function requiredMembers(key: KeyObject): Record<string, string> {
  const jwk: Record<string, unknown> = { ...key.export({ format: 'jwk' }) }
  const names = requiredMembersByKeyType.get(String(jwk['kty'])) ?? []
  return Object.fromEntries(names.map((name) => [name, String(jwk[name])]))
}

function isFor({ kty, crv, alg }: JsonObject, { name, keyType, curve }: Algorithm): boolean {
  return kty === keyType && crv === curve && (alg === undefined || alg === name)
}

function mayVerify(jwk: JsonObject): boolean {
  const operations = jwk['key_ops']
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

function unusable(why: string): { readonly kind: 'unusable'; readonly why: string } {
  return { kind: 'unusable', why }
}
