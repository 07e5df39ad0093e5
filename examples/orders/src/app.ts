import type { JsonSchemaToTsProvider } from '@fastify/type-provider-json-schema-to-ts'
import websocket from '@fastify/websocket'
import type { Auth, Verifier } from '@portcullis/verify'
import { hasRole } from '@portcullis/verify'
import { authenticate, requireRole, requireScope } from '@portcullis/verify/fastify'
import type { FastifyInstance } from 'fastify'
import Fastify from 'fastify'
import { createLiveOrders } from './live-orders.ts'
import { addLiveOrders } from './live-routes.ts'
import type { OrderBook, Whose } from './order-book.ts'
import type { OrderExports } from './order-exports.ts'
import { createOrderExports } from './order-exports.ts'
import { answerErrorsAsProblems, sendProblem } from './problems.ts'

const newOrder = {
  type: 'object',
  required: ['item', 'quantity'],
  additionalProperties: false,
  properties: {
    item: { type: 'string', minLength: 1, maxLength: 200 },
    quantity: { type: 'integer', minimum: 1, maximum: 1000 },
  },
} as const

const orderId = {
  type: 'object',
  properties: { id: { type: 'string', format: 'uuid' } },
  required: ['id'],
} as const

const bodyBytesMax = 16 * 1024
const requestMsMax = 10_000
/** Nobody has anything to say over a socket. */
const messageBytesMax = 1024

/** The routes: customers list, create and read their own orders; only an admin may cancel, and any. */
export function createApp(verifier: Verifier, orders: OrderBook): FastifyInstance {
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    // Slow requests are cut off; Node's own limits are minutes.
    requestTimeout: requestMsMax,
    http: { headersTimeout: requestMsMax, connectionsCheckingInterval: 500 },
    // Unknown members and wrong types are the caller's mistake: say so instead of mending them.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true } },
  })
  answerErrorsAsProblems(app)
  app.get('/health', async (_request, reply) => {
    // Until it has the issuer's keys and revocations: it would refuse too much. A feed that is lost
    // later is lost for every instance, and is no reason to take them all out of service.
    const isReady = await verifier.ready().then(
      () => true,
      () => false,
    )
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'not ready' })
  })

  const live = createLiveOrders(verifier)
  // Otherwise the listener would wait for them.
  app.addHook('preClose', async () => live.close())

  // Before whatever refuses a request, so that it can end the connection of one that was to become a socket.
  app.register(websocket, { options: { maxPayload: messageBytesMax } })
  app.register(async (scope) => {
    const api = scope.withTypeProvider<JsonSchemaToTsProvider>()
    // Every route of this scope wants a valid access token for `orders`.
    await api.register(authenticate(verifier))

    api.get('/orders', { preHandler: requireScope('orders:read') }, ({ auth }) => ({
      orders: orders.list(visibleTo(auth)),
    }))

    api.post(
      '/orders',
      { preHandler: requireScope('orders:write'), schema: { body: newOrder } },
      ({ auth, body }, reply) => {
        const order = orders.create({ owner: auth.claims.sub, ...body })
        live.publish(order)
        return reply.code(201).header('location', `/orders/${order.id}`).send(order)
      },
    )

    addLiveOrders(scope, live, visibleTo)

    addExports(scope, createOrderExports(verifier), orders)

    api.get(
      '/orders/:id',
      { preHandler: requireScope('orders:read'), schema: { params: orderId } },
      ({ auth, params }, reply) =>
        orders.find(params.id, visibleTo(auth)) ?? sendProblem(reply, 404, 'no such order'),
    )

    api.delete(
      '/orders/:id',
      { preHandler: requireRole('admin'), schema: { params: orderId } },
      ({ params }, reply) => {
        const outcome = orders.cancel(params.id)
        return outcome.kind === 'cancelled'
          ? outcome.order
          : sendProblem(reply, 404, 'no such order')
      },
    )
  })
  return app
}

function addExports(scope: FastifyInstance, exports: OrderExports, orders: OrderBook): void {
  const api = scope.withTypeProvider<JsonSchemaToTsProvider>()
  api.post('/exports', { preHandler: requireScope('orders:read') }, ({ auth }, reply) => {
    const job = exports.begin(auth, orders.list(visibleTo(auth)))
    return job === undefined
      ? sendProblem(reply.header('retry-after', 10), 503, 'too many exports are under way')
      : reply.code(202).header('location', `/exports/${job.id}`).send(job)
  })

  api.get(
    '/exports/:id',
    { preHandler: requireScope('orders:read'), schema: { params: orderId } },
    ({ auth, params }, reply) =>
      exports.find(params.id, auth.claims.sub) ?? sendProblem(reply, 404, 'no such export'),
  )
}

/** Somebody else's order does not exist for a customer, so its id tells nothing. */
function visibleTo(auth: Auth): Whose {
  return hasRole(auth, 'admin') ? 'everybody' : { owner: auth.claims.sub }
}
