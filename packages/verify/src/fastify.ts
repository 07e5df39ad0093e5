import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Auth } from './authorization-header.ts'
import { authenticateHeader, authorizationFields } from './authorization-header.ts'
import * as requirements from './requirements.ts'
import type { Verifier } from './verifier.ts'
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
 * read. Only the Authorization header is read.
 */
export function authenticate(
  verifier: Pick<Verifier, 'audience' | 'verify'>,
): FastifyPluginCallback {
  const check: Hook = (request, reply) =>
    answering(reply, async () => {
      request.auth = await authenticateHeader(verifier, authorizationFields(request.raw.rawHeaders))
    })
  const plugin: FastifyPluginCallback = (app, _options, done) => {
    if (!app.hasRequestDecorator('auth')) app.decorateRequest('auth')
    app.addHook('onRequest', check)
    done()
  }
  // Fastify's own mark for a plugin whose hooks belong to the scope that registers it.
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

/** A preHandler hook for routes behind `authenticate`: every one of these scopes. */
export function requireScope(...scopes: readonly string[]): Hook {
  return requiring(requirements.requireScope(...scopes))
}

/** A preHandler hook for routes behind `authenticate`: any one of these roles. */
export function requireRole(...roles: readonly string[]): Hook {
  return requiring(requirements.requireRole(...roles))
}

function requiring(requirement: requirements.Requirement): Hook {
  return (request, reply) => answering(reply, async () => requirement(request.auth))
}

async function answering(reply: FastifyReply, check: () => Promise<void>): Promise<unknown> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error
    return reply.code(error.status).headers(responseHeadersOf(error)).send(problemOf(error))
  }
}
