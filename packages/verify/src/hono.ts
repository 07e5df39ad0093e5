import type { Context, MiddlewareHandler } from 'hono'
import type { AuthenticateOptions } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedFetchRequest } from './presented-request.ts'
import { refusalResponse } from './refusal-response.ts'
import type { RequirementHooks } from './requirement-hooks.ts'
import { keepChallengeFacts, meetBehindGuard, requirementHooks } from './requirement-hooks.ts'
import type { Requirement } from './requirements.ts'
import { VerifyError } from './verify-error.ts'

/** The variables of an application behind `authenticate`: `new Hono<AuthEnv>()`. */
export interface AuthEnv {
  Variables: {
    /** Who calls; set behind `authenticate(verifier)`, undefined elsewhere. */
    auth: Auth
  }
}

/**
 * Middleware for Hono that lets only verified requests pass, and sets the variable `auth`. Others are
 * answered with a challenge and a problem document; any other error is thrown on. Throws a TypeError
 * for an option that is unknown or wrong.
 */
export function authenticate(
  verifier: RequestVerifier,
  options?: AuthenticateOptions,
): MiddlewareHandler<AuthEnv> {
  const authentication = createAuthentication(verifier, options)
  return answering(async (context) => {
    const presented = presentedFetchRequest(context.req.raw)
    const { auth, challengeFacts } = await authentication.authenticate(presented)
    context.set('auth', auth)
    keepChallengeFacts(context, challengeFacts)
    return auth.nextDpopNonce
  })
}

const hooks: RequirementHooks<MiddlewareHandler<AuthEnv>> = requirementHooks(requiring)

/** Middleware for routes behind `authenticate`: every one of these scopes. */
export const requireScope: typeof hooks.requireScope = hooks.requireScope

/** Middleware for routes behind `authenticate`: any one of these roles. */
export const requireRole: typeof hooks.requireRole = hooks.requireRole

/** Middleware for routes behind `authenticate`: a person who signed in recently. */
export const requireRecentAuth: typeof hooks.requireRecentAuth = hooks.requireRecentAuth

/** Middleware for routes behind `authenticate`: a token that was vouched for more recently than the verifier asks for. */
export const requireFresh: typeof hooks.requireFresh = hooks.requireFresh

function requiring(requirement: Requirement): MiddlewareHandler<AuthEnv> {
  return answering(async (context) => {
    meetBehindGuard(context, context.get('auth'), requirement)
    return undefined
  })
}

/** `check` answers the nonce to send along, where there is one. */
function answering(
  check: (context: Context<AuthEnv>) => Promise<string | undefined>,
): MiddlewareHandler<AuthEnv> {
  return async (context, next) => {
    let nonce: string | undefined
    try {
      nonce = await check(context)
    } catch (error) {
      if (error instanceof VerifyError) return refusalResponse(error)
      throw error
    }
    await next()
    // Only now: a Response of the handler's own takes no header over that was set before. Hono copies
    // the response for it, and an upgrade has no copy.
    if (nonce !== undefined && context.res.status >= 200) context.header('DPoP-Nonce', nonce)
    return undefined
  }
}
