import type { JwkWithKid } from 'aws-jwt-verify/jwk'
import { JwtVerifier } from 'aws-jwt-verify'
import { auth } from 'express-oauth2-jwt-bearer'
import { createVerifier as createFastVerifier } from 'fast-jwt'
import { importJWK, jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import type { Issuer } from './issuer.ts'
import { audience } from './issuer.ts'

/** Verifies one token. Throws, or rejects, when it refuses. */
export type Verify =
  | { readonly kind: 'sync'; readonly verify: (token: string) => unknown }
  | { readonly kind: 'async'; readonly verify: (token: string) => Promise<unknown> }

export interface Peer {
  readonly name: string
  /** Undefined for an algorithm that it does not know. */
  readonly create: (issuer: Issuer) => Promise<Verify | undefined> | Verify | undefined
}

/** What every access token has (RFC 9068 section 2.2), for those who can be told. */
const requiredClaims = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']
const typ = 'at+jwt'
const leewaySeconds = 5

export function fastJwt(issuer: Issuer, cache: false | number): Verify {
  const verify = createFastVerifier({
    key: issuer.publicKey.export({ type: 'spki', format: 'pem' }),
    algorithms: [issuer.algorithm],
    allowedIss: issuer.issuer,
    allowedAud: audience,
    checkTyp: typ,
    requiredClaims,
    clockTolerance: leewaySeconds * 1000,
    cache,
  })
  return { kind: 'sync', verify: (token) => verify(token) }
}

/**
 * Each with every check that it has an option for, its key at hand, and the quickest way that it
 * offers. What it has no option for it does not check; nothing was written for it.
 */
export const peers: readonly Peer[] = [
  { name: 'fast-jwt', create: (issuer) => fastJwt(issuer, false) },
  {
    name: 'jsonwebtoken',
    create: (issuer) => {
      const { algorithm } = issuer
      // It has never learned EdDSA.
      if (algorithm === 'EdDSA') return undefined
      const options = {
        algorithms: [algorithm],
        issuer: issuer.issuer,
        audience,
        clockTolerance: leewaySeconds,
      }
      return {
        kind: 'sync',
        verify: (token) => jsonwebtoken.verify(token, issuer.publicKey, options),
      }
    },
  },
  {
    name: 'jose',
    create: async (issuer) => {
      const key = await importJWK(issuer.jwk, issuer.algorithm)
      const options = {
        algorithms: [issuer.algorithm],
        issuer: issuer.issuer,
        audience,
        typ,
        requiredClaims,
        clockTolerance: leewaySeconds,
      }
      return { kind: 'async', verify: (token) => jwtVerify(token, key, options) }
    },
  },
  {
    name: 'aws-jwt-verify',
    create: (issuer) => {
      const verifier = JwtVerifier.create({
        issuer: issuer.issuer,
        audience,
        graceSeconds: leewaySeconds,
      })
      verifier.cacheJwks({ keys: [issuer.jwk as unknown as JwkWithKid] })
      return { kind: 'sync', verify: (token) => verifier.verifySync(token) }
    },
  },
  { name: 'express-oauth2-jwt-bearer', create: expressBearer },
]

/** The middleware, with what it reads of a request: its verifier is not exported. */
function expressBearer(issuer: Issuer): Verify {
  type Next = (error?: unknown) => void
  const middleware = auth({
    issuer: issuer.issuer,
    publicKey: issuer.jwk,
    audience,
    strict: true,
    tokenSigningAlg: issuer.algorithm,
    clockTolerance: leewaySeconds,
    dpop: { enabled: false },
  }) as unknown as (request: object, response: object, next: Next) => Promise<void>

  return {
    kind: 'async',
    verify: async (token) => {
      const request = {
        headers: { authorization: `Bearer ${token}`, host: 'orders.example' },
        protocol: 'https',
        method: 'GET',
        originalUrl: '/orders',
        query: {},
        get: () => 'orders.example',
        is: () => false,
      }
      await middleware(request, {}, (error) => {
        if (error !== undefined) throw error
      })
      return request
    },
  }
}
