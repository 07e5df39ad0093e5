import type { Log, RequestMetrics } from '@portcullis/runtime'
import type { ClientRequest, ClientResponse } from './client-message.ts'
import type { HeaderField } from '../headers/fields.ts'
import { headerFields } from '../headers/fields.ts'
import { requestIdOf } from '../request/request-id.ts'
import type { RefusalReason } from './refusal-reason.ts'

/** One request and its answer, from the first byte to the line in the access log. */
export interface Exchange {
  readonly request: ClientRequest
  /** Of its header, in order: read once for everybody who looks. */
  readonly fields: readonly HeaderField[]
  readonly response: ClientResponse
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
  reason?: RefusalReason
  /** The network that it came from, where that is why it was refused. */
  network?: string
  /** Which trace it belongs to, where it does; known once it was forwarded. */
  traceId?: string
  /** Undefined where no spans are recorded. */
  trace?: ExchangeTrace | undefined
  /** Changes the header fields of the answer, its gateway's own too: what browser mode has to say in it. */
  amend?: (headers: readonly string[]) => string[]
}

/** The spans of one exchange: of its request, and of the one to the service. */
export interface ExchangeTrace {
  readonly traceId: string
  /** The `traceparent` of what the gateway itself asks for its sake. */
  readonly within: string
  /** Begins the span of the request to the service, and answers its fields. */
  readonly fields: () => string[]
  /** The service that is asked; where it is sent again, the last one. */
  readonly ask: (origin: string) => void
  readonly answer: (status: number) => void
  readonly fail: (code: string) => void
  readonly end: (status: number | undefined) => void
}

export type TraceExchange = (exchange: Exchange) => ExchangeTrace

/** Who is told of each exchange when it is over. */
export interface ExchangeWatchers {
  readonly log: Log
  readonly requests: RequestMetrics
  /** Undefined where no spans are recorded. */
  readonly trace?: TraceExchange | undefined
}

/**
 * Begins an exchange, which writes one line when its answer has ended or its client has left. The
 * line tells the route and never the path, the query, a header or the token: what people put into
 * addresses is not ours to keep.
 */
export function openExchange(
  { log, requests, trace }: ExchangeWatchers,
  request: ClientRequest,
  response: ClientResponse,
): Exchange {
  const startedMs = performance.now()
  const fields = headerFields(request.rawHeaders)
  const requestId = requestIdOf(fields)
  const { method: ownMethod = '' } = request
  const exchange: Exchange = { request, fields, response, requestId, method: ownMethod }
  if (trace !== undefined) {
    exchange.trace = trace(exchange)
    exchange.traceId = exchange.trace.traceId
  }
  response.once('close', () => {
    const { method, isForwardAuth, route, subject, tries, reason, network, traceId } = exchange
    const status = response.headersSent ? response.statusCode : undefined
    const durationMs = performance.now() - startedMs
    exchange.trace?.end(status)
    // What no status was sent for counts as what nginx calls it in its log.
    requests.observe({ method, route, status: status ?? 499, seconds: durationMs / 1000, reason })
    log.info(
      {
        method,
        forwardAuth: isForwardAuth,
        route,
        status,
        reason,
        network,
        tries,
        durationMs: Math.round(durationMs),
        requestId,
        traceId,
        subject,
        complete: response.writableFinished,
      },
      'request',
    )
  })
  return exchange
}
