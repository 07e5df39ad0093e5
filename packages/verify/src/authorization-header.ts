import { rawFieldValues } from './presented-request.ts'
import type { VerifiedToken } from './verified-token.ts'
import type { Verifier } from './verifier.ts'
import { VerifyError } from './verify-error.ts'

/** What an authenticated request carries. */
export type Auth = VerifiedToken

/** The part of a verifier that requests need. */
export type RequestVerifier = Pick<Verifier, 'audience' | 'verify'> &
  Partial<Pick<Verifier, 'dpopAlgorithms'>>

/** A token, and the scheme it was shown with (RFC 9110 section 11.1). */
export interface PresentedToken {
  readonly scheme: 'Bearer' | 'DPoP'
  readonly token: string
}

/**
 * Reads the bearer token out of the Authorization header fields of one request (RFC 6750 section
 * 2.1) and verifies it. `authorization` is one value, or the values of all fields of that name: pass
 * all of them where the framework has them, because a second one is refused and not ignored.
 *
 * The value must be `Bearer`, in any case, one space, and one token. No field, or a field of another
 * scheme and its credentials, is `missing-token`; anything else, such as a scheme alone or a bearer
 * token in another place, is `invalid-request`. A token in a query or a cookie is not looked for.
 */
export async function authenticateHeader(
  verifier: RequestVerifier,
  authorization: string | readonly string[] | undefined,
): Promise<Auth> {
  // A proof is about a request, of which nothing is known here.
  const bearerOnly = { audience: verifier.audience }
  return verifier.verify(headerToken([authorization ?? []].flat(), bearerOnly).token)
}

/** All Authorization fields of a request as Node read it, from `request.rawHeaders`. */
export function authorizationFields(rawHeaders: readonly string[]): readonly string[] {
  return rawFieldValues(rawHeaders)('authorization')
}

/**
 * Throws a `VerifyError` as `authenticateHeader` does. The scheme `DPoP` (RFC 9449 section 7.1) counts
 * only where proofs are taken.
 */
export function headerToken(
  values: readonly string[],
  { audience: realm, dpopAlgorithms = [] }: Pick<RequestVerifier, 'audience' | 'dpopAlgorithms'>,
): PresentedToken {
  const facts = { realm, dpopAlgorithms }
  const [value, ...others] = values
  if (value === undefined) {
    throw new VerifyError('missing-token', 'the request carries no access token', facts)
  }
  if (others.length > 0) {
    throw new VerifyError('invalid-request', 'more than one Authorization header', { realm })
  }
  const takesDpop = dpopAlgorithms.length > 0
  const isDpop = takesDpop && /^dpop(?: |$)/i.test(value)
  const [, scheme = '', token] = presentedToken.exec(value) ?? []
  if (token !== undefined && (isDpop || scheme.toLowerCase() === 'bearer')) {
    return { scheme: isDpop ? 'DPoP' : 'Bearer', token }
  }
  const ownScheme = takesDpop ? /\b(?:bearer|dpop)\b/i : /\bbearer\b/i
  if (otherScheme.test(value) && !ownScheme.test(value)) {
    throw new VerifyError(
      'missing-token',
      'the request carries no token under a scheme for it',
      facts,
    )
  }
  const description = 'the Authorization header is not a scheme, one space and one token'
  throw new VerifyError('invalid-request', description, isDpop ? facts : { realm })
}

/** RFC 6750 section 2.1, `b64token`; RFC 9110 section 11.1 makes the scheme case-insensitive. */
const presentedToken = /^(bearer|dpop) ([A-Za-z0-9\-._~+/]+=*)$/i
/** RFC 9110 section 11.4: a scheme and what it carries. */
const otherScheme = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+ +\S/
