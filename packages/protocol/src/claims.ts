import type { JsonObject, JsonValue } from './json.ts'
import { isJsonObject } from './json.ts'

/** The claims of a Portcullis access token (RFC 9068 and our own), after their types were checked. */
export interface AccessTokenClaims {
  readonly iss: string
  /** An opaque account id, or the client id when a machine acts for itself. */
  readonly sub: string
  readonly aud: string | readonly string[]
  /** Seconds since 1970, like every time here (RFC 7519 section 2, NumericDate; whole seconds only). */
  readonly exp: number
  readonly iat: number
  readonly nbf?: number
  readonly jti: string
  readonly client_id: string
  readonly auth_time?: number
  readonly acr?: string
  readonly amr?: readonly string[]
  /** Space-separated (RFC 6749 section 3.3). */
  readonly scope?: string
  readonly roles?: readonly string[]
  /** The session this token belongs to; absent for machine clients. */
  readonly sid?: string
  /** The account's generation when the token was minted; absent for machine clients. */
  readonly gen?: number
  /** The client's generation when the token was minted. */
  readonly cgen?: number
  readonly act?: JsonObject
  readonly cnf?: JsonObject
  readonly [ownClaim: string]: JsonValue | undefined
}

export type ParsedClaims =
  | { readonly kind: 'claims'; readonly claims: AccessTokenClaims }
  | { readonly kind: 'malformed'; readonly claim: string }

/**
 * Checks that every claim RFC 9068 section 2.2 requires is there and that every claim known here has
 * its type. Members are read as own properties only, so nothing arrives through a prototype.
 *
 * Does NOT compare issuer or audience with anything, and does NOT look at the clock.
 */
export function parseAccessTokenClaims(payload: JsonObject): ParsedClaims {
  let required = 0
  for (const claim of Object.keys(payload)) {
    const check = claimChecks.get(claim)
    if (check === undefined) continue
    if (!check.isValid(payload[claim])) return { kind: 'malformed', claim }
    if (check.isRequired) required += 1
  }
  if (required === requiredClaims.length) {
    return { kind: 'claims', claims: payload as AccessTokenClaims }
  }
  const missing = requiredClaims.find((claim) => !Object.hasOwn(payload, claim))
  return { kind: 'malformed', claim: missing ?? '' }
}

/** True when `audience` is one of the token's audiences, compared exactly. */
export function hasAudience(claims: AccessTokenClaims, audience: string): boolean {
  return typeof claims.aud === 'string' ? claims.aud === audience : claims.aud.includes(audience)
}

/** The scope claim as a list; empty when there is none. */
export function scopesOf(claims: Pick<AccessTokenClaims, 'scope'>): readonly string[] {
  return claims.scope === undefined || claims.scope === '' ? [] : claims.scope.split(' ')
}

/** True for one scope (RFC 6749 section 3.3): visible ASCII without quote and backslash. */
export function isScopeToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}

type ClaimCheck = (value: JsonValue | undefined) => boolean

const identifierCharactersMax = 512
/** A token for more audiences than this is a mistake, and comparing them costs time. */
const audiencesMax = 32
/** The year 5138. A larger number is milliseconds that someone took for seconds. */
const numericDateMax = 100_000_000_000

const isText: ClaimCheck = (value) => typeof value === 'string'

// Identifiers end up in headers, logs and database keys, so control characters stay out.
const isIdentifier: ClaimCheck = (value) =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= identifierCharactersMax &&
  // eslint-disable-next-line no-control-regex
  !/[\u0000-\u001f\u007f]/u.test(value)

const isNumericDate: ClaimCheck = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 && Number(value) < numericDateMax

const isGeneration: ClaimCheck = (value) => Number.isSafeInteger(value) && Number(value) >= 0

const isAudience: ClaimCheck = (value) =>
  isIdentifier(value) ||
  (Array.isArray(value) &&
    value.length > 0 &&
    value.length <= audiencesMax &&
    value.every((entry) => isIdentifier(entry)))

const isListOfIdentifiers: ClaimCheck = (value) =>
  Array.isArray(value) && value.every((entry) => isIdentifier(entry))

// RFC 6749 section 3.3: tokens with one space between them.
const isScope: ClaimCheck = (value) =>
  typeof value === 'string' && (value === '' || value.split(' ').every(isScopeToken))

const requiredClaims: readonly string[] = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

const claimChecks: ReadonlyMap<string, { isValid: ClaimCheck; isRequired: boolean }> = new Map(
  (
    [
      ['iss', isIdentifier],
      ['sub', isIdentifier],
      ['aud', isAudience],
      ['exp', isNumericDate],
      ['iat', isNumericDate],
      ['jti', isIdentifier],
      ['client_id', isIdentifier],
      ['nbf', isNumericDate],
      ['auth_time', isNumericDate],
      ['acr', isText],
      ['amr', isListOfIdentifiers],
      ['scope', isScope],
      ['roles', isListOfIdentifiers],
      ['sid', isIdentifier],
      ['gen', isGeneration],
      ['cgen', isGeneration],
      ['act', isJsonObject],
      ['cnf', isJsonObject],
    ] as const satisfies readonly (readonly [string, ClaimCheck])[]
  ).map(([claim, isValid]) => [claim, { isValid, isRequired: requiredClaims.includes(claim) }]),
)
