import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'

/**
 * RFC 9457, with the members that the SDK's problems have, except `code`. Section 4.2.1: the type
 * `about:blank` means what the status means, and the title is its text.
 */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const problem = { type: 'about:blank', title: STATUS_CODES[status], status, detail }
  return reply.code(status).type('application/problem+json').send(problem)
}

export function answerErrorsAsProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500) return sendProblem(reply, status, error.message)
    request.log.error({ err: error }, 'unexpected error')
    return sendProblem(reply, 500, 'something went wrong here')
  })
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'there is nothing here'))
}
