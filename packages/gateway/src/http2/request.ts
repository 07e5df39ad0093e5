import type { IncomingHttpHeaders } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { ClientRequest } from '../exchange/client-message.ts'
import type { RequestHead } from './request-head.ts'

/** A request of HTTP/2, with its body. Trailers end here, as they do in HTTP/1.1. */
export class Http2Request extends Readable implements ClientRequest {
  readonly httpVersion = '2.0'
  readonly method: string
  readonly url: string
  readonly rawHeaders: string[]
  /** See `RequestHead`. */
  readonly fault: string | undefined
  readonly socket: Socket
  complete: boolean
  readonly #stream: ServerHttp2Stream
  #isRead = false

  constructor(stream: ServerHttp2Stream, head: RequestHead, socket: Socket) {
    super({ autoDestroy: false })
    this.#stream = stream
    this.method = head.method
    this.url = head.target
    this.rawHeaders = head.rawHeaders
    this.fault = head.fault
    this.socket = socket
    this.complete = stream.endAfterHeaders
    // Whoever reads half a body learns that there is no more.
    if (!this.complete) stream.once('close', () => this.complete || this.destroy())
    // From the beginning: a body that turns out to be empty ends before anybody reads it.
    stream.once('end', () => {
      // A stream that is reset ends too, and half a body must never look whole.
      if (stream.closed || stream.destroyed) return
      this.complete = true
      this.push(null)
    })
  }

  /** The first of each; several read it, of fields that stand alone. */
  get headers(): IncomingHttpHeaders {
    const headers: Record<string, string> = {}
    for (let at = 0; at + 1 < this.rawHeaders.length; at += 2) {
      headers[this.rawHeaders[at] ?? ''] ??= this.rawHeaders[at + 1] ?? ''
    }
    return headers
  }

  override _read(): void {
    const stream = this.#stream
    if (this.#isRead) {
      stream.resume()
      return
    }
    this.#isRead = true
    stream.on('data', (octets: Buffer) => {
      if (!this.push(octets)) stream.pause()
    })
  }
}
