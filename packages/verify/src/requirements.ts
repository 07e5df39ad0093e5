import { isScopeToken, scopesOf } from '@portcullis/protocol'
import {
  demand,
  maxStalenessRange,
  rejectUnknown,
  requireObject,
  requireWhole,
  requireWholeSeconds,
} from './option-checks.ts'
import type { VerifiedToken } from './verified-token.ts'
import { staleErrorOf } from './verified-token.ts'
import type { ChallengeFacts, VerifyErrorCode, VerifyErrorFacts } from './verify-error.ts'
import { VerifyError } from './verify-error.ts'

/**
 * Throws a `VerifyError` when the token does not allow something: `insufficient-scope` (403),
 * `insufficient-user-authentication` (401), or `invalid-token` (401) from `requireFresh`. It answers nothing and waits for nothing: where one answers
 * anything, nobody is let in.
 */
export type Requirement = (auth: VerifiedToken) => undefined

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
    throw refusal(auth, 'insufficient-scope', description, { scopes })
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
    throw refusal(auth, 'insufficient-scope', description)
  }
}

/** How recently, and in which way, the person must have signed in. */
export interface RecentAuthOptions {
  /** How long ago the person may have signed in, by the token's `auth_time`: 1 or more. */
  readonly seconds: number
  /** Any one of these authentication context classes (`acr`), compared exactly. Default: any. */
  readonly acr?: string | readonly string[]
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** A sign-in cannot be in the future, but for clocks that disagree. */
const clockLeewaySeconds = 5

/**
 * Requires that the person signed in recently (RFC 9470). A token without `auth_time`, as machines have
 * them, never is enough, and neither is one that is more than 5 s ahead. A token that is refused is replaced
 * by signing in.
 * Throws a TypeError at once for an option that is unknown or wrong.
 */
export function requireRecentAuth(options: RecentAuthOptions): Requirement {
  const { seconds, acr = [], now = Date.now, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  const maxAgeSeconds = requireWholeSeconds(seconds, 'seconds')
  const acrValues = [acr].flat()
  // RFC 9470 section 3 separates them by spaces, as scopes are.
  const areFit =
    acrValues.every(isScopeToken) && (acrValues.length > 0 || options.acr === undefined)
  demand(areFit, 'acr', 'must be one or more values without spaces and quotes')
  const acrFact = acrValues.length === 0 ? {} : { acrValues }
  return (auth) => {
    const { acr: held, auth_time: signedInAt } = auth.claims
    const ageSeconds = now() / 1000 - (signedInAt ?? -Infinity)
    const isRecent = ageSeconds <= maxAgeSeconds && ageSeconds >= -clockLeewaySeconds
    const isStrong = acrValues.length === 0 || (held !== undefined && acrValues.includes(held))
    if (isRecent && isStrong) return
    const description = isRecent
      ? 'this needs another way of signing in'
      : `this needs a sign-in of the last ${maxAgeSeconds} seconds`
    const facts = { maxAgeSeconds, ...acrFact }
    throw refusal(auth, 'insufficient-user-authentication', description, facts)
  }
}

/** How recently the issuer must have vouched for the token. */
export interface FreshOptions {
  /**
   * 3 to 3600. More than the verifier's own changes nothing, unless it accepts stale tokens or follows no feed:
   * `onWarning` is told so at the first request, with the code `PORTCULLIS_REQUIRE_FRESH`.
   */
  readonly maxStalenessSeconds: number
}

/**
 * Requires that the issuer has vouched for the token more recently than the verifier asks for: by a checkpoint
 * of its revocation feed, or by minting it. So what was revoked is refused here this long afterwards at the
 * latest. Judged at the moment of the request, also with `whenStale: 'accept'`; where no feed is followed, by
 * `iat` alone. The refusal is that of the verifier itself: 401 `invalid-token`, `stale`, which a refresh mends.
 * Throws a TypeError at once for an option that is unknown or wrong, and for a token that no verifier has
 * verified.
 */
export function requireFresh(options: FreshOptions): Requirement {
  const { maxStalenessSeconds, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  const option = 'maxStalenessSeconds'
  const maxAgeMs = requireWhole(maxStalenessSeconds, option, maxStalenessRange) * 1000
  return (auth) => {
    const error = staleErrorOf(auth, maxAgeMs)
    if (error !== undefined) throw error
  }
}

/** Throws as the requirement does; the challenge tells what those of the guard before it tell. */
export function meet(requirement: Requirement, auth: VerifiedToken, facts: ChallengeFacts): void {
  let answer: unknown
  try {
    answer = requirement(auth)
  } catch (error) {
    throw error instanceof VerifyError ? error.withChallengeFacts(facts) : error
  }
  if (answer === undefined) return
  // A promise would refuse too late, and a predicate refuses nobody; neither lets anybody in.
  if (answer instanceof Promise) void answer.catch(() => undefined)
  throw new TypeError(
    'a requirement answers nothing and throws to refuse; it cannot be asynchronous',
  )
}

/** True when the token carries exactly this scope. */
export function hasScope(auth: VerifiedToken, scope: string): boolean {
  return scopesOf(auth.claims).includes(scope)
}

/** True when the token carries exactly this role. */
export function hasRole(auth: VerifiedToken, role: string): boolean {
  return auth.claims.roles?.includes(role) ?? false
}

function refusal(
  auth: VerifiedToken,
  code: VerifyErrorCode,
  description: string,
  facts: VerifyErrorFacts = {},
): VerifyError {
  return new VerifyError(code, description, { ...facts, realm: auth.audience })
}
