import { TLSSocket } from 'node:tls'
import type { ClientResponse } from './client-message.ts'
import { Http2Response } from '../http2/response.ts'

/**
 * Breaks off an answer that has begun: by a reset and not by an end, which to HTTP/1.0 clients is how a whole answer
 * looks. Over TLS the end that nobody has announced says the same, and Node resets nothing.
 */
export function cutAnswer(response: ClientResponse): void {
  const { socket, writableFinished } = response
  if (writableFinished) return
  if (response instanceof Http2Response) response.destroy()
  else if (socket instanceof TLSSocket) socket.destroy()
  else socket?.resetAndDestroy()
}

/** How long the rest of a body that nobody wants any more is read. */
const lingerMs = 2000

/**
 * Ends an answer, which may be whole before its request is. A connection that is closed with unread
 * octets is reset, and a reset takes the answer away from a client that is still sending: so the
 * rest of the body is read and thrown away. If the connection closes after this answer, `end()` is
 * delayed up to two seconds; otherwise the request is destroyed after two seconds.
 */
export function endAnswer(response: ClientResponse): void {
  const { req: request } = response
  if (request.complete) {
    response.end()
    return
  }
  if (response instanceof Http2Response) {
    request.unpipe()
    response.end()
    return
  }
  const isLast = !response.shouldKeepAlive
  const timer = setTimeout(() => {
    if (isLast) response.end()
    else request.destroy()
  }, lingerMs)
  // Not the answer's own close event: where the connection goes on, that one comes at once.
  request.once('close', () => clearTimeout(timer))
  request.once('end', () => {
    clearTimeout(timer)
    if (isLast) response.end()
  })
  if (!isLast) response.end()
  request.unpipe()
  request.resume()
}
