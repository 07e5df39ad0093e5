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
  | 'too-many-streams'
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
const problems: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  // requests
  malformed: [400, 'The request is malformed'],
  'ambiguous-target': [400, 'The request target can be read in more than one way'],
  'unknown-audience': [400, 'An audience is not known or not open to this client'],
  'unknown-client': [400, 'The client is not known or may not do this'],
  'token-over-budget': [400, 'The access token would be too large'],
  'unknown-scope': [400, 'A scope is not known or not open to this client'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'request-timeout': [408, 'The request was not complete in time'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The content type is not supported'],
  'expectation-failed': [417, 'The expectation cannot be met'],
  'headers-too-large': [431, 'The request headers are too large'],
  // people
  'bad-credentials': [401, 'Identifier or password is wrong'],
  'account-blocked': [403, 'The account is blocked'],
  throttled: [429, 'Too many tries'],
  'last-administrator': [409, 'There would be no administrator left'],
  superseded: [409, 'What this is about has changed meanwhile'],
  'identifier-taken': [409, 'The identifier or name is taken'],
  'registration-closed': [403, 'Accounts are made by an administrator'],
  'unknown-role': [400, 'A role is not known'],
  'no-email': [409, 'The account has no e-mail address'],
  'invalid-link': [400, 'The link is not valid, or not any more'],
  'mail-unavailable': [501, 'This installation sends no mail'],
  'too-early': [409, 'This cannot be done yet'],
  'too-many-streams': [409, 'There are as many streams as there may be'],
  'position-gone': [410, 'The log no longer goes back that far'],
  // tokens
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
  // operation
  overloaded: [503, 'Too much to do at the moment'],
  'store-unavailable': [503, 'The database does not answer at the moment'],
  'upstream-unreachable': [502, 'The service behind the gateway cannot be reached'],
  'upstream-timeout': [504, 'The service behind the gateway did not answer in time'],
  internal: [500, 'Something went wrong here'],
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
  const [status, title] = problems[code]
  return {
    type: `urn:portcullis:problem:${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
  }
}
