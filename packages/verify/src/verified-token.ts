import type { AccessTokenClaims } from '@portcullis/protocol'
import type { SignedToken } from './access-token.ts'
import type { VerifyError } from './verify-error.ts'

/** `Own`: what the option `claims` makes of the claims of the service's own; undefined without it. */
export interface VerifiedToken<Own = unknown> {
  /** Frozen, at every depth. */
  readonly claims: AccessTokenClaims
  /** The audience under which the token was accepted; it may have others. */
  readonly audience: string
  /** Frozen, at every depth, where it consists of plain objects and arrays. */
  readonly own: Own
  /** Send it along as `DPoP-Nonce`, to spare the client a refusal (RFC 9449 section 8.2). */
  readonly nextDpopNonce?: string | undefined
}

export interface VerifiedTokenFacts<Own> {
  readonly signed: SignedToken
  readonly audience: string
  readonly own: Own
  readonly verifiedBy: TokenFamily
}

/** What those verifiers share that may ask `signedTokenOf` for what one of them has verified. */
export interface TokenFamily {
  /** What the token is answered now where it must be vouched for so recently. */
  readonly staleError: (
    signed: SignedToken,
    audience: string,
    maxAgeMs: number,
  ) => VerifyError | undefined
}

export function createVerifiedToken<Own>(
  facts: VerifiedTokenFacts<Own>,
  nextDpopNonce?: string,
): VerifiedToken<Own> {
  return new Answer(facts, nextDpopNonce)
}

/** Throws a TypeError for what was not verified by these, or is a copy. */
export function signedTokenOf(auth: VerifiedToken, verifiedBy: TokenFamily): SignedToken {
  return Answer.signedTokenOf(auth, verifiedBy)
}

/** Asks the verifier that has verified it, at this moment. Throws a TypeError for a copy. */
export function staleErrorOf(auth: VerifiedToken, maxAgeMs: number): VerifyError | undefined {
  return Answer.staleErrorOf(auth, maxAgeMs)
}

/**
 * Knows what it was made of, and shows it to nobody else. A WeakMap of all answers would do the same,
 * at several microseconds each, which the garbage collector pays.
 */
class Answer<Own> implements VerifiedToken<Own> {
  readonly claims: AccessTokenClaims
  readonly audience: string
  readonly own: Own
  readonly nextDpopNonce?: string
  readonly #signed: SignedToken
  readonly #verifiedBy: TokenFamily

  constructor(
    { signed, audience, own, verifiedBy }: VerifiedTokenFacts<Own>,
    nextDpopNonce?: string,
  ) {
    this.claims = signed.claims
    this.audience = audience
    this.own = own
    if (nextDpopNonce !== undefined) this.nextDpopNonce = nextDpopNonce
    this.#signed = signed
    this.#verifiedBy = verifiedBy
    Object.freeze(this)
  }

  static signedTokenOf(auth: VerifiedToken, verifiedBy: TokenFamily): SignedToken {
    if (#signed in auth && auth.#verifiedBy === verifiedBy) return auth.#signed
    throw new TypeError('this verifier has not verified such a token')
  }

  static staleErrorOf(auth: VerifiedToken, maxAgeMs: number): VerifyError | undefined {
    if (#signed in auth) return auth.#verifiedBy.staleError(auth.#signed, auth.audience, maxAgeMs)
    throw new TypeError('no verifier has verified such a token')
  }
}
