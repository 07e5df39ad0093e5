import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Log } from '@portcullis/runtime'
import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import Fastify, { LogController } from 'fastify'
import { acceptStrictJson } from './bodies.ts'
import { answerClientError, answerError, answerUnknownRoute } from './problems.ts'

export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  JsonSchemaToTsProvider
>

/** Ample for a login; an account or a token request has no reason to be larger. */
const bodyBytesMax = 16 * 1024
/** A request that is not complete by then is cut off, however slowly it trickles in (slow loris). */
const requestMsMax = 10_000
/** How exactly that is kept: Node looks every 30 seconds unless it is told otherwise. */
const checkIntervalMs = 500

/** The TCP port that was taken. */
export function boundPort(app: HttpServer): number {
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on TCP')
  return address.port
}

/** The public listener without its routes: strict bodies, problem documents, one log line a request. */
export function createHttpServer(log: Log): HttpServer {
  const logger: FastifyBaseLogger = log
  const underWay = new WeakMap<Duplex, IncomingMessage>()
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    requestTimeout: requestMsMax,
    // Node exchanges the two limits when the one for the headers, a minute by default, is the longer.
    http: { headersTimeout: requestMsMax, connectionsCheckingInterval: checkIntervalMs },
    routerOptions: { maxParamLength: 64 },
    // Fastify's own defaults would delete unknown members and turn "1" into 1.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
    clientErrorHandler: (error, socket) =>
      answerClientError(error, socket, underWay.get(socket)?.complete === true),
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  }).withTypeProvider<JsonSchemaToTsProvider>()

  acceptStrictJson(app)
  app.setErrorHandler(answerError)
  answerUnknownRoute(app)
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.addHook('onRequest', async ({ raw }) => {
    underWay.set(raw.socket, raw)
  })
  // The route's pattern and never the URL: whoever puts a token into a query should not find it here.
  app.addHook('onResponse', async (request, reply) => {
    underWay.delete(request.raw.socket)
    const { method, routeOptions } = request
    const durationMs = Math.round(reply.elapsedTime)
    log.info({ method, route: routeOptions.url, status: reply.statusCode, durationMs }, 'request')
  })
  return app
}
