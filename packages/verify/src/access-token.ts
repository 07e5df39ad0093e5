import type { AccessTokenClaims, JsonValue } from '@portcullis/protocol'
import { accessTokenType, hasAudience, parseAccessTokenClaims } from '@portcullis/protocol'
import type { AlgorithmName } from '@portcullis/protocol/jws'
import { judgeHeader, parseCompactJws } from '@portcullis/protocol/jws'
import type { KeyLookup } from './issuer/key-source.ts'
import type { RevocationFault, RevocationRule } from './revocation/rule.ts'

export interface TokenExpectation {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: ReadonlySet<AlgorithmName>
  readonly leewaySeconds: number
  readonly lifetimeSecondsMax: number
}

export type TokenFault =
  | 'malformed'
  | 'wrong-type'
  | 'algorithm-not-allowed'
  | 'unsupported-extension'
  | 'missing-key-id'
  | 'unknown-key'
  | 'key-does-not-fit'
  | 'bad-signature'
  | 'key-withdrawn'
  | RevocationFault
  | ClaimsFault

export type ClaimsFault =
  | 'malformed-claims'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'expired'
  | 'not-yet-valid'
  | 'lives-too-long'
  | 'bound-to-a-key'

export type JudgedToken =
  | { readonly kind: 'accepted'; readonly claims: AccessTokenClaims; readonly kid: string }
  | { readonly kind: 'refused'; readonly why: TokenFault }
  | Extract<KeyLookup, { readonly kind: 'unavailable' }>

/** What a token is judged by, beside the token. */
export interface TokenRule {
  readonly expected: TokenExpectation
  /** Milliseconds since 1970, by the wall clock. */
  readonly wall: () => number
  readonly revocation: RevocationRule
}

/**
 * Judges an RFC 9068 access token in an order that never changes: form, header, key, signature, and
 * only then claims, so that a forged token gets no information about claims. The key is looked up at
 * the expected issuer alone; nothing in the token chooses where it comes from.
 */
export async function judgeAccessToken(
  token: unknown,
  rule: TokenRule,
  findKey: (kid: string) => Promise<KeyLookup>,
): Promise<JudgedToken> {
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') return refused('malformed')
  const { algorithms } = rule.expected
  const header = judgeHeader(jws.header, { typ: accessTokenType, algorithms })
  if (header.kind === 'refused') return header

  const { kid } = header
  const lookup = await findKey(kid)
  if (lookup.kind === 'unavailable') return lookup
  if (lookup.kind === 'unknown') return refused('unknown-key')
  if (rule.revocation.isWithdrawn(kid)) return refused('key-withdrawn')
  const { algorithm, publicKey } = lookup.key
  // The key says what it is for; the header may only agree.
  if (algorithm.name !== header.algorithm) return refused('key-does-not-fit')
  if (!algorithm.verify(publicKey, jws.signingInput, jws.signature)) return refused('bad-signature')

  const parsed = parseAccessTokenClaims(jws.payload)
  if (parsed.kind === 'malformed') return refused('malformed-claims')
  const fault = judgeClaims(parsed.claims, kid, rule)
  return fault === undefined ? accepted(parsed.claims, kid) : refused(fault)
}

/** All that can change while a token lives, and can be judged again without its signature. */
export function judgeClaims(
  claims: AccessTokenClaims,
  kid: string,
  { expected, wall, revocation }: TokenRule,
): TokenFault | undefined {
  if (revocation.isWithdrawn(kid)) return 'key-withdrawn'
  const fault = claimsFault(claims, expected, wall() / 1000, revocation.now() / 1000)
  return fault ?? revocation.faultOf(claims)
}

/** A wall clock that is set back makes no token younger: only the other one judges expiry. */
function claimsFault(
  claims: AccessTokenClaims,
  expected: TokenExpectation,
  wallSeconds: number,
  nowSeconds: number,
): ClaimsFault | undefined {
  const { iat, exp, nbf = iat } = claims
  const latest = wallSeconds + expected.leewaySeconds
  if (claims.iss !== expected.issuer) return 'wrong-issuer'
  if (!hasAudience(claims, expected.audience)) return 'wrong-audience'
  // RFC 7519 section 4.1.4: the token is dead *on* exp, so <= and not <.
  if (exp <= nowSeconds - expected.leewaySeconds) return 'expired'
  if (iat > latest || nbf > latest) return 'not-yet-valid'
  if (exp <= iat) return 'malformed-claims'
  if (exp - iat > expected.lifetimeSecondsMax) return 'lives-too-long'
  // RFC 9449 section 7.2: a token bound to a key proves nothing without the proof of that key, and
  // a confirmation in a form that is not known here (RFC 7800) is still a confirmation.
  if (Object.hasOwn(claims, 'cnf')) return 'bound-to-a-key'
  return undefined
}

function accepted(claims: AccessTokenClaims, kid: string): JudgedToken {
  deepFreeze(claims)
  return { kind: 'accepted', claims, kid }
}

/** The parser has bounded the depth. */
function deepFreeze(value: JsonValue | undefined): void {
  if (typeof value !== 'object' || value === null) return
  Object.freeze(value)
  for (const member of Object.values(value)) deepFreeze(member)
}

function refused(why: TokenFault): JudgedToken {
  return { kind: 'refused', why }
}
