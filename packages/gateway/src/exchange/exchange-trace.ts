import type { HoldsAddress, Span, Tracing } from '@portcullis/runtime'
import { createNetworkSet, formatTraceparent } from '@portcullis/runtime'
import type { Exchange, TraceExchange } from './exchange.ts'
import { receivedTrace, traceFields } from '../headers/trace-fields.ts'

/**
 * Whoever is no trusted proxy cannot have a request recorded. Names and attributes are those of the semantic conventions
 * for HTTP, but for the path and the query: what people put into addresses is not ours to keep.
 */
export function createExchangeTracer(
  tracing: Tracing,
  trustedProxies: readonly string[],
): TraceExchange {
  const isTrusted: HoldsAddress = createNetworkSet(trustedProxies)
  return (exchange) => {
    const { request, fields } = exchange
    const received = receivedTrace(fields)
    const span = tracing.begin(received?.parent, isTrusted(request.socket.remoteAddress))
    let call: Call | undefined
    return {
      traceId: span.context.traceId,
      fields: () => {
        call = { span: span.beginCall() }
        return traceFields(formatTraceparent(call.span.context), received?.state)
      },
      ask: (origin) => {
        if (call !== undefined) call.origin = origin
      },
      answer: (status) => {
        if (call !== undefined) call.status = status
      },
      fail: (code) => {
        if (call !== undefined) call.failure = code
      },
      end: (status) => {
        if (call !== undefined) endCall(call, exchange)
        endRequest(span, exchange, status)
      },
    }
  }
}

interface Call {
  readonly span: Span
  origin?: string
  status?: number
  failure?: string
}

function endCall({ span, origin, status, failure }: Call, { method, tries }: Exchange): void {
  const url = origin === undefined ? null : URL.parse(origin)
  const isRefused = status !== undefined && status >= 400
  const error = status === undefined ? (failure ?? 'client-left') : isRefused && String(status)
  span.end({
    name: method,
    attributes: {
      'http.request.method': method,
      'http.response.status_code': status,
      'http.request.resend_count': tries === undefined ? undefined : tries - 1,
      'server.address': url?.hostname,
      'server.port': url === null ? undefined : portOf(url),
      'url.scheme': url?.protocol.slice(0, -1),
      'error.type': error === false ? undefined : error,
    },
    isError: error !== false,
  })
}

const hostLengthMax = 255

function endRequest(span: Span, exchange: Exchange, status: number | undefined): void {
  const { request, method, route, reason } = exchange
  const isFailure = status === undefined || status >= 500
  span.end({
    name: route === undefined ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
      'server.address': request.headers.host?.slice(0, hostLengthMax),
      'url.scheme': 'encrypted' in request.socket ? 'https' : 'http',
      'network.protocol.version': request.httpVersion,
      'error.type': reason ?? (isFailure ? String(status ?? 'client-left') : undefined),
    },
    // A refusal is what its client has done wrong, and is no error of the server by these conventions.
    isError: isFailure,
  })
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
