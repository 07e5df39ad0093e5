import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { ProofFault } from './proof-fault.ts'

/** RFC 9449 sections 7.1 and 9; `invalid_token` is that of RFC 6750 section 3.1. */
export type DpopErrorCode = 'invalid_dpop_proof' | 'use_dpop_nonce' | 'invalid_token'

export interface DpopChallenge {
  readonly realm: string
  readonly algorithms: Iterable<AlgorithmName>
  /** None for a request without a token (RFC 6750 section 3.1). */
  readonly error?: DpopErrorCode | undefined
  readonly description?: string | undefined
}

/** The value of `WWW-Authenticate` that asks for a token under the scheme `DPoP` (RFC 9449 section 7.1). */
export function dpopChallenge({ realm, algorithms, error, description }: DpopChallenge): string {
  const parameters: readonly (readonly [string, string | undefined])[] = [
    ['realm', realm],
    ['algs', [...algorithms].join(' ')],
    ['error', error],
    ['error_description', error === undefined ? undefined : description],
  ]
  const given = parameters.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}="${quotable(value)}"`],
  )
  return `DPoP ${given.join(', ')}`
}

/** A proof by another key is a good proof: what does not fit is the token (RFC 9449 section 7.1). */
export function dpopErrorOf(fault: ProofFault): DpopErrorCode {
  return fault === 'wrong-key' ? 'invalid_token' : 'invalid_dpop_proof'
}

/** RFC 6750 section 3: printable ASCII without quote and backslash, so nothing needs escaping. */
function quotable(text: string): string {
  return text.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
