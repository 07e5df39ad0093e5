import type { Buffer } from 'node:buffer'
import type { OutgoingHttpHeaders } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { ClientResponse } from '../exchange/client-message.ts'
import type { Http2Request } from './request.ts'

interface Parts {
  readonly status: number
  readonly headers: string[]
  readonly body: Buffer
}

interface Chunk {
  readonly chunk: Buffer
}

/**
 * The answer to a request of HTTP/2. A whole one ends with END_STREAM; after it, what the client still sends of its
 * request is not wanted (RFC 9113 section 8.1). One that is destroyed ends with RST_STREAM, as an error.
 */
export class Http2Response extends Writable implements ClientResponse {
  readonly req: Http2Request
  readonly socket: Socket
  statusCode = 200
  headersSent = false
  /** Each answer has a stream of its own, so none can be taken for another one. */
  shouldKeepAlive = true
  readonly #stream: ServerHttp2Stream
  readonly #added: string[] = []
  #hasGivenUp = false

  constructor(request: Http2Request, stream: ServerHttp2Stream) {
    super({ decodeStrings: true })
    this.req = request
    this.socket = request.socket
    this.#stream = stream
    stream.on('error', () => this.destroy())
    stream.once('close', () => this.destroy())
  }

  setHeader(name: string, value: string): void {
    this.#added.push(name.toLowerCase(), value)
  }

  writeHead(status: number, headers: string[] | OutgoingHttpHeaders): this {
    const fields: string[] = [':status', String(status)]
    const flat = Array.isArray(headers) ? headers : Object.entries(headers).flat()
    for (let at = 0; at + 1 < flat.length; at += 2) {
      const name = String(flat[at]).toLowerCase()
      // RFC 9113 section 8.2.2: a client takes an answer with these for none.
      if (name !== 'connection') fields.push(name, String(flat[at + 1]))
    }
    for (let at = 0; at + 1 < this.#added.length; at += 2) {
      const name = this.#added[at] ?? ''
      const isThere = fields.some((field, index) => index % 2 === 0 && field === name)
      if (!isThere) fields.push(name, this.#added[at + 1] ?? '')
    }
    // Throws for what no answer of HTTP/2 can say, such as a status above 599; nothing is sent then. Where the client
    // has left, the close event tells it.
    if (!this.#isOver()) this.#stream.respond(fields)
    this.headersSent = true
    this.statusCode = status
    return this
  }

  /** Node has sent them already. */
  flushHeaders(): void {}

  writeContinue(): void {
    if (!this.#isOver()) this.#stream.additionalHeaders({ ':status': 100 })
  }

  /** How long both sides may be silent. */
  allowSilence(silenceMs: number): void {
    if (!this.#isOver()) this.#stream.setTimeout(silenceMs, () => this.destroy())
  }

  /** Answers although the request is not whole and goes nowhere any more; for who watches, this is no answer. */
  giveUp({ status, headers, body }: Parts): void {
    if (this.headersSent || this.#isOver()) {
      this.destroy()
      return
    }
    this.#hasGivenUp = true
    this.writeHead(status, headers)
    if (this.#isWithoutBody()) this.destroy()
    else this.#stream.end(body, () => this.destroy())
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#isWithoutBody() || chunk.length === 0) done()
    else this.#stream.write(chunk, done)
  }

  override _writev(chunks: readonly Chunk[], done: (error?: Error | null) => void): void {
    const stream = this.#stream
    if (this.#isWithoutBody()) {
      done()
      return
    }
    for (const { chunk } of chunks.slice(0, -1)) stream.write(chunk)
    stream.write(chunks.at(-1)?.chunk ?? '', done)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#isWithoutBody()) done()
    else this.#stream.end(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const stream = this.#stream
    if (!this.#isOver()) {
      const isWhole = this.writableFinished || this.#hasGivenUp
      // Not by `close`, which sends END_STREAM first, as if all were there.
      if (!isWhole) stream.destroy(new Cut())
      else if (!this.req.complete) stream.close(constants.NGHTTP2_NO_ERROR)
    }
    done(error)
  }

  #isOver(): boolean {
    return this.#stream.closed || this.#stream.destroyed
  }

  /** HEAD, 204 and 304: Node ends the stream with the headers. */
  #isWithoutBody(): boolean {
    return this.#stream.writableEnded || this.#isOver()
  }
}

/** Its stream is reset by INTERNAL_ERROR. */
class Cut extends Error {
  override readonly name = 'Cut'
}
