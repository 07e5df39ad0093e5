import type { AccessTokenClaims } from '@portcullis/protocol'
import type { SignedToken } from './access-token.ts'

export interface VerifiedToken {
  /** Frozen, at every depth. */
  readonly claims: AccessTokenClaims
  /** The audience under which the token was accepted; it may have others. */
  readonly audience: string
}

/** `by`: what those verifiers share that may ask `signedTokenOf` for it. */
export function createVerifiedToken(
  signed: SignedToken,
  audience: string,
  by: object,
): VerifiedToken {
  return new Answer(signed, audience, by)
}

/** Undefined when it was not verified by these, or is a copy. */
export function signedTokenOf(auth: VerifiedToken, by: object): SignedToken | undefined {
  return Answer.signedTokenOf(auth, by)
}

/**
 * Knows what it was made of, and shows it to nobody else. A WeakMap of all answers would do the same,
 * at several microseconds each, which the garbage collector pays.
 */
class Answer implements VerifiedToken {
  readonly claims: AccessTokenClaims
  readonly audience: string
  readonly #signed: SignedToken
  readonly #by: object

  constructor(signed: SignedToken, audience: string, by: object) {
    this.claims = signed.claims
    this.audience = audience
    this.#signed = signed
    this.#by = by
    Object.freeze(this)
  }

  static signedTokenOf(auth: VerifiedToken, by: object): SignedToken | undefined {
    return #signed in auth && auth.#by === by ? auth.#signed : undefined
  }
}
