import type { FastifyInstance } from 'fastify'
import type { MethodsOfPath } from './known-routes.ts'

export interface CrossOriginParts {
  readonly allowedOrigins: readonly string[]
  readonly methodsAt: (url: string) => MethodsOfPath | undefined
}

/** How long a browser may keep a preflight; an origin that was taken out is refused by its answers at once. */
const preflightSecondsMax = 600

/** What a script that records traces sends with every request. */
const traceHeaders = ['traceparent', 'tracestate']

/** What scripts need of an answer, beside its body, to act upon it. */
const exposedHeaders = 'dpop-nonce, etag, retry-after, www-authenticate'

/**
 * CORS (WHATWG Fetch section 3.3): scripts of these origins may read answers, compared exactly; to all
 * others no header says anything. With credentials, because their pages may use the refresh cookie.
 */
export function openToOrigins(
  app: FastifyInstance,
  { allowedOrigins, methodsAt }: CrossOriginParts,
): void {
  if (allowedOrigins.length === 0) return
  const allowed = new Set(allowedOrigins)
  app.addHook('onRequest', async (request, reply) => {
    // On the raw answer, so that errors and streams carry them as well.
    reply.raw.setHeader('vary', 'Origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) return
    reply.raw.setHeader('access-control-allow-origin', origin)
    reply.raw.setHeader('access-control-allow-credentials', 'true')
    reply.raw.setHeader('access-control-expose-headers', exposedHeaders)

    const method = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || method === undefined) return
    const methods = methodsAt(request.url)
    const headers = methods?.get(method)
    // What the path does not have is a 404 or 405 like for everybody.
    if (methods === undefined || headers === undefined) return
    reply.header('access-control-allow-methods', [...methods.keys()].toSorted().join(', '))
    reply.header('access-control-allow-headers', [...headers, ...traceHeaders].join(', '))
    reply.header('access-control-max-age', preflightSecondsMax)
    return reply.code(204).send()
  })
}
