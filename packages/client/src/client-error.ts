import type { FieldFault } from './issuer-request.ts'

/**
 * - `bad-credentials`: identifier or password is wrong
 * - `account-blocked`: the password was right, and the account may not sign in
 * - `throttled`: too many tries; `retryAfterSeconds` says when the next one is worth it
 * - `signed-out`: there is no session, or the issuer has ended it; the person has to sign in
 * - `issuer-unreachable`: nothing is known about the request; the session is kept
 * - `refused`: the issuer understood and said no; `status`, `reason` and `detail` say why
 */
export type ClientErrorCode =
  | 'bad-credentials'
  | 'account-blocked'
  | 'throttled'
  | 'signed-out'
  | 'issuer-unreachable'
  | 'refused'

export interface ClientErrorFacts {
  readonly status?: number | undefined
  readonly reason?: string | undefined
  readonly detail?: string | undefined
  readonly faults?: readonly FieldFault[] | undefined
  readonly retryAfterSeconds?: number | undefined
}

/** Why a call did not succeed. Neither the message nor a property holds a token or a password. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode
  /** Of the issuer's answer; undefined when there was none. */
  readonly status: number | undefined
  /** The issuer's own word: the `code` of its problem document, or its OAuth `error`. */
  readonly reason: string | undefined
  /** The problem document's `detail`, or the OAuth `error_description`. */
  readonly detail: string | undefined
  /** What does not fit of the request, member by member. */
  readonly faults: readonly FieldFault[]
  readonly retryAfterSeconds: number | undefined

  constructor(code: ClientErrorCode, message: string, facts: ClientErrorFacts = {}) {
    super(message)
    this.code = code
    this.status = facts.status
    this.reason = facts.reason
    this.detail = facts.detail
    this.faults = facts.faults ?? []
    this.retryAfterSeconds = facts.retryAfterSeconds
  }
}

export function signedOut(facts: ClientErrorFacts = {}): ClientError {
  return new ClientError('signed-out', 'nobody is signed in', facts)
}

export function isOutage(error: unknown): error is ClientError {
  return error instanceof ClientError && error.code === 'issuer-unreachable'
}
