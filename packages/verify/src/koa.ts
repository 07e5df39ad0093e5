import type { Middleware, ParameterizedContext } from 'koa'
import type { AuthenticateOptions } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedNodeRequest } from './presented-request.ts'
import type { RequirementHooks } from './requirement-hooks.ts'
import { keepChallengeFacts, meetBehindGuard, requirementHooks } from './requirement-hooks.ts'
import type { Requirement } from './requirements.ts'
import { problemOf, responseHeadersOf, VerifyError } from './verify-error.ts'

/** The state of an application behind `authenticate`: `new Koa<AuthState>()`. */
export interface AuthState {
  /** Who calls; set behind `authenticate(verifier)`, undefined elsewhere. */
  auth: Auth
}

type AuthMiddleware = Middleware<AuthState>
type AuthContext = ParameterizedContext<AuthState>

/**
 * Middleware for Koa 3 that lets only verified requests pass, and sets `ctx.state.auth`. Others are
 * answered with a challenge and a problem document; any other error is thrown on. Throws a TypeError
 * for an option that is unknown or wrong.
 */
export function authenticate(
  verifier: RequestVerifier,
  options?: AuthenticateOptions,
): AuthMiddleware {
  const authentication = createAuthentication(verifier, options)
  return answering(async (context) => {
    const presented = presentedNodeRequest(context, context.req.rawHeaders)
    const { auth, challengeFacts } = await authentication.authenticate(presented)
    context.state.auth = auth
    keepChallengeFacts(context, challengeFacts)
    if (auth.nextDpopNonce !== undefined) context.set('DPoP-Nonce', auth.nextDpopNonce)
  })
}

const hooks: RequirementHooks<AuthMiddleware> = requirementHooks(requiring)

/** Middleware for routes behind `authenticate`: every one of these scopes. */
export const requireScope: typeof hooks.requireScope = hooks.requireScope

/** Middleware for routes behind `authenticate`: any one of these roles. */
export const requireRole: typeof hooks.requireRole = hooks.requireRole

/** Middleware for routes behind `authenticate`: a person who signed in recently. */
export const requireRecentAuth: typeof hooks.requireRecentAuth = hooks.requireRecentAuth

/** Middleware for routes behind `authenticate`: a token that was vouched for more recently than the verifier asks for. */
export const requireFresh: typeof hooks.requireFresh = hooks.requireFresh

function requiring(requirement: Requirement): AuthMiddleware {
  return answering(async (context) => meetBehindGuard(context, context.state.auth, requirement))
}

function answering(check: (context: AuthContext) => Promise<void>): AuthMiddleware {
  return async (context, next) => {
    try {
      await check(context)
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error
      context.status = error.status
      context.set({ ...responseHeadersOf(error) })
      context.body = JSON.stringify(problemOf(error))
      return
    }
    await next()
  }
}
