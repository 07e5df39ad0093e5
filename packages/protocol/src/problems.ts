/** What a service answers with where an access token does not let a request in. */
export type ServiceProblemCode =
  | 'missing-token'
  | 'invalid-request'
  | 'invalid-token'
  | 'invalid-dpop-proof'
  | 'use-dpop-nonce'
  | 'insufficient-user-authentication'
  | 'insufficient-scope'
  | 'cross-origin'
  | 'keys-unavailable'
  | 'proofs-unavailable'
  | 'feed-unavailable'
  | 'clocks-disagree'

/** What only the issuer and the gateway answer with. */
export type ServerProblemCode =
  | 'malformed'
  | 'ambiguous-target'
  | 'unknown-audience'
  | 'unknown-client'
  | 'unknown-scope'
  | 'token-over-budget'
  | 'not-found'
  | 'method-not-allowed'
  | 'request-timeout'
  | 'too-large'
  | 'unsupported-media-type'
  | 'expectation-failed'
  | 'too-many-requests'
  | 'headers-too-large'
  | 'bad-credentials'
  | 'account-blocked'
  | 'throttled'
  | 'superseded'
  | 'identifier-taken'
  | 'registration-closed'
  | 'unknown-role'
  | 'no-email'
  | 'invalid-link'
  | 'mail-unavailable'
  | 'last-administrator'
  | 'too-early'
  | 'too-many-streams'
  | 'position-gone'
  | 'overloaded'
  | 'store-unavailable'
  | 'identity-unavailable'
  | 'upstream-unreachable'
  | 'upstream-timeout'
  | 'internal'

export type ProblemCode = ServiceProblemCode | ServerProblemCode

/** What is the same for every occurrence of a problem. */
export type ProblemTable<Code extends ProblemCode, Status extends number = number> = Readonly<
  Record<Code, readonly [status: Status, title: string]>
>

/** Those of servers stand in `@portcullis/runtime`: no service carries their titles along. */
export const serviceProblems: ProblemTable<ServiceProblemCode, 400 | 401 | 403 | 503> = {
  'missing-token': [401, 'An access token is required'],
  'invalid-request': [400, 'The access token was presented in a wrong way'],
  'invalid-token': [401, 'The access token is not valid'],
  'invalid-dpop-proof': [401, 'The proof of the key is not valid'],
  'use-dpop-nonce': [401, 'The proof of the key needs another nonce'],
  'insufficient-user-authentication': [401, 'The person must sign in again for this'],
  'insufficient-scope': [403, 'The access token does not allow this'],
  'cross-origin': [403, 'The request does not come from the application itself'],
  'keys-unavailable': [503, 'Keys cannot be used at the moment'],
  'proofs-unavailable': [503, 'Proofs cannot be checked at the moment'],
  'feed-unavailable': [503, 'Revocations cannot be followed at the moment'],
  'clocks-disagree': [503, 'The clocks of issuer and service disagree'],
}

/** An RFC 9457 document. The code is stable and meant for programs; the detail tells this occurrence. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail?: string
  /** The request's members or parameters that are at fault, each with what is wrong with it. */
  readonly errors?: readonly FieldError[]
}

export interface FieldError {
  /** Where: a member as a JSON pointer (`/identifier`), or a parameter by its name. */
  readonly field: string
  readonly message: string
}

export const problemMediaType = 'application/problem+json'

/** Builds a document. The detail must hold no secret and no token: it is sent to the caller. */
export type CreateProblem<Code extends ProblemCode> = (
  code: Code,
  detail?: string,
  errors?: readonly FieldError[],
) => Problem

/** Builds the documents of the problems in this table, and of no others. */
export function problemCreator<Code extends ProblemCode>(
  table: ProblemTable<Code>,
): CreateProblem<Code> {
  return (code, detail, errors) => {
    const [status, title] = table[code]
    return {
      type: `urn:portcullis:problem:${code}`,
      title,
      status,
      code,
      ...(detail === undefined ? {} : { detail }),
      ...(errors === undefined ? {} : { errors }),
    }
  }
}
