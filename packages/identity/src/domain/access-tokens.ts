import type { AccessTokenClaims } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Attributes } from './attributes.ts'
import type { RandomBytes } from './random.ts'
import { randomIdentifier } from './random.ts'
import type { TokenTarget } from './registry.ts'

/** Signs claims as an `at+jwt` (RFC 9068 section 2.1). Private keys stay behind it. */
export type SignAccessToken = (claims: AccessTokenClaims, algorithm: AlgorithmName) => string

export interface AccessTokenMinter {
  readonly issuer: string
  readonly sign: SignAccessToken
  readonly randomBytes: RandomBytes
  readonly tokenBytesMax: number
}

/** Who the token speaks of, and what it lets them do. */
export interface TokenGrant {
  readonly target: TokenTarget
  readonly subject: string
  readonly clientId: string
  readonly clientGeneration: number
  readonly scopes: readonly string[]
  readonly roles: readonly string[]
  /** By the operator's names, none of which is one of ours (`isReservedClaim`). */
  readonly ownClaims?: Attributes
  /** Absent for machine clients, which have no session. */
  readonly session?: SessionFacts
}

interface SessionFacts {
  readonly id: string
  readonly generation: number
  readonly authenticatedAt: number
  readonly expiresAt: number
}

export interface AccessToken {
  readonly kind: 'minted'
  readonly accessToken: string
  readonly expiresInSeconds: number
  readonly scopes: readonly string[]
}

export type MintedToken =
  | AccessToken
  | { readonly kind: 'refused'; readonly why: 'token-over-budget'; readonly detail: string }

/**
 * Mints one access token. `readAt` is the store's clock (ms) from BEFORE the account's and client's
 * generations were read: `iat` must never be later than what the token vouches for (protocol, section 2).
 */
export function mintAccessToken(
  minter: AccessTokenMinter,
  grant: TokenGrant,
  readAt: number,
): MintedToken {
  const claims = claimsOf(minter, grant, Math.floor(readAt / 1000))
  const accessToken = minter.sign(claims, grant.target.algorithm)
  if (accessToken.length > minter.tokenBytesMax) {
    return {
      kind: 'refused',
      why: 'token-over-budget',
      detail:
        `the token would have ${accessToken.length} bytes, more than ${minter.tokenBytesMax}; ` +
        `its largest claims are ${largestClaims(claims)}. Ask for fewer audiences or scopes`,
    }
  }
  const expiresInSeconds = claims.exp - claims.iat
  return { kind: 'minted', accessToken, expiresInSeconds, scopes: grant.scopes }
}

function claimsOf(minter: AccessTokenMinter, grant: TokenGrant, iat: number): AccessTokenClaims {
  const { target, session } = grant
  const [onlyAudience, ...others] = target.audiences
  return {
    ...grant.ownClaims,
    iss: minter.issuer,
    sub: grant.subject,
    aud: onlyAudience !== undefined && others.length === 0 ? onlyAudience : target.audiences,
    exp: expiry(iat, target, session),
    iat,
    jti: randomIdentifier(minter.randomBytes),
    client_id: grant.clientId,
    cgen: grant.clientGeneration,
    ...(session === undefined ? {} : sessionClaims(session)),
    ...(grant.scopes.length === 0 ? {} : { scope: grant.scopes.join(' ') }),
    ...(grant.roles.length === 0 ? {} : { roles: grant.roles }),
  }
}

function expiry(iat: number, target: TokenTarget, session: SessionFacts | undefined): number {
  const byPolicy = iat + target.accessTokenSeconds
  return session === undefined ? byPolicy : Math.min(byPolicy, Math.floor(session.expiresAt / 1000))
}

function sessionClaims(session: SessionFacts): Partial<AccessTokenClaims> {
  return {
    sid: session.id,
    gen: session.generation,
    auth_time: Math.floor(session.authenticatedAt / 1000),
    // One factor, a password (RFC 8176). Further factors will raise both.
    acr: '1',
    amr: ['pwd'],
  }
}

const claimsNamed = 3

function largestClaims(claims: AccessTokenClaims): string {
  return Object.entries(claims)
    .map(([name, value]) => ({ name, bytes: Buffer.byteLength(JSON.stringify(value)) }))
    .toSorted((one, other) => other.bytes - one.bytes)
    .slice(0, claimsNamed)
    .map(({ name, bytes }) => `${name} (${bytes} bytes)`)
    .join(', ')
}
