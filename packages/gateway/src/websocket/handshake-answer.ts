import type { IncomingMessage } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How long a client may take to read the last of an answer and close its side. */
const lingerMs = 2000

/**
 * The answer to a handshake: an HTTP answer after which the connection ends, or a switch of protocols. Node has let
 * go of the connection, so that what comes next on it is never read as a request.
 *
 * A client sends nothing before it has its answer (RFC 6455 section 4.1). Whoever does is cut, and the service has
 * got none of it: to a service that does not switch, it would be the next request on that connection.
 */
export class HandshakeAnswer extends ServerResponse {
  readonly #socket: Socket
  #isSwitched = false

  constructor(request: IncomingMessage, socket: Socket) {
    super(request)
    this.#socket = socket
    this.shouldKeepAlive = false
    this.assignSocket(socket)
    socket.on('error', () => socket.destroy())
    socket.on('drain', () => this.emit('drain'))
    socket.on('data', this.#onEarlyOctets)
    socket.on('end', this.#cut)
    socket.on('timeout', this.#cut)
    this.once('finish', () => {
      if (!this.#isSwitched) this.#endSocket()
    })
  }

  /** Sends 101 and hands the connection over to whoever speaks the new protocol on it. */
  switchProtocols(headers: readonly string[]): Socket {
    const socket = this.#socket
    this.#isSwitched = true
    this.writeHead(101, [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'])
    this.end()
    socket.off('data', this.#onEarlyOctets)
    socket.off('end', this.#cut)
    socket.off('timeout', this.#cut)
    return socket
  }

  readonly #cut = (): void => {
    this.#socket.destroy()
  }

  readonly #onEarlyOctets = (): void => {
    if (!this.headersSent) this.#cut()
  }

  /** Only our side at first: a connection that is cut with unread octets takes the answer away again. */
  #endSocket(): void {
    const socket = this.#socket
    socket.end()
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(timer))
  }
}
