import type { HoldsAddress, Span, Tracing } from '@portcullis/runtime'
import { createNetworkSet, formatTraceparent, serverSpanFacts } from '@portcullis/runtime'
import type { Exchange, TraceExchange } from './exchange.ts'
import { receivedTrace, traceFields } from '../headers/trace-fields.ts'

/** Whoever is no trusted proxy cannot have a request recorded (`Tracing.begin`). */
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
      within: formatTraceparent(span.context),
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

function endRequest(span: Span, exchange: Exchange, status: number | undefined): void {
  const { request, method, route, reason } = exchange
  span.end(
    serverSpanFacts({
      method,
      route,
      status,
      host: request.headers.host,
      isEncrypted: 'encrypted' in request.socket,
      httpVersion: request.httpVersion,
      reason,
    }),
  )
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? 443 : 80
}
