import type { AccessTokenClaims } from '@portcullis/protocol'
import { invalidToken } from '../refusals.ts'
import { VerifyError } from '../verify-error.ts'
import { boundThumbprint } from './confirmation.ts'
import type { PresentedRequestProof } from './proof-claims.ts'
import type { ProofJudge } from './proof-judge.ts'

/**
 * That whoever sent the request holds the key that its token is bound to. A bound token counts only
 * under the scheme `DPoP`, with a proof, and there a token that is not bound counts for nothing
 * (RFC 9449 section 7.2). Answers the nonce for the next proof; throws a VerifyError.
 */
export async function checkPossession(
  claims: AccessTokenClaims,
  accessToken: string,
  presented: PresentedRequestProof | undefined,
  judge: ProofJudge | undefined,
  realm: string,
): Promise<string | undefined> {
  if (claims.cnf === undefined) throw invalidToken('not-bound-to-a-key', realm)
  const thumbprint = boundThumbprint(claims.cnf)
  if (judge === undefined || presented === undefined || thumbprint === undefined) {
    throw invalidToken('bound-to-a-key', realm)
  }

  const facts = { realm, dpopAlgorithms: judge.algorithms }
  const judged = await judge.judge({ ...presented, accessToken, thumbprint })
  switch (judged.kind) {
    case 'proven':
      return judged.nextNonce
    case 'use-nonce': {
      const description = 'the proof needs the nonce of this service'
      throw new VerifyError('use-dpop-nonce', description, { ...facts, dpopNonce: judged.nonce })
    }
    case 'refused': {
      const { why: reason, description } = judged
      // A proof by another key is a good proof: what does not fit is the token (RFC 9449 section 7.1).
      const code = reason === 'wrong-key' ? 'invalid-token' : 'invalid-dpop-proof'
      throw new VerifyError(code, description, { ...facts, reason })
    }
    case 'unavailable':
      throw proofsUnavailable(judged.cause)
  }
}

/** A store does not say when it will be back: soon enough for people, seldom enough for the store. */
const retryAfterSeconds = 5

function proofsUnavailable(why: unknown): VerifyError {
  const description = 'whether the proof was used before cannot be told at the moment'
  const cause = why instanceof Error ? why : new Error(String(why))
  return new VerifyError('proofs-unavailable', description, { retryAfterSeconds, cause })
}
