import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '@portcullis/runtime'
import { requestIdOf } from './request-id.ts'

/** One request and its answer, from the first byte to the line in the access log. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  /** Of the request that is judged, which is another one where a proxy asks about it. */
  method: string
  /** A proxy asks about the request, and forwards it itself. */
  isForwardAuth?: boolean
  /** The `match` of the route; known once it was found. */
  route?: string
  /** Whose valid token the request carries; known once it was judged. */
  subject?: string
  /** How often it was sent, where that is more than once. */
  tries?: number
  /** Why the gateway itself has answered it: a code of ours, and nothing that the client has sent. */
  reason?: string
}

/**
 * Begins an exchange, which writes one line when its answer has ended or its client has left. The
 * line tells the route and never the path, the query, a header or the token: what people put into
 * addresses is not ours to keep.
 */
export function openExchange(
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
): Exchange {
  const startedMs = performance.now()
  const requestId = requestIdOf(request.rawHeaders)
  const exchange: Exchange = { request, response, requestId, method: request.method ?? '' }
  response.once('close', () => {
    const { method, isForwardAuth, route, subject, tries, reason } = exchange
    log.info(
      {
        method,
        forwardAuth: isForwardAuth,
        route,
        status: response.headersSent ? response.statusCode : undefined,
        reason,
        tries,
        durationMs: Math.round(performance.now() - startedMs),
        requestId,
        subject,
        complete: response.writableFinished,
      },
      'request',
    )
  })
  return exchange
}
