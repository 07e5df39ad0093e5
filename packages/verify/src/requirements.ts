import { isScopeToken, scopesOf } from '@portcullis/protocol'
import type { Auth } from './authorization-header.ts'
import { VerifyError } from './verify-error.ts'

/** Throws a `VerifyError` `insufficient-scope` (403) when the token does not allow something. */
export type Requirement = (auth: Auth) => void

/**
 * Requires every one of these scopes. Throws a TypeError at once for a scope that no token can carry
 * (RFC 6749 section 3.3) and for an empty list, which would require nothing.
 */
export function requireScope(...scopes: readonly string[]): Requirement {
  if (scopes.length === 0 || !scopes.every(isScopeToken)) {
    throw new TypeError('requireScope needs scopes without spaces, quotes or backslashes')
  }
  return (auth) => {
    if (scopes.every((scope) => hasScope(auth, scope))) return
    const description = `this needs the scope ${scopes.join(' ')}`
    throw new VerifyError('insufficient-scope', description, { realm: auth.audience, scopes })
  }
}

/** Requires any one of these roles. Throws a TypeError at once for an empty list or name. */
export function requireRole(...roles: readonly string[]): Requirement {
  if (roles.length === 0 || !roles.every((role) => typeof role === 'string' && role !== '')) {
    throw new TypeError('requireRole needs the names of roles')
  }
  return (auth) => {
    if (roles.some((role) => hasRole(auth, role))) return
    const description = `this needs the role ${roles.join(' or ')}`
    throw new VerifyError('insufficient-scope', description, { realm: auth.audience })
  }
}

/** True when the token carries exactly this scope. */
export function hasScope(auth: Auth, scope: string): boolean {
  return scopesOf(auth.claims).includes(scope)
}

/** True when the token carries exactly this role. */
export function hasRole(auth: Auth, role: string): boolean {
  return auth.claims.roles?.includes(role) ?? false
}
