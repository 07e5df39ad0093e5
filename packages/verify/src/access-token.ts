import type { AccessTokenClaims } from '@portcullis/protocol'
import { accessTokenType, hasAudience, parseAccessTokenClaims } from '@portcullis/protocol'
import type { CompactJws, VerificationKey } from '@portcullis/protocol/jws'
import { judgeHeader, parseCompactJws } from '@portcullis/protocol/jws'
import type { Moment } from './revocation/freshness.ts'
import type { RevocationFault, RevocationRule } from './revocation/rule.ts'
import type { RevocableToken } from './revocation/table.ts'
import { revocableToken } from './revocation/table.ts'

export interface TokenExpectation {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: ReadonlySet<string>
  readonly leewaySeconds: number
  readonly lifetimeSecondsMax: number
}

/** What is wrong with a token, finer than the code of the error. */
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
  | 'bound-to-a-key'
  | 'not-bound-to-a-key'
  | 'unfit-own-claims'
  | RevocationFault
  | ClaimsFault

/** What is wrong with the claims of a token whose signature is good. */
export type ClaimsFault =
  | 'malformed-claims'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'expired'
  | 'not-yet-valid'
  | 'lives-too-long'

/** A token whose form and header are what is expected, and of which nothing else is believed yet. */
export interface ReadToken {
  readonly kind: 'read'
  readonly jws: CompactJws
  readonly algorithm: string
  readonly kid: string
}

export interface RefusedToken {
  readonly kind: 'refused'
  readonly why: TokenFault
  /** The registered claim that is missing or has a wrong form. */
  readonly claim?: string
}

/** A token that its issuer has signed, with what it takes to judge it again. */
export interface SignedToken extends RevocableToken {
  /** Frozen, at every depth. */
  readonly claims: AccessTokenClaims
  readonly key: VerificationKey
  /** In seconds since 1970; beside the claims, so that a token that comes often is judged by this alone. */
  readonly exp: number
  readonly iat: number
  readonly notBefore: number
  /** What it was found to fit, and at which version nothing had taken it back: neither is asked again. */
  fits: TokenExpectation | undefined
  clearedAtVersion: number
}

/** What a token is judged by, beside the token. */
export interface TokenRule {
  readonly expected: TokenExpectation
  readonly revocation: RevocationRule
}

// A token is judged in an order that never changes: form, header, key, signature, and only then claims,
// so that a forged token gets no information about claims. The key is looked up between the two steps,
// at the expected issuer alone; nothing in the token chooses where it comes from.

export function readAccessToken(
  token: unknown,
  { algorithms }: TokenExpectation,
): ReadToken | RefusedToken {
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') return refused('malformed')
  const header = judgeHeader(jws.header, { typ: accessTokenType, algorithms })
  if (header.kind === 'refused') return header
  return { kind: 'read', jws, algorithm: header.algorithm, kid: header.kid }
}

/** What is signed by this key. Whether it is good here and now is for `faultOfSigned` to say. */
export function checkSignature(
  { jws, algorithm: name }: ReadToken,
  key: VerificationKey,
  { revocation }: TokenRule,
): { readonly kind: 'signed'; readonly token: SignedToken } | RefusedToken {
  if (revocation.isWithdrawn(key.kid)) return refused('key-withdrawn')
  const { algorithm, publicKey } = key
  // The key says what it is for; the header may only agree.
  if (algorithm.name !== name) return refused('key-does-not-fit')
  if (!algorithm.verify(publicKey, jws.signingInput, jws.signature)) return refused('bad-signature')
  const parsed = parseAccessTokenClaims(jws.payload)
  if (parsed.kind === 'malformed') return { ...refused('malformed-claims'), claim: parsed.claim }
  return { kind: 'signed', token: signedToken(parsed.claims, key) }
}

export function signedToken(claims: AccessTokenClaims, key: VerificationKey): SignedToken {
  const { exp, iat, nbf = iat } = claims
  const times = { exp, iat, notBefore: Math.max(iat, nbf) }
  return { ...revocableToken(claims), ...times, key, fits: undefined, clearedAtVersion: -1 }
}

/** All that can change while a token lives, and can be judged again without its signature. */
export function faultOfSigned(
  token: SignedToken,
  { expected, revocation }: TokenRule,
): TokenFault | undefined {
  const version = revocation.version()
  const moment = revocation.moment()
  const isCleared = token.clearedAtVersion === version
  const isFitting = token.fits === expected
  if (!isCleared && revocation.isWithdrawn(token.key.kid)) return 'key-withdrawn'
  const fault = isFitting
    ? timeFault(token, expected, moment)
    : claimsFault(token, expected, moment)
  if (fault !== undefined) return fault
  if (!isFitting && !revocation.isComplete(token.claims)) return 'malformed-claims'
  if (!isCleared && revocation.isRevoked(token)) return 'revoked'
  if (revocation.isStale(token.iat * 1000, moment)) return 'stale'
  token.fits = expected
  token.clearedAtVersion = version
  return undefined
}

function claimsFault(
  token: SignedToken,
  expected: TokenExpectation,
  moment: Moment,
): ClaimsFault | undefined {
  const { claims, exp, iat } = token
  if (claims.iss !== expected.issuer) return 'wrong-issuer'
  if (!hasAudience(claims, expected.audience)) return 'wrong-audience'
  const fault = timeFault(token, expected, moment)
  if (fault !== undefined) return fault
  if (exp <= iat) return 'malformed-claims'
  return exp - iat > expected.lifetimeSecondsMax ? 'lives-too-long' : undefined
}

/** A wall clock that is set back makes no token younger: only the other one judges expiry. */
function timeFault(
  { exp, notBefore }: SignedToken,
  { leewaySeconds }: TokenExpectation,
  { wallMs, nowMs }: Moment,
): ClaimsFault | undefined {
  // RFC 7519 section 4.1.4: the token is dead *on* exp. Asked in this way a time that is no number refuses.
  if (!(exp > nowMs / 1000 - leewaySeconds)) return 'expired'
  return notBefore <= wallMs / 1000 + leewaySeconds ? undefined : 'not-yet-valid'
}

function refused(why: TokenFault): RefusedToken {
  return { kind: 'refused', why }
}
