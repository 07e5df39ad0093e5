import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { acceptForms } from './bodies.ts'
import type { OAuthError } from './oauth-error-code.ts'
import { isPassing, logFault, passingRetryAfterSeconds, problemOf } from './problems.ts'
import { noteReason } from './refusal-reasons.ts'
import type { HttpServer } from './server.ts'

/** Routes that take forms, and speak RFC 6749 instead of problem documents. */
export function addOAuthEndpoint(app: HttpServer, add: (scope: HttpServer) => void): void {
  app.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler(answerOAuthError)
    add(scope)
  })
}

/** Of an encrypted token, whose key only its service has. */
export const cannotBeRead = 'an encrypted token cannot be read here: end its session instead'

export interface OAuthRefusal {
  readonly error: OAuthError
  readonly why?: string | undefined
  /** Default 401 for `invalid_client`, 400 for the others. */
  readonly status?: number
  readonly retryAfterSeconds?: number
}

export function sendOAuthError(
  reply: FastifyReply,
  { error, why, status = error === 'invalid_client' ? 401 : 400, retryAfterSeconds }: OAuthRefusal,
): FastifyReply {
  noteReason(reply, error)
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  if (status === 401) reply.header('www-authenticate', 'Basic realm="portcullis"')
  return reply.code(status).send({
    error,
    // RFC 6749 section 5.2 leaves out quote, backslash and everything that is not ASCII.
    ...(why === undefined
      ? {}
      : { error_description: why.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?') }),
  })
}

function answerOAuthError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = problemOf(error)
  const { status, detail } = problem
  logFault(error, problem, request)
  if (isPassing(problem)) {
    const unavailable = { error: 'temporarily_unavailable', why: detail } as const
    const retryAfterSeconds = passingRetryAfterSeconds
    return sendOAuthError(reply, { ...unavailable, status, retryAfterSeconds })
  }
  if (status === 500) return sendOAuthError(reply, { error: 'server_error', status })
  const why = status === 415 ? 'send application/x-www-form-urlencoded' : detail
  return sendOAuthError(reply, { error: 'invalid_request', why, status })
}
