import { Buffer } from 'node:buffer'
import { STATUS_CODES } from 'node:http'
import type { Problem, ProblemCode } from '@portcullis/protocol'
import { problemMediaType } from '@portcullis/protocol'
import { createProblem } from '@portcullis/runtime'
import type { VerifyError } from '@portcullis/verify'
import { problemOf, responseHeadersOf } from '@portcullis/verify'
import { endAnswer } from './end-answer.ts'
import type { Exchange } from './exchange.ts'
import { requestIdHeader } from '../headers/names.ts'
import type { RefusalReason } from './refusal-reason.ts'

/** An expected "no": a value until this file makes an HTTP answer of it. */
export interface Refusal {
  readonly kind: 'refused'
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>
  /** What is wrong, where the log is told more than the code of the problem. */
  readonly reason?: RefusalReason | undefined
  /** The network that has asked too often, for the log. */
  readonly network?: string
  /** Nothing more is read from the connection afterwards. */
  readonly closes?: boolean
}

/** The detail is sent to the caller: no token, no secret, nothing about the network behind. */
export function refuse(
  code: ProblemCode,
  detail?: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return { kind: 'refused', problem: createProblem(code, detail), headers }
}

/** What a token is answered that lets nobody in. */
export function tokenRefusal(error: VerifyError): Refusal {
  return {
    kind: 'refused',
    problem: problemOf(error),
    headers: responseHeadersOf(error),
    reason: error.reason,
  }
}

/** At once, and without a queue: what waits is served when nobody wants it any more. */
export const overloaded: Refusal = refuse('overloaded', undefined, { 'retry-after': '1' })

/** The same refusal, and the end of its connection. */
export function andClose(refusal: Refusal): Refusal {
  return { ...refusal, closes: true }
}

/**
 * Answers a request; Node leaves the body out where the method is HEAD. A client that asked for
 * `100 Continue` and gets a final answer may send the body or not, and what comes next could be
 * either: so that connection ends (RFC 9110 section 10.1.1).
 */
export function sendRefusal(exchange: Exchange, refusal: Refusal): void {
  const { request, response, requestId } = exchange
  exchange.reason = refusal.reason ?? refusal.problem.code
  if (refusal.network !== undefined) exchange.network = refusal.network
  const isExpecting = request.headers.expect !== undefined
  if (isExpecting || refusal.closes === true) response.shouldKeepAlive = false
  const { body, headers } = written(refusal)
  headers.push(requestIdHeader, requestId)
  response.writeHead(refusal.problem.status, exchange.amend?.(headers) ?? headers)
  if (isExpecting) {
    response.end(body)
  } else {
    response.write(body)
    endAnswer(response)
  }
}

export interface RefusalParts {
  readonly status: number
  readonly headers: string[]
  readonly body: Buffer
}

/** The whole answer as octets, for a connection on which no request could be made out. */
export function refusalOctets(refusal: Refusal): Buffer {
  const { body, headers } = written(refusal)
  const { status } = refusal.problem
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, 'connection: close']
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

/** What is written of it, for an answer that is made elsewhere. */
export function refusalParts(refusal: Refusal): RefusalParts {
  return { status: refusal.problem.status, ...written(refusal) }
}

function written({ problem, headers }: Refusal): Omit<RefusalParts, 'status'> {
  const body = Buffer.from(JSON.stringify(problem))
  const all = {
    'content-type': problemMediaType,
    'content-length': String(body.length),
    'cache-control': 'no-store',
    ...headers,
  }
  return { body, headers: Object.entries(all).flat() }
}
