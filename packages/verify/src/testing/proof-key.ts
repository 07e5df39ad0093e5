import { createHash, randomUUID } from 'node:crypto'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { proofType } from '../dpop/proof-judge.ts'
import type { TokenRecipe } from './recipe.ts'
import { forgeToken } from './recipe.ts'
import { generateTestKey } from './test-key.ts'

/** What kind of key, and by which clock it proves. */
export interface ProofKeyOptions {
  /** Default ES256. */
  readonly algorithm?: AlgorithmName
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** What a proof is for. */
export interface ProvenRequest {
  readonly method: string
  /** Its query and fragment are left out of the proof. */
  readonly url: string
  /** Left out where none is presented: at the endpoints of an issuer. */
  readonly accessToken?: string
  /** What the service has sent as `DPoP-Nonce`. */
  readonly nonce?: string
}

/** A client's key that access tokens are bound to, for tests of a service that takes DPoP. */
export interface ProofKey {
  /** For the token: `issuer.mint({ cnf: { jkt: thumbprint } })`. */
  readonly thumbprint: string
  /** As it rides in the header of a proof. */
  readonly jwk: Readonly<Record<string, string>>
  /** The same with its private part, which no client sends. */
  readonly privateJwk: Readonly<Record<string, unknown>>
  /** The value of the DPoP header; with a recipe, a proof that is wrong in the way it says. */
  readonly prove: (request: ProvenRequest, recipe?: TokenRecipe) => string
}

/** Generates a key that proves possession as RFC 9449 section 4.2 has it. */
export function createProofKey(options: ProofKeyOptions = {}): ProofKey {
  const { algorithm = 'ES256', now = Date.now } = options
  const key = generateTestKey(algorithm)
  const { kid: thumbprint, use: _use, alg: _alg, ...jwk } = key.jwk

  return {
    thumbprint,
    jwk,
    privateJwk: { ...key.privateKey.export({ format: 'jwk' }) },
    prove: ({ method, url, accessToken, nonce }, recipe = {}) => {
      const claims = {
        jti: randomUUID(),
        htm: method,
        htu: url.replace(/[?#].*$/s, ''),
        iat: Math.floor(now() / 1000),
        ...(accessToken === undefined
          ? {}
          : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
        ...(nonce === undefined ? {} : { nonce }),
      }
      const header = { alg: algorithm, typ: proofType, jwk }
      return forgeToken(recipe, { issuer: '', key, header, claims, now })
    },
  }
}
