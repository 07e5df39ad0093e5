import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { AuthenticateOptions } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedNodeRequest } from './presented-request.ts'
import type { RequirementHooks } from './requirement-hooks.ts'
import { keepChallengeFacts, meetBehindGuard, requirementHooks } from './requirement-hooks.ts'
import type { Requirement } from './requirements.ts'
import { problemOf, responseHeadersOf, VerifyError } from './verify-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; set behind `authenticate(verifier)`, undefined elsewhere. */
    auth: Auth
  }
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/**
 * A plugin that lets only verified requests into the scope it is registered in, and sets
 * `request.auth`. Others are answered with a challenge and a problem document before their body is
 * read. Throws a TypeError for an option that is unknown or wrong.
 */
export function authenticate(
  verifier: RequestVerifier,
  options?: AuthenticateOptions,
): FastifyPluginCallback {
  const authentication = createAuthentication(verifier, options)
  const check: Hook = (request, reply) =>
    answering(reply, async () => {
      const presented = presentedNodeRequest(request, request.raw.rawHeaders)
      const { auth, challengeFacts } = await authentication.authenticate(presented)
      request.auth = auth
      keepChallengeFacts(request, challengeFacts)
      if (auth.nextDpopNonce !== undefined) reply.header('dpop-nonce', auth.nextDpopNonce)
    })
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    if (!app.hasRequestDecorator('auth')) app.decorateRequest('auth')
    app.addHook('onRequest', check)
    done()
  }
  // Fastify's own mark for a plugin whose hooks belong to the scope that registers it.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

const hooks: RequirementHooks<Hook> = requirementHooks(requiring)

/** A preHandler hook for routes behind `authenticate`: every one of these scopes. */
export const requireScope: typeof hooks.requireScope = hooks.requireScope

/** A preHandler hook for routes behind `authenticate`: any one of these roles. */
export const requireRole: typeof hooks.requireRole = hooks.requireRole

/** A preHandler hook for routes behind `authenticate`: a person who signed in recently. */
export const requireRecentAuth: typeof hooks.requireRecentAuth = hooks.requireRecentAuth

/** A preHandler hook for routes behind `authenticate`: a token that was vouched for more recently than the verifier asks for. */
export const requireFresh: typeof hooks.requireFresh = hooks.requireFresh

function requiring(requirement: Requirement): Hook {
  return (request, reply) =>
    answering(reply, async () => meetBehindGuard(request, request.auth, requirement))
}

async function answering(reply: FastifyReply, check: () => Promise<void>): Promise<unknown> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error
    return reply.code(error.status).headers(responseHeadersOf(error)).send(problemOf(error))
  }
}
