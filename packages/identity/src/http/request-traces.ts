import type { IncomingMessage } from 'node:http'
import type { Span, Tracing } from '@portcullis/runtime'
import { createNetworkSet, parseTraceparent, serverSpanFacts } from '@portcullis/runtime'
import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'

/** Which trace each request belongs to: all that is logged of it has its id, and with `tracing` it is a span. */
export interface RequestTraces {
  readonly childLoggerFactory: NonNullable<FastifyServerOptions['childLoggerFactory']>
  /** The answer has ended. */
  readonly end: (request: FastifyRequest, reply: FastifyReply, reason: string | undefined) => void
}

/** Whoever is no trusted proxy cannot have a request recorded (`Tracing.begin`). */
export function createRequestTraces(
  tracing: Tracing | undefined,
  trustedProxies: readonly string[],
): RequestTraces {
  const isTrusted = createNetworkSet(trustedProxies)
  const spans = new WeakMap<IncomingMessage, Span>()
  const traceIdOf = (raw: IncomingMessage): string | undefined => {
    // Two of them are joined by a comma, and then none.
    const sent = raw.headers['traceparent']
    const parent = typeof sent === 'string' ? parseTraceparent(sent) : undefined
    if (tracing === undefined) return parent?.traceId
    const span = tracing.begin(parent, isTrusted(raw.socket.remoteAddress))
    spans.set(raw, span)
    return span.context.traceId
  }
  return {
    childLoggerFactory: (log, bindings, options, raw) => {
      const traceId = traceIdOf(raw)
      return log.child(traceId === undefined ? bindings : { ...bindings, traceId }, options)
    },
    end: ({ raw, method, routeOptions: { url: route } }, { statusCode: status }, reason) => {
      spans.get(raw)?.end(
        serverSpanFacts({
          method,
          route,
          status,
          host: raw.headers.host,
          isEncrypted: 'encrypted' in raw.socket,
          httpVersion: raw.httpVersion,
          reason,
        }),
      )
    },
  }
}
