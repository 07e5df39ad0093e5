import type { Problem, ServiceProblemCode } from '@portcullis/protocol'
import { problemCreator, problemMediaType, serviceProblems } from '@portcullis/protocol'
import type { TokenFault } from './access-token.ts'
import type { ProofFault } from './dpop/proof-fault.ts'

/**
 * - `missing-token` 401, `invalid-token` 401: the caller needs a token, or another one
 * - `invalid-request` 400: the token was presented in a way that can be read twice
 * - `insufficient-user-authentication` 401: the token is good, and the person is to sign in again, or
 *   in another way (RFC 9470)
 * - `invalid-dpop-proof` 401, `use-dpop-nonce` 401: the token needs another proof of its key (RFC 9449)
 * - `insufficient-scope` 403: the token is good and does not allow this
 * - `cross-origin` 403: the token came in a cookie, and no page of this application sent the request
 * - `keys-unavailable` 503: nothing is wrong with the token; the issuer's keys cannot be had
 * - `clocks-disagree` 503: the token is too old for the last checkpoint, and the clock of the issuer
 *   or of this service is wrong, so that no token would mend it
 * - `proofs-unavailable` 503: whether a proof was used before cannot be told
 * - `feed-unavailable`, `client-refused`, `issuer-unreachable` 503: only from `ready()`, about the
 *   revocation feed and the service's own client; `feed-unavailable` also ends watches. As a problem
 *   document all three are `feed-unavailable`: the rest is the operator's business
 */
export type VerifyErrorCode = ServiceProblemCode | 'client-refused' | 'issuer-unreachable'

/** What an error tells beside its code; no part of a token or secret. */
export interface VerifyErrorFacts {
  /** The audience that the caller needs a token for; the realm of the challenge. */
  readonly realm?: string
  /** The scopes that would have been enough. */
  readonly scopes?: readonly string[]
  /** How old the authentication of the person may be. */
  readonly maxAgeSeconds?: number
  /** The authentication context classes, any of which would have been enough. */
  readonly acrValues?: readonly string[]
  /** Where the metadata of this service is (RFC 9728 section 5.1). */
  readonly resourceMetadata?: string | undefined
  /** What proofs may be signed with, where tokens may be bound to a key (RFC 9449 section 7.1). */
  readonly dpopAlgorithms?: readonly string[] | undefined
  readonly dpopNonce?: string | undefined
  readonly reason?: TokenFault | ProofFault
  readonly retryAfterSeconds?: number
  readonly cause?: Error
}

/** What the challenges of a service tell, whatever is wrong. */
export type ChallengeFacts = Pick<VerifyErrorFacts, 'resourceMetadata' | 'dpopAlgorithms'>

/**
 * RFC 6750 section 3.1 and its kin; null: the challenge tells only that a token is wanted. What is not here has
 * no challenge at all: no token would mend it.
 */
const oauthErrors: Readonly<Partial<Record<VerifyErrorCode, string | null>>> = {
  'missing-token': null,
  'invalid-token': 'invalid_token',
  'invalid-request': 'invalid_request',
  'insufficient-user-authentication': 'insufficient_user_authentication',
  'insufficient-scope': 'insufficient_scope',
  'invalid-dpop-proof': 'invalid_dpop_proof',
  'use-dpop-nonce': 'use_dpop_nonce',
}

/**
 * Why a request is not let in. Message, challenge and problem hold no part of the token and no
 * secret; `cause`, where there is one, is for the operator and is sent to nobody.
 */
export class VerifyError extends Error {
  override readonly name = 'VerifyError'
  readonly code: VerifyErrorCode
  readonly status: 400 | 401 | 403 | 503
  /** The value of `WWW-Authenticate` (RFC 6750 section 3); none for what no token mends. */
  readonly challenge: string | undefined
  /** What is wrong with the token, finer than the code; for logs and metrics. */
  readonly reason: TokenFault | ProofFault | undefined
  /** For a 503: when it is worth trying again. */
  readonly retryAfterSeconds: number | undefined
  /** What the next proof has to carry; the value of `DPoP-Nonce` (RFC 9449 section 9). */
  readonly dpopNonce: string | undefined
  readonly #facts: VerifyErrorFacts

  constructor(code: VerifyErrorCode, description: string, facts: VerifyErrorFacts = {}) {
    super(description, facts.cause === undefined ? {} : { cause: facts.cause })
    this.code = code
    this.status = serviceProblems[problemCodeOf(code)][0]
    this.challenge = challengeOf(code, description, facts)
    this.reason = facts.reason
    this.retryAfterSeconds = facts.retryAfterSeconds
    this.dpopNonce = facts.dpopNonce
    this.#facts = facts
  }

  /**
   * The same error, whose challenge tells these facts too: where the metadata of the service is, and,
   * to a client of the scheme `DPoP`, what proofs may be signed with.
   */
  withChallengeFacts(facts: ChallengeFacts): VerifyError {
    return new VerifyError(this.code, this.message, { ...this.#facts, ...facts })
  }
}

/** The RFC 9457 document that answers a request which ended in this error. */
export function problemOf(error: VerifyError): Problem {
  return createProblem(problemCodeOf(error.code), error.message)
}

const createProblem = problemCreator(serviceProblems)

function problemCodeOf(code: VerifyErrorCode): ServiceProblemCode {
  return code === 'client-refused' || code === 'issuer-unreachable' ? 'feed-unavailable' : code
}

/** The header fields that go with the problem document; no cache may keep the answer. */
export function responseHeadersOf(error: VerifyError): Readonly<Record<string, string>> {
  const { challenge, retryAfterSeconds, dpopNonce } = error
  return {
    'content-type': problemMediaType,
    'cache-control': 'no-store',
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(dpopNonce === undefined ? {} : { 'dpop-nonce': dpopNonce }),
  }
}

function challengeOf(
  code: VerifyErrorCode,
  description: string,
  facts: VerifyErrorFacts,
): string | undefined {
  const oauthError = oauthErrors[code]
  if (oauthError === undefined) return undefined
  // What clients look for: a token that is only too old is refreshed without a word to the person.
  const publicDescription = facts.reason === 'stale' ? 'stale' : description
  const parameters: readonly (readonly [string, string | number | null | undefined])[] = [
    ['realm', facts.realm ?? 'access token'],
    ['error', oauthError],
    ['error_description', oauthError === null ? null : publicDescription],
    ['scope', facts.scopes?.join(' ')],
    ['max_age', facts.maxAgeSeconds],
    ['acr_values', facts.acrValues?.join(' ')],
    ['resource_metadata', facts.resourceMetadata],
  ]
  const bearer = challengeOfScheme('Bearer', parameters)
  const { dpopAlgorithms: algorithms } = facts
  if (algorithms === undefined || algorithms.length === 0) return bearer
  const dpop = challengeOfScheme('DPoP', [...parameters, ['algs', algorithms.join(' ')]])
  // Either will do for somebody without a token; what is wrong with a proof is told to its own scheme.
  return oauthError === null ? `${bearer}, ${dpop}` : dpop
}

function challengeOfScheme(
  scheme: string,
  parameters: readonly (readonly [string, string | number | null | undefined])[],
): string {
  const given = parameters.flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [`${name}="${quotable(String(value))}"`],
  )
  return `${scheme} ${given.join(', ')}`
}

const unquotable = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g

/** RFC 6750 section 3: printable ASCII without quote and backslash, so nothing needs escaping. */
function quotable(text: string): string {
  return text.replaceAll(unquotable, '?')
}
