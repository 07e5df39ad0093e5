import type { AccessTokenClaims, JsonObject } from '@portcullis/protocol'
import type { Attributes } from './attributes.ts'
import type { RandomBytes } from './random.ts'
import { randomIdentifier } from './random.ts'
import type { TokenTarget } from './registry.ts'

/**
 * Signs claims as an `at+jwt` (RFC 9068 section 2.1) in the way of these audiences. Keys stay behind it. Rejects with
 * a `SignerUnavailableError` when it cannot at the moment.
 */
export type SignAccessToken = (
  claims: AccessTokenClaims,
  target: Pick<TokenTarget, 'algorithms' | 'encryption'>,
) => Promise<string>

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
  /** The key that the token is bound to (RFC 9449 section 6.1), proved by whoever gets it; undefined for none. */
  readonly keyThumbprint?: string | undefined
  readonly delegation?: Delegation
}

/** A token that is made of another one (RFC 8693). */
interface Delegation {
  /** The claims of that one, which the new one does not outlive. */
  readonly subject: AccessTokenClaims
  /** Who acts, the one who asked outermost. */
  readonly act: JsonObject
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
  /** RFC 9449 section 5. */
  readonly type: 'Bearer' | 'DPoP'
  readonly expiresInSeconds: number
  readonly scopes: readonly string[]
}

export type MintedToken = AccessToken | RefusedMint

export interface RefusedMint {
  readonly kind: 'refused'
  readonly why: 'token-over-budget' | 'proof-required'
  readonly detail: string
}

/** Undefined unless an audience of the target takes bound tokens only, and there is no key. */
export function missingKeyRefusal(
  { boundAudiences }: Pick<TokenTarget, 'boundAudiences'>,
  keyThumbprint: string | undefined,
): RefusedMint | undefined {
  if (boundAudiences.length === 0 || keyThumbprint !== undefined) return undefined
  const detail = `tokens for ${boundAudiences.join(', ')} are bound to a key: send a DPoP proof of one`
  return { kind: 'refused', why: 'proof-required', detail }
}

/**
 * Mints one access token. `readAt` is the store's clock (ms) from BEFORE the account's and client's
 * generations were read: `iat` must never be later than what the token vouches for (protocol, section 2).
 *
 * Whoever writes nothing for the token brings `vouchedAt` instead, which is when the store last wrote something down
 * for good, by the same reading: a primary that was left behind reads on, of a world that is over, and writes nothing.
 */
export async function mintAccessToken(
  minter: AccessTokenMinter,
  grant: TokenGrant,
  readAt: number,
): Promise<MintedToken> {
  const missingKey = missingKeyRefusal(grant.target, grant.keyThumbprint)
  if (missingKey !== undefined) return missingKey
  const claims = claimsOf(minter, grant, Math.floor(readAt / 1000))
  const accessToken = await minter.sign(claims, grant.target)
  if (accessToken.length > minter.tokenBytesMax) {
    return {
      kind: 'refused',
      why: 'token-over-budget',
      detail:
        `the ${grant.target.encryption === undefined ? '' : 'encrypted '}token would have ` +
        `${accessToken.length} bytes, more than ${minter.tokenBytesMax}; ` +
        `its largest claims are ${largestClaims(claims)}. Ask for fewer audiences or scopes`,
    }
  }
  const expiresInSeconds = claims.exp - claims.iat
  const type = grant.keyThumbprint === undefined ? 'Bearer' : 'DPoP'
  return { kind: 'minted', accessToken, type, expiresInSeconds, scopes: grant.scopes }
}

function claimsOf(minter: AccessTokenMinter, grant: TokenGrant, iat: number): AccessTokenClaims {
  const { target, session, delegation, keyThumbprint } = grant
  const [onlyAudience, ...others] = target.audiences
  return {
    ...grant.ownClaims,
    iss: minter.issuer,
    sub: grant.subject,
    aud: onlyAudience !== undefined && others.length === 0 ? onlyAudience : target.audiences,
    exp: Math.min(expiry(iat, target, session), delegation?.subject.exp ?? Infinity),
    iat,
    jti: randomIdentifier(minter.randomBytes),
    client_id: grant.clientId,
    cgen: grant.clientGeneration,
    ...(session === undefined ? {} : sessionClaims(session)),
    ...(delegation === undefined ? {} : delegationClaims(delegation)),
    ...(grant.scopes.length === 0 ? {} : { scope: grant.scopes.join(' ') }),
    ...(grant.roles.length === 0 ? {} : { roles: grant.roles }),
    ...(keyThumbprint === undefined ? {} : { cnf: { jkt: keyThumbprint } }),
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

/** How the person signed in is what the subject token says of it, and not what became of the session since. */
function delegationClaims({ subject, act }: Delegation): Partial<AccessTokenClaims> {
  const { auth_time: authTime, acr, amr } = subject
  return {
    ...(authTime === undefined ? {} : { auth_time: authTime }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
    act,
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
