import type { Socket } from 'node:net'
import type { FieldError, Problem, ProblemCode } from '@portcullis/protocol'
import { problemMediaType } from '@portcullis/protocol'
import { createProblem, pointerToMember } from '@portcullis/runtime'
import { problemOf as problemOfToken, responseHeadersOf, VerifyError } from '@portcullis/verify'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SignerUnavailableError } from '../domain/signer-unavailable.ts'
import { StoreUnavailableError } from '../domain/store-unavailable.ts'
import { MalformedRequestError } from './bodies.ts'
import type { MethodsOfPath } from './known-routes.ts'
import { noteReason } from './refusal-reasons.ts'

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  noteReason(reply, problem.code)
  return reply.code(problem.status).type(problemMediaType).send(problem)
}

/** Somebody's password was wrong. */
export function sendBadCredentials(reply: FastifyReply, realm: string): FastifyReply {
  // RFC 9110 section 15.5.2 wants a challenge. Browsers do not know this scheme, so they show no
  // password dialog.
  reply.header('www-authenticate', `Password realm="${realm}"`)
  return sendProblem(reply, createProblem('bad-credentials'))
}

/** Of passwords one answer whoever the attempt was for, and whether or not there is such an account. */
export function sendThrottled(
  reply: FastifyReply,
  retryAfterSeconds: number,
  detail = 'there were too many tries',
): FastifyReply {
  reply.header('retry-after', retryAfterSeconds)
  return sendProblem(reply, createProblem('throttled', detail))
}

/** Too much of something is under way. */
export function sendBusy(
  reply: FastifyReply,
  retryAfterSeconds: number,
  detail = 'too many passwords are being checked',
): FastifyReply {
  reply.header('retry-after', retryAfterSeconds)
  return sendProblem(reply, createProblem('overloaded', detail))
}

/** Too many mails wait to be sent, and nothing was written. */
export function sendMailBusy(reply: FastifyReply, retryAfterSeconds: number): FastifyReply {
  reply.header('retry-after', retryAfterSeconds)
  return sendProblem(reply, createProblem('overloaded', 'too many mails wait; nothing was changed'))
}

/** A member of the body has the right form and cannot be taken all the same. */
export function sendUnfit(reply: FastifyReply, member: string, fault: string): FastifyReply {
  const errors = [{ field: pointerToMember('', member), message: fault }]
  return sendProblem(reply, createProblem('malformed', `${member} ${fault}`, errors))
}

/** An administrator's own session or role ended while the decision was under way (`domain/actors`). */
export function sendOverruled(reply: FastifyReply): FastifyReply {
  const detail = 'the session or the role has ended meanwhile; nothing was changed'
  return sendProblem(reply, createProblem('superseded', detail))
}

export function sendLastAdministrator(reply: FastifyReply): FastifyReply {
  const detail = 'nobody would be left who could administer accounts'
  return sendProblem(reply, createProblem('last-administrator', detail))
}

/**
 * Turns whatever a route threw into a problem. What is not the caller's fault is logged and not sent
 * to the caller.
 */
export function answerError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  // Who calls, or what they may do, did not hold (`http/callers`).
  if (error instanceof VerifyError) {
    const { code, status, reason } = error
    request.log.info(
      { event: 'authz_fail', route: request.routeOptions.url, code, status, reason },
      'refused',
    )
    logFault(error, problemOfToken(error), request)
    return sendVerifyError(reply, error)
  }
  const problem = problemOf(error, request.routeOptions.bodyLimit)
  logFault(error, problem, request)
  if (isPassing(problem)) reply.header('retry-after', passingRetryAfterSeconds)
  return sendProblem(reply, problem)
}

export function sendVerifyError(
  reply: FastifyReply,
  error: VerifyError,
  fields: Readonly<Record<string, string>> = {},
): FastifyReply {
  noteReason(reply, error.reason ?? error.code)
  const headers = { ...responseHeadersOf(error), ...fields }
  return reply.code(error.status).headers(headers).send(problemOfToken(error))
}

/** A database or a vault that was restarted is back in about that time. */
export const passingRetryAfterSeconds = 2

/** What is not at hand for a moment: the same request may do later. */
export function isPassing({ code }: Problem): boolean {
  return code === 'store-unavailable' || code === 'keys-unavailable'
}

/** Says in the log what is not the caller's fault. */
export function logFault(error: unknown, { status }: Problem, request: FastifyRequest): void {
  if (status < 500) return
  request.log.error({ err: error, route: request.routeOptions.url }, 'unexpected error')
}

/** Ample for a login; an account or a token request has no reason to be larger. */
export const usualBodyBytesMax: number = 16 * 1024

/** Enough for every member that a route knows; an answer must not be much larger than its request. */
export const fieldErrorsMax = 20

/** What Fastify, our own body parsers and the stores may throw, in terms of a problem. */
export function problemOf(error: FastifyError, bodyBytesMax: number = usualBodyBytesMax): Problem {
  if (error instanceof StoreUnavailableError) {
    return createProblem('store-unavailable', 'whether anything was changed is not known')
  }
  if (error instanceof SignerUnavailableError) {
    return createProblem('keys-unavailable', 'nothing can be signed at the moment')
  }
  if (error instanceof MalformedRequestError) return createProblem('malformed', error.message)
  if (error.validation !== undefined) {
    const where = partOfRequest.get(error.validationContext) ?? 'body'
    return createProblem(
      'malformed',
      `the ${where} does not fit`,
      error.validation.slice(0, fieldErrorsMax).map(fieldErrorOf),
    )
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return createProblem('too-large', `the body may have ${bodyBytesMax / 1024} KiB`)
  }
  const known = problemOfFastifyCode.get(error.code)
  if (known !== undefined) return createProblem(...known)
  // What else Fastify blames on the request, such as a client that left in the middle of its body.
  return createProblem((error.statusCode ?? 500) < 500 ? 'malformed' : 'internal')
}

/** What Fastify calls the parts of a request, in the terms of RFC 9110. */
const partOfRequest: ReadonlyMap<string | undefined, string> = new Map([
  ['querystring', 'query'],
  ['params', 'path'],
])

const problemOfFastifyCode: ReadonlyMap<string, readonly [ProblemCode, string]> = new Map([
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', ['unsupported-media-type', 'send application/json'] as const],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', ['malformed', 'the length of the body is wrong'] as const],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', ['malformed', 'the body is empty'] as const],
  ['FST_ERR_BAD_URL', ['malformed', 'the path is not a valid URL path'] as const],
  ['FST_ERR_MAX_PARAM_LENGTH', ['not-found', 'nothing has a name of this length'] as const],
])

type ValidationFault = NonNullable<FastifyError['validation']>[number]

export function fieldErrorOf(fault: ValidationFault): FieldError {
  const { additionalProperty, missingProperty } = fault.params
  if (typeof additionalProperty === 'string') {
    return {
      field: pointerToMember(fault.instancePath, additionalProperty),
      message: 'is not known here',
    }
  }
  if (typeof missingProperty === 'string') {
    return { field: pointerToMember(fault.instancePath, missingProperty), message: 'is required' }
  }
  const { allowedValues } = fault.params
  if (Array.isArray(allowedValues)) {
    return { field: fault.instancePath, message: `is none of ${allowedValues.join(', ')}` }
  }
  return { field: fault.instancePath, message: fault.message ?? 'is not valid' }
}

/** 404 for a path that does not exist, 405 with `Allow` for one that does (RFC 9110 section 15.5.6). */
export function answerUnknownRoute(
  app: FastifyInstance,
  methodsAt: (url: string) => MethodsOfPath | undefined,
): void {
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(request.url)
    if (methods === undefined) return sendProblem(reply, createProblem('not-found'))
    reply.header('allow', [...methods.keys()].toSorted().join(', '))
    return sendProblem(reply, createProblem('method-not-allowed'))
  })
}

/**
 * A request that Node's parser could not read has no reply object: the answer is written by hand. Not
 * while the connection still owes the answer to an earlier request, in whose place it would stand.
 */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  {
    headers,
    owesAnswer,
  }: { readonly headers: ReadonlyMap<string, string>; readonly owesAnswer: boolean },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable || owesAnswer) {
    socket.destroy()
    return
  }
  const problem = problemOfParserCode.get(error.code) ?? createProblem('malformed')
  const body = JSON.stringify(problem)
  const fields = new Map([
    ...headers,
    ['content-type', problemMediaType],
    ['content-length', String(Buffer.byteLength(body))],
    ['connection', 'close'],
  ])
  const head = [...fields].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${head}\r\n${body}`)
}

const problemOfParserCode: ReadonlyMap<string | undefined, Problem> = new Map([
  ['HPE_HEADER_OVERFLOW', createProblem('headers-too-large')],
  ['ERR_HTTP_REQUEST_TIMEOUT', createProblem('request-timeout')],
])
