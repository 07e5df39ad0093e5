import type { Request, RequestHandler, Response } from 'express'
import type { AuthenticateOptions } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedNodeRequest } from './presented-request.ts'
import type { RequirementHooks } from './requirement-hooks.ts'
import { keepChallengeFacts, meetBehindGuard, requirementHooks } from './requirement-hooks.ts'
import type { Requirement } from './requirements.ts'
import { problemOf, responseHeadersOf, VerifyError } from './verify-error.ts'

declare global {
  // Express's own place for what middleware adds; it can be spelled in no other way.
  namespace Express {
    interface Request {
      /** Who calls; set behind `authenticate(verifier)`, undefined elsewhere. */
      auth: Auth
    }
  }
}

/**
 * Middleware for Express 5 that lets only verified requests pass, and sets `req.auth`. Others are
 * answered with a challenge and a problem document; any other error goes to `next`. Put it before what
 * reads bodies. Throws a TypeError for an option that is unknown or wrong.
 */
export function authenticate(
  verifier: RequestVerifier,
  options?: AuthenticateOptions,
): RequestHandler {
  const authentication = createAuthentication(verifier, options)
  return answering(async (request, response) => {
    const presented = presentedNodeRequest(request, request.rawHeaders)
    const { auth, challengeFacts } = await authentication.authenticate(presented)
    request.auth = auth
    keepChallengeFacts(request, challengeFacts)
    if (auth.nextDpopNonce !== undefined) response.setHeader('DPoP-Nonce', auth.nextDpopNonce)
  })
}

const hooks: RequirementHooks<RequestHandler> = requirementHooks(requiring)

/** Middleware for routes behind `authenticate`: every one of these scopes. */
export const requireScope: typeof hooks.requireScope = hooks.requireScope

/** Middleware for routes behind `authenticate`: any one of these roles. */
export const requireRole: typeof hooks.requireRole = hooks.requireRole

/** Middleware for routes behind `authenticate`: a person who signed in recently. */
export const requireRecentAuth: typeof hooks.requireRecentAuth = hooks.requireRecentAuth

/** Middleware for routes behind `authenticate`: a token that was vouched for more recently than the verifier asks for. */
export const requireFresh: typeof hooks.requireFresh = hooks.requireFresh

function requiring(requirement: Requirement): RequestHandler {
  return answering(async (request) => meetBehindGuard(request, request.auth, requirement))
}

function answering(check: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return async (request, response, next) => {
    try {
      await check(request, response)
    } catch (error) {
      if (!(error instanceof VerifyError)) return next(error)
      response.writeHead(error.status, responseHeadersOf(error))
      response.end(JSON.stringify(problemOf(error)))
      return
    }
    next()
  }
}
