import type { SpanFacts } from './span.ts'

/** A request as its server has served it. */
export interface ServedRequest {
  readonly method: string
  /** Its pattern; undefined where nothing was found. */
  readonly route: string | undefined
  /** Undefined where its client has left before an answer. */
  readonly status: number | undefined
  /** What the client has sent as `Host`. */
  readonly host: string | undefined
  readonly isEncrypted: boolean
  readonly httpVersion: string
  /** Why it was refused: a code of ours. */
  readonly reason: string | undefined
}

const hostLengthMax = 255

/**
 * Names and attributes are those of the semantic conventions for HTTP, but for the path and the query: what people put
 * into addresses is not ours to keep.
 */
export function serverSpanFacts(served: ServedRequest): SpanFacts {
  const { method, route, status, host, isEncrypted, httpVersion, reason } = served
  const isFailure = status === undefined || status >= 500
  return {
    name: route === undefined ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
      'server.address': host?.slice(0, hostLengthMax),
      'url.scheme': isEncrypted ? 'https' : 'http',
      'network.protocol.version': httpVersion,
      'error.type': reason ?? (isFailure ? String(status ?? 'client-left') : undefined),
    },
    // A refusal is what its client has done wrong, and is no error of the server by these conventions.
    isError: isFailure,
  }
}
