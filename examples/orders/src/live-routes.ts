import type { ServerResponse } from 'node:http'
import type { WebSocket } from '@fastify/websocket'
import type { Auth } from '@portcullis/verify'
import { problemOf, VerifyError } from '@portcullis/verify'
import { requireScope } from '@portcullis/verify/fastify'
import type { FastifyInstance } from 'fastify'
import type { Ending, LiveOrders, LiveReader } from './live-orders.ts'
import type { Whose } from './order-book.ts'
import { sendProblem } from './problems.ts'

/** Who leaves so much unread is cut off, and asks for the list when it comes back. */
const unreadBytesMax = 64 * 1024
/** How long somebody may take to read the last word. */
const lastWordMs = 5000
/** RFC 6455 section 7.4.1. */
const policyViolation = 1008
const tryAgainLater = 1013

/** The same orders over Server-Sent Events and over a WebSocket; for a scope behind `authenticate`. */
export function addLiveOrders(
  api: FastifyInstance,
  live: LiveOrders,
  visibleTo: (auth: Auth) => Whose,
): void {
  const preHandler = requireScope('orders:read')

  api.get('/orders/stream', { preHandler }, (request, reply) => {
    const leave = live.follow(request.auth, visibleTo(request.auth), eventReader(reply.raw))
    if (leave === undefined) {
      return sendProblem(reply.header('retry-after', 10), 503, 'too many follow the orders')
    }
    reply.raw.once('close', leave)
    if (!reply.raw.writableEnded) writeEvent(reply.raw, 'ready', {})
    return reply.hijack()
  })

  api.get('/orders/socket', { preHandler, websocket: true }, (socket, { auth }) => {
    const leave = live.follow(auth, visibleTo(auth), socketReader(socket))
    if (leave === undefined) socket.close(tryAgainLater, 'full')
    else socket.once('close', leave)
  })
}

function eventReader(stream: ServerResponse): LiveReader {
  return {
    send: (order) => {
      writeEvent(stream, 'order', order)
      return stream.writableLength <= unreadBytesMax
    },
    end: (reason) => {
      writeEvent(stream, 'end', typeof reason === 'string' ? { code: reason } : problemOf(reason))
      stream.end()
      hangUpLater(stream, () => stream.destroy())
    },
  }
}

function writeEvent(stream: ServerResponse, event: string, data: unknown): void {
  if (!stream.headersSent) {
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  }
  stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

function socketReader(socket: WebSocket): LiveReader {
  return {
    send: (order) => {
      socket.send(JSON.stringify(order))
      return socket.bufferedAmount <= unreadBytesMax
    },
    end: (reason) => {
      socket.close(closeCodeOf(reason), reason instanceof VerifyError ? reason.code : reason)
      hangUpLater(socket, () => socket.terminate())
    },
  }
}

function closeCodeOf(reason: Ending): number {
  return typeof reason === 'string' || reason.status === 503 ? tryAgainLater : policyViolation
}

/** Who does not read does not read the last word either, and must not hold the connection for ever. */
function hangUpLater(
  connection: { readonly once: (event: 'close', then: () => void) => unknown },
  hangUp: () => void,
): void {
  const timer = setTimeout(hangUp, lastWordMs)
  connection.once('close', () => clearTimeout(timer))
}
