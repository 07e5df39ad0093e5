import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

/** A request of a client, whichever HTTP it came by: what is read of Node's `IncomingMessage`, and its body. */
export interface ClientRequest extends Readable {
  readonly httpVersion: string
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** As HTTP/1.1 would have brought it, `Host` among it. */
  readonly rawHeaders: string[]
  readonly headers: IncomingHttpHeaders
  readonly socket: Socket
  /** The body has come to its end. */
  readonly complete: boolean
}

/** The answer to it: what is used of Node's `ServerResponse`. */
export interface ClientResponse extends Writable {
  readonly req: ClientRequest
  readonly socket: Socket | null
  readonly statusCode: number
  readonly headersSent: boolean
  /** False: the connection ends with this answer, where that is how a connection ends. */
  shouldKeepAlive: boolean
  writeHead(status: number, headers: string[] | OutgoingHttpHeaders): unknown
  setHeader(name: string, value: string): unknown
  flushHeaders(): void
  writeContinue(): void
}
