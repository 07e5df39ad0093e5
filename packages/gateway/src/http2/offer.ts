import type { Server } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Http2Options, Http2Sessions } from './sessions.ts'
import { createHttp2Sessions } from './sessions.ts'

/**
 * Has clients that choose HTTP/2 at a listener of TLS get it (RFC 7301). Whoever chooses HTTP/1.1, or nothing, is led
 * to the very listeners that stood there before.
 */
export function offerHttp2(server: Server, options: Http2Options): Http2Sessions {
  const sessions = createHttp2Sessions(server, options)
  const listeners = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') sessions.take(socket)
    else for (const listener of listeners) Reflect.apply(listener, server, [socket])
  })
  return sessions
}
