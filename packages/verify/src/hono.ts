import type { Context, MiddlewareHandler } from 'hono'
import type { AuthenticateOptions } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedFetchRequest } from './presented-request.ts'
import { refusalResponse } from './refusal-response.ts'
import type { RequirementHooks } from './requirement-hooks.ts'
import { requirementHooks } from './requirement-hooks.ts'
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
    context.set('auth', await authentication.authenticate(presentedFetchRequest(context.req.raw)))
  })
}

const hooks: RequirementHooks<MiddlewareHandler<AuthEnv>> = requirementHooks(requiring)

/** Middleware for routes behind `authenticate`: every one of these scopes. */
export const requireScope: typeof hooks.requireScope = hooks.requireScope

/** Middleware for routes behind `authenticate`: any one of these roles. */
export const requireRole: typeof hooks.requireRole = hooks.requireRole

/** Middleware for routes behind `authenticate`: a person who signed in recently. */
export const requireRecentAuth: typeof hooks.requireRecentAuth = hooks.requireRecentAuth

function requiring(requirement: Requirement): MiddlewareHandler<AuthEnv> {
  return answering(async (context) => requirement(context.get('auth')))
}

function answering(
  check: (context: Context<AuthEnv>) => Promise<void>,
): MiddlewareHandler<AuthEnv> {
  return async (context, next) => {
    try {
      await check(context)
    } catch (error) {
      if (error instanceof VerifyError) return refusalResponse(error)
      throw error
    }
    return next()
  }
}
