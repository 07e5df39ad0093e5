import type { Auth } from './authorization-header.ts'
import { authenticateHeader } from './authorization-header.ts'
import type { Requirement } from './requirements.ts'
import type { Verifier } from './verifier.ts'
import { problemOf, responseHeadersOf, VerifyError } from './verify-error.ts'

export { requireRole, requireScope } from './requirements.ts'
export type { Auth, Requirement }

export type AuthenticatedHandler = (request: Request, auth: Auth) => Response | Promise<Response>

/** Puts a handler behind the verifier and, after it, behind requirements. */
export type Guard = (
  handler: AuthenticatedHandler,
  ...requirements: readonly Requirement[]
) => (request: Request) => Promise<Response>

/**
 * For handlers that take a `Request` and return a `Response`. A request that is not let in is
 * answered with a challenge and a problem document, and the handler is not called. What the handler
 * itself throws goes through unchanged. Only the Authorization header is read.
 */
export function authenticate(verifier: Pick<Verifier, 'audience' | 'verify'>): Guard {
  return (handler, ...requirements) =>
    async (request) => {
      let auth: Auth
      try {
        auth = await authenticateHeader(verifier, request.headers.get('authorization') ?? undefined)
        for (const requirement of requirements) requirement(auth)
      } catch (error) {
        if (error instanceof VerifyError) return refusal(error)
        throw error
      }
      return handler(request, auth)
    }
}

function refusal(error: VerifyError): Response {
  const body = JSON.stringify(problemOf(error))
  return new Response(body, { status: error.status, headers: { ...responseHeadersOf(error) } })
}
