import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { PresentedProof } from '../src/dpop/proof-claims.ts'
import type { ProofFault } from '../src/dpop/proof-fault.ts'
import { proofFaultDescriptions } from '../src/dpop/proof-fault.ts'
import type { RefusedProof } from '../src/dpop/proof-judge.ts'
import { createProofJudge } from '../src/dpop/proof-judge.ts'
import type { ProofJudgeOptions } from '../src/dpop/proof-options.ts'
import type { ProofKey } from '../src/testing/proof-key.ts'
import { createProofKey } from '../src/testing/proof-key.ts'
import type { TokenRecipe } from '../src/testing/recipe.ts'
import type { Clock } from './clock.ts'
import { createClock } from './clock.ts'

/** The request that proofs are made for, unless a test says otherwise. */
export const request = {
  method: 'POST',
  url: 'https://orders.example/orders/7?page=2',
  accessToken: 'header.payload.signature',
} as const

/** What the judge answers for this fault. */
export function refusal(why: ProofFault): RefusedProof {
  return { kind: 'refused', why, description: proofFaultDescriptions[why] }
}

/** A service that takes DPoP, and a client of it. */
export interface ProofService {
  readonly clock: Clock
  readonly key: ProofKey
  /** The fate of these DPoP headers; members replace those of the request. */
  readonly fateOf: (proofs: readonly string[], changed?: Partial<PresentedProof>) => Promise<string>
  readonly prove: (recipe?: TokenRecipe) => string
}

export function startProofService(
  options: ProofJudgeOptions = {},
  algorithm: AlgorithmName = 'ES256',
): ProofService {
  const clock = createClock()
  const key = createProofKey({ algorithm, now: clock.now })
  const { judge } = createProofJudge({ now: clock.now, ...options })
  return {
    clock,
    key,
    fateOf: async (proofs, changed = {}) => {
      const judged = await judge({ ...request, proofs, thumbprint: key.thumbprint, ...changed })
      return judged.kind === 'refused' ? judged.why : judged.kind
    },
    prove: (recipe) => key.prove(request, recipe),
  }
}
