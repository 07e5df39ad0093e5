import type { IncomingMessage, RequestListener } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log, RequestMetrics, Tracing } from '@portcullis/runtime'
import { createProblem, requestIdFrom } from '@portcullis/runtime'
import { problemMediaType } from '@portcullis/protocol'
import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import Fastify, { LogController } from 'fastify'
import { acceptStrictJson, isWellEscaped, MalformedRequestError } from './bodies.ts'
import { tellClientAddresses } from './client-address.ts'
import type { CountedRequest } from './counted-requests.ts'
import { grantOf } from './counted-requests.ts'
import { openToOrigins } from './cross-origin.ts'
import { indexRoutes } from './known-routes.ts'
import {
  answerClientError,
  answerError,
  answerUnknownRoute,
  sendProblem,
  usualBodyBytesMax,
} from './problems.ts'
import { reasonOf } from './refusal-reasons.ts'
import { createRequestTraces } from './request-traces.ts'
import { securityHeaders } from './security-headers.ts'
import type { Transport } from './transport.ts'
import { plainTransport } from './transport.ts'

export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  JsonSchemaToTsProvider
>

export interface HttpServerOptions {
  readonly issuer: string
  readonly transport?: Transport
  readonly trustedProxies?: readonly string[]
  readonly allowedOrigins?: readonly string[]
  readonly metrics?: RequestMetrics
  readonly onAnswered?: (request: CountedRequest) => void
  readonly tracing?: Tracing | undefined
}

const ajvOptions = {
  // Fastify's own defaults would delete unknown members and turn "1" into 1.
  removeAdditional: false,
  coerceTypes: false,
  allErrors: true,
  // That schemas are schemas is for the tests to say, and not for every start.
  validateSchema: false,
} as const

/** The TCP port that was taken. */
export function boundPort(app: HttpServer): number {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  return address.port
}

/**
 * The public listener without its routes: strict bodies, problem documents, security headers on every
 * answer, one log line a request.
 */
export function createHttpServer(log: Log, options: HttpServerOptions): HttpServer {
  const { transport = plainTransport, trustedProxies = [], allowedOrigins = [] } = options
  const headers = securityHeaders(options.issuer)
  const traces = createRequestTraces(options.tracing, trustedProxies)
  const underWay = new WeakMap<Duplex, IncomingMessage>()
  const logger: FastifyBaseLogger = log
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    // Two of them are joined by a comma, and then not harmless.
    genReqId: (raw) => requestIdFrom([raw.headers['x-request-id']].flat()),
    childLoggerFactory: traces.childLoggerFactory,
    bodyLimit: usualBodyBytesMax,
    serverFactory: (handler) => serverOf(transport, headers, handler),
    routerOptions: { maxParamLength: 64 },
    ajv: { customOptions: ajvOptions },
    clientErrorHandler: (error, socket) =>
      answerClientError(error, socket, {
        headers,
        owesAnswer: underWay.get(socket)?.complete === true,
      }),
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  }).withTypeProvider<JsonSchemaToTsProvider>()

  acceptStrictJson(app)
  app.setErrorHandler(answerError)
  const methodsAt = indexRoutes(app)
  answerUnknownRoute(app, methodsAt)
  app.addHook('onRequest', async ({ raw }, reply) => {
    underWay.set(raw.socket, raw)
    // No name holds U+0000, and PostgreSQL takes no text that does.
    if (raw.url?.includes('%00')) return sendProblem(reply, createProblem('not-found'))
    // Fastify itself looks at the path only, and would take such a value as it stands.
    if (!isWellEscaped(raw.url ?? '')) {
      throw new MalformedRequestError('an escape in the query is not UTF-8')
    }
    // RFC 9112 section 3.2.
    if (raw.headers.host !== undefined || raw.httpVersion === '1.0') return
    reply.header('connection', 'close')
    return sendProblem(reply, createProblem('malformed', 'the request names no host'))
  })
  tellClientAddresses(app, trustedProxies)
  openToOrigins(app, { allowedOrigins, methodsAt })
  // The route's pattern and never the URL: whoever puts a token into a query should not find it here.
  app.addHook('onResponse', async (request, reply) => {
    underWay.delete(request.raw.socket)
    const { method, routeOptions } = request
    const { elapsedTime, statusCode: status } = reply
    const durationMs = Math.round(elapsedTime)
    const { url: route, config } = routeOptions
    const reason = reasonOf(reply)
    const isNews = config.isBackground !== true || status >= 400
    const level = isNews ? 'info' : 'debug'
    request.log[level]({ method, route, status, durationMs, reason }, 'request')
    if (isNews) traces.end(request, reply, reason)
    options.metrics?.observe({ method, route, status, seconds: elapsedTime / 1000, reason })
    options.onAnswered?.({ method, route, status, reason, grant: grantOf(reply) })
  })
  return app
}

/** Sets the headers before anybody answers, so that errors and streams have them like the rest. */
function serverOf(
  transport: Transport,
  headers: ReadonlyMap<string, string>,
  handler: RequestListener,
): RawServerDefault {
  const server = transport.createServer((request, response) => {
    response.setHeaders(new Map(headers))
    handler(request, response)
  })
  // Node would answer it by itself (RFC 9110 section 10.1.1).
  server.on('checkExpectation', (_request, response) => {
    const problem = createProblem('expectation-failed')
    response.setHeaders(new Map(headers))
    response.writeHead(problem.status, { 'content-type': problemMediaType, connection: 'close' })
    response.end(JSON.stringify(problem))
  })
  return server
}
