import type { Auth, PresentedToken, RequestVerifier } from './authorization-header.ts'
import { headerToken } from './authorization-header.ts'
import { rejectUnknown, requireExactUrl, requireObject } from './option-checks.ts'
import type { PresentedRequestProof } from './dpop/proof-claims.ts'
import type { PresentedRequest } from './presented-request.ts'
import type { CookieOptions, TokenCookie } from './token-cookie.ts'
import { parseCookieOptions } from './token-cookie.ts'
import type { ChallengeFacts } from './verify-error.ts'
import { VerifyError } from './verify-error.ts'

/** How requests show their token beside the Authorization field, and what refusals tell. */
export interface AuthenticateOptions {
  /** Takes the access token from this cookie where there is no Authorization field. Default: never. */
  readonly cookie?: CookieOptions
  /**
   * The address of this service's metadata (RFC 9728), `resourceMetadata(...).url`. Every challenge
   * tells it then, so that a client can find the issuer.
   */
  readonly resourceMetadata?: string
}

/** Who was let in, and what a later refusal of the same request tells. */
export interface LetIn {
  readonly auth: Auth
  readonly challengeFacts: ChallengeFacts
}

export interface RequestAuthentication {
  readonly authenticate: (request: PresentedRequest) => Promise<LetIn>
  /** True when a request shows nothing at all: no Authorization field of any scheme, and no cookie. */
  readonly isAnonymous: (request: PresentedRequest) => boolean
}

/**
 * Finds the access token of a request and verifies it: in its one Authorization field (see
 * `authenticateHeader`), or in the cookie, where that option is given. A cookie together with an
 * Authorization field, and two cookies of that name, are `invalid-request`. Methods other than GET,
 * HEAD and OPTIONS, and upgrades, need a proof of origin with a cookie: an `Origin` that is listed, or
 * `Sec-Fetch-Site: same-origin` where there is no `Origin`. Otherwise they are `cross-origin`.
 *
 * Under the scheme `DPoP`, for a verifier that takes proofs, the fields `DPoP`, the method and `url` go with
 * the token; without a `url` such a request is refused.
 *
 * Does NOT look for a token in the query or the body, and does NOT check permissions.
 *
 * Rejects with a `VerifyError`, as `verify` does. Throws a TypeError for an option that is wrong.
 */
export async function authenticateRequest(
  verifier: RequestVerifier,
  request: PresentedRequest,
  options: AuthenticateOptions = {},
): Promise<Auth> {
  return (await createAuthentication(verifier, options).authenticate(request)).auth
}

/** The same for many requests: the options are checked once, at once. */
export function createAuthentication(
  verifier: RequestVerifier,
  options: AuthenticateOptions = {},
): RequestAuthentication {
  if (typeof verifier?.verify !== 'function') {
    throw new TypeError('authenticate needs what createVerifier has answered')
  }
  const { cookie, resourceMetadata, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  const tokenCookie = cookie === undefined ? undefined : parseCookieOptions(cookie)
  const facts: ChallengeFacts =
    resourceMetadata === undefined
      ? {}
      : { resourceMetadata: requireExactUrl(resourceMetadata, 'resourceMetadata') }
  // RFC 9449 section 7.1: whoever has a bound token is told under the scheme that it counts under.
  const boundFacts = { ...facts, dpopAlgorithms: verifier.dpopAlgorithms }
  return {
    authenticate: async (request) => {
      let challengeFacts = facts
      try {
        const { scheme, token } = presentedToken(request, tokenCookie, verifier)
        if (scheme === 'DPoP') challengeFacts = boundFacts
        const proof = scheme === 'DPoP' ? proofOf(request) : undefined
        return { auth: await verifier.verify(token, proof), challengeFacts }
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error
        const isBound = error.reason === 'bound-to-a-key'
        throw error.withChallengeFacts(isBound ? boundFacts : challengeFacts)
      }
    },
    isAnonymous: (request) =>
      request.fieldValues('authorization').length === 0 &&
      (tokenCookie?.values(request) ?? []).length === 0,
  }
}

function presentedToken(
  request: PresentedRequest,
  cookie: TokenCookie | undefined,
  verifier: RequestVerifier,
): PresentedToken {
  const { audience: realm } = verifier
  const fields = request.fieldValues('authorization')
  const values = cookie?.values(request) ?? []
  if (cookie === undefined || values.length === 0) return headerToken(fields, verifier)
  if (fields.length > 0) {
    const description = 'both an Authorization header and a cookie'
    throw new VerifyError('invalid-request', description, { realm })
  }
  return { scheme: 'Bearer', token: cookie.tokenOf(request, values, realm) }
}

function proofOf({ method, url, fieldValues }: PresentedRequest): PresentedRequestProof {
  return { method, url, proofs: fieldValues('dpop') }
}
