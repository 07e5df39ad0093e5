import type { AuthenticateOptions } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedFetchRequest } from './presented-request.ts'
import { refusalResponse } from './refusal-response.ts'
import type { Requirement } from './requirements.ts'
import type { ResourceMetadata } from './resource-metadata.ts'
import { VerifyError } from './verify-error.ts'

export { requireRecentAuth, requireRole, requireScope } from './requirements.ts'
export type { Auth, Requirement }

/** A handler that is called for verified requests only. */
export type AuthenticatedHandler = (request: Request, auth: Auth) => Response | Promise<Response>

/** Puts a handler behind the verifier and, after it, behind requirements. */
export type Guard = (
  handler: AuthenticatedHandler,
  ...requirements: readonly Requirement[]
) => (request: Request) => Promise<Response>

/**
 * For handlers that take a `Request` and return a `Response`. A request that is not let in is
 * answered with a challenge and a problem document, and the handler is not called. What the handler
 * itself throws goes through unchanged. Throws a TypeError for an option that is unknown or wrong.
 */
export function authenticate(verifier: RequestVerifier, options?: AuthenticateOptions): Guard {
  const authentication = createAuthentication(verifier, options)
  return (handler, ...requirements) =>
    async (request) => {
      let auth: Auth
      try {
        auth = await authentication.authenticate(presentedFetchRequest(request))
        for (const requirement of requirements) requirement(auth)
      } catch (error) {
        if (error instanceof VerifyError) return refusalResponse(error)
        throw error
      }
      return handler(request, auth)
    }
}

/** Serves the document under its path; pages of other origins may read it, since it is no secret. */
export function resourceMetadataHandler({ document }: ResourceMetadata): () => Response {
  const headers = { 'cache-control': 'max-age=300', 'access-control-allow-origin': '*' }
  return () => Response.json(document, { headers })
}
