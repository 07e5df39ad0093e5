import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { ProofFault } from './proof-fault.ts'
import type { ProofSettings } from './proof-options.ts'
import { normalTargetUri } from './target-uri.ts'

/** The part of a request that a DPoP proof is about. */
export interface PresentedRequestProof {
  /** The values of **all** DPoP header fields of the request. */
  readonly proofs: readonly string[]
  /** As it stands in the request: methods are case-sensitive. */
  readonly method: string
  /**
   * The absolute URL that the client has asked for; a query is not looked at. Behind a proxy it is for
   * the caller to know it, and undefined refuses.
   */
  readonly url: string | undefined
}

/** What a proof says beside that, where an access token is presented under the scheme `DPoP`. */
export interface ProvenToken {
  /** As it was presented. It must be verified already, or nobody has said whose `thumbprint` this is. */
  readonly accessToken: string
  /** The token's `cnf.jkt`. */
  readonly thumbprint: string
}

/** One request that presents an access token under the scheme `DPoP`. */
export type PresentedProof = PresentedRequestProof & ProvenToken

export interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** Seconds since 1970. */
  readonly iat: number
  readonly ath: unknown
  readonly nonce: unknown
}

/** RFC 9449 section 4.2 asks for 96 random bits or a UUID: a longer name is not there to be unique. */
const jtiCharactersMax = 256

/** Undefined when one that RFC 9449 section 4.2 requires is missing or has a wrong form. */
export function readProofClaims(payload: JsonObject): ProofClaims | undefined {
  // Own members only: nothing arrives through a prototype.
  const { jti, htm, htu, iat, ath, nonce }: JsonObject = { __proto__: null, ...payload }
  const isComplete =
    typeof jti === 'string' &&
    jti !== '' &&
    jti.length <= jtiCharactersMax &&
    typeof htm === 'string' &&
    typeof htu === 'string' &&
    typeof iat === 'number' &&
    Number.isSafeInteger(iat)
  return isComplete ? { jti, htm, htu, iat, ath, nonce } : undefined
}

/** Compares a proof, signed already, with the request that it came with. */
export function proofClaimsFault(
  proof: ProofClaims,
  { method, url }: PresentedRequestProof,
  token: ProvenToken | undefined,
  { maxAgeSeconds, leewaySeconds, origins, now }: ProofSettings,
): ProofFault | undefined {
  // RFC 9449 section 4.2 wants it together with an access token, and says nothing of it elsewhere.
  if (token !== undefined && typeof proof.ath !== 'string') return 'malformed-claims'
  if (proof.htm !== method) return 'wrong-method'
  const target = url === undefined ? undefined : normalTargetUri(cutQuery(url))
  if (target === undefined) return 'unknown-url'
  if (normalTargetUri(proof.htu) !== target) return 'wrong-url'
  if (origins.size > 0 && !origins.has(new URL(target).origin)) return 'wrong-url'
  if (token !== undefined && proof.ath !== digestOf(token.accessToken)) return 'wrong-token'
  const ageSeconds = now() / 1000 - proof.iat
  if (!(ageSeconds <= maxAgeSeconds)) return 'too-old'
  return ageSeconds >= -leewaySeconds ? undefined : 'not-yet-valid'
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** RFC 9449 section 4.2: `htu` has neither query nor fragment, and one that has is another URI. */
function cutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '')
}
