import type { VerifyError } from './verify-error.ts'
import { problemOf, responseHeadersOf } from './verify-error.ts'

/** The whole answer to a request that ended in this error. */
export function refusalResponse(error: VerifyError): Response {
  const body = JSON.stringify(problemOf(error))
  return new Response(body, { status: error.status, headers: { ...responseHeadersOf(error) } })
}
