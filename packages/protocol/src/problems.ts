export type ProblemCode =
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
  | 'position-gone'
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
  | 'overloaded'
  | 'store-unavailable'
  | 'upstream-unreachable'
  | 'upstream-timeout'
  | 'internal'

/**
 * Every problem that Portcullis answers with, as RFC 9457 documents. The code is stable and meant for
 * programs; the title is the same for every occurrence; the detail tells this one.
 */
const problems: Readonly<Record<ProblemCode, { status: number; title: string }>> = {
  // requests
  malformed: { status: 400, title: 'The request is malformed' },
  'ambiguous-target': { status: 400, title: 'The request target can be read in more than one way' },
  'unknown-audience': { status: 400, title: 'An audience is not known or not open to this client' },
  'unknown-client': { status: 400, title: 'The client is not known or may not do this' },
  'token-over-budget': { status: 400, title: 'The access token would be too large' },
  'unknown-scope': { status: 400, title: 'A scope is not known or not open to this client' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request was not complete in time' },
  'too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'headers-too-large': { status: 431, title: 'The request headers are too large' },
  // people
  'bad-credentials': { status: 401, title: 'Identifier or password is wrong' },
  'account-blocked': { status: 403, title: 'The account is blocked' },
  throttled: { status: 429, title: 'Too many tries' },
  'last-administrator': { status: 409, title: 'There would be no administrator left' },
  superseded: { status: 409, title: 'What this is about has changed meanwhile' },
  'identifier-taken': { status: 409, title: 'There is an account with this identifier' },
  'registration-closed': { status: 403, title: 'Accounts are made by an administrator' },
  'unknown-role': { status: 400, title: 'A role is not known' },
  'no-email': { status: 409, title: 'The account has no e-mail address' },
  'invalid-link': { status: 400, title: 'The link is not valid, or not any more' },
  'mail-unavailable': { status: 501, title: 'This installation sends no mail' },
  'too-early': { status: 409, title: 'This cannot be done yet' },
  'position-gone': { status: 410, title: 'The log no longer goes back that far' },
  // tokens
  'missing-token': { status: 401, title: 'An access token is required' },
  'invalid-request': { status: 400, title: 'The access token was presented in a wrong way' },
  'invalid-token': { status: 401, title: 'The access token is not valid' },
  'invalid-dpop-proof': { status: 401, title: 'The proof of the key is not valid' },
  'use-dpop-nonce': { status: 401, title: 'The proof of the key needs another nonce' },
  'insufficient-user-authentication': {
    status: 401,
    title: 'The person must sign in again for this',
  },
  'insufficient-scope': { status: 403, title: 'The access token does not allow this' },
  'cross-origin': { status: 403, title: 'The request does not come from the application itself' },
  'keys-unavailable': { status: 503, title: 'Tokens cannot be checked at the moment' },
  'proofs-unavailable': { status: 503, title: 'Proofs cannot be checked at the moment' },
  'feed-unavailable': { status: 503, title: 'Revocations cannot be followed at the moment' },
  'clocks-disagree': { status: 503, title: 'The clocks of issuer and service disagree' },
  // operation
  overloaded: { status: 503, title: 'Too much to do at the moment' },
  'store-unavailable': { status: 503, title: 'The database does not answer at the moment' },
  'upstream-unreachable': {
    status: 502,
    title: 'The service behind the gateway cannot be reached',
  },
  'upstream-timeout': {
    status: 504,
    title: 'The service behind the gateway did not answer in time',
  },
  internal: { status: 500, title: 'Something went wrong here' },
}

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

/** Builds the document. The detail must hold no secret and no token: it is sent to the caller. */
export function createProblem(
  code: ProblemCode,
  detail?: string,
  errors?: readonly FieldError[],
): Problem {
  return {
    type: `urn:portcullis:problem:${code}`,
    title: problems[code].title,
    status: problems[code].status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
  }
}
