import type { AuthenticateOptions, LetIn } from './authenticate-request.ts'
import { createAuthentication } from './authenticate-request.ts'
import type { Auth, RequestVerifier } from './authorization-header.ts'
import { presentedFetchRequest } from './presented-request.ts'
import { refusalResponse } from './refusal-response.ts'
import type { Requirement } from './requirements.ts'
import { meet } from './requirements.ts'
import type { ResourceMetadata } from './resource-metadata.ts'
import { VerifyError } from './verify-error.ts'

export { requireFresh, requireRecentAuth, requireRole, requireScope } from './requirements.ts'
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
      let letIn: LetIn | undefined
      try {
        letIn = await authentication.authenticate(presentedFetchRequest(request))
        for (const requirement of requirements) meet(requirement, letIn.auth, letIn.challengeFacts)
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error
        return withNonce(refusalResponse(error), letIn?.auth.nextDpopNonce)
      }
      const { auth } = letIn
      return withNonce(await handler(request, auth), auth.nextDpopNonce)
    }
}

/** In a copy: the handler's response may be one whose fields cannot change. An upgrade has no copy. */
function withNonce(response: Response, nonce: string | undefined): Response {
  if (nonce === undefined || response.status < 200) return response
  const copy = new Response(response.body, response)
  copy.headers.set('DPoP-Nonce', nonce)
  return copy
}

/** Serves the document under its path; pages of other origins may read it, since it is no secret. */
export function resourceMetadataHandler({ document }: ResourceMetadata): () => Response {
  const headers = { 'cache-control': 'max-age=300', 'access-control-allow-origin': '*' }
  return () => Response.json(document, { headers })
}
