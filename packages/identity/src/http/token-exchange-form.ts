import type { TokenExchangeRequest } from '../domain/token-exchange.ts'
import { isEncryptedToken } from '../domain/token-encryption.ts'
import type { Form } from './bodies.ts'
import type { OAuthError } from './oauth-error-code.ts'
import type { OAuthRefusal } from './oauth-errors.ts'
import { cannotBeRead } from './oauth-errors.ts'

// The identifiers of RFC 8693 sections 2.1 and 3.
export const tokenExchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const accessTokenTypeUrn = 'urn:ietf:params:oauth:token-type:access_token'
const jwtTypeUrn = 'urn:ietf:params:oauth:token-type:jwt'

export type ReadTokenExchange =
  | { readonly kind: 'request'; readonly request: Omit<TokenExchangeRequest, 'client'> }
  | ({ readonly kind: 'refused' } & OAuthRefusal)

/**
 * What a form asks for (RFC 8693 section 2.1). What cannot be had is refused and never left out: a client that
 * names an actor of its own, or a resource, would believe that its token is narrower than it is.
 */
export function readTokenExchange(form: Form): ReadTokenExchange {
  const subjectToken = form.get('subject_token')
  if (subjectToken === undefined) return refused('invalid_request', 'subject_token is required')
  if (isEncryptedToken(subjectToken)) return refused('invalid_request', cannotBeRead)
  // An access token of this issuer is a JWT as well, and is checked as an access token under either name.
  const subjectType = form.get('subject_token_type')
  if (subjectType !== accessTokenTypeUrn && subjectType !== jwtTypeUrn) {
    return refused('invalid_request', `subject_token_type must be ${accessTokenTypeUrn}`)
  }
  const wanted = form.get('requested_token_type') ?? accessTokenTypeUrn
  if (wanted !== accessTokenTypeUrn) {
    return refused('invalid_request', `requested_token_type can be ${accessTokenTypeUrn} alone`)
  }
  if (form.has('actor_token') || form.has('actor_token_type')) {
    return refused('invalid_request', 'the client that asks is the actor: send no actor_token')
  }
  if (form.has('resource')) {
    return refused('invalid_target', 'name the service by audience, and send no resource')
  }
  const audience = form.get('audience')
  if (audience === undefined) return refused('invalid_request', 'audience is required')
  const scopes = form.get('scope')?.split(' ')
  return { kind: 'request', request: { subjectToken, audiences: audience.split(' '), scopes } }
}

function refused(error: OAuthError, why: string): ReadTokenExchange {
  return { kind: 'refused', error, why }
}
