import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import type { Log } from '@portcullis/runtime'
import { systemErrorCode } from '@portcullis/runtime'
import type { Dispatcher } from 'undici'
import { endAnswer } from './end-answer.ts'
import type { Exchange } from './exchange.ts'
import { responseHeaders } from './headers.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import type { Refusal } from './refusal.ts'
import { refuse, sendRefusal } from './refusal.ts'
import type { Frame } from './request-frame.ts'
import { hasBody } from './request-frame.ts'
import { allowSilence } from './server.ts'
import type { RouteLimits } from './settings.ts'
import type { Upstream } from './upstream.ts'

/** How a request that was let in goes on. */
export interface Passage {
  readonly kind: 'passage'
  readonly frame: Frame
  readonly method: string
  readonly target: string
  /** Name, value, name, value … as the service gets them. */
  readonly headers: string[]
  readonly upstream: Upstream
  readonly limits: RouteLimits
}

export interface ForwardOptions {
  readonly identity: IdentityHeaders
  readonly log: Log
}

/**
 * Sends a request to its service and the answer back, both as they come: neither is kept, each side
 * is read only as fast as the other one takes it. Target, method and body are not changed;
 * redirects are not followed; nothing is sent twice. Trailers and interim answers (1xx) end here.
 *
 * A service that cannot be reached is 502, one that is silent too long before its headers 504. One
 * that breaks off later cuts the client's connection, so that half an answer never looks whole. A
 * client that leaves cuts the request to the service.
 */
export function forward(exchange: Exchange, passage: Passage, options: ForwardOptions): void {
  const { response } = exchange
  const { method, target, headers, upstream, frame, limits } = passage
  if (!upstream.enter()) {
    return sendRefusal(exchange, refuse('overloaded', undefined, { 'retry-after': '1' }))
  }
  const body = hasBody(frame) ? createCappedBody(limits.bodyBytes) : null
  const crossing = createCrossing(exchange, passage, body, options)
  response.once('close', () => {
    upstream.leave()
    crossing.clientClosed()
  })
  response.on('drain', crossing.clientDrained)
  const silenceMs = limits.idleTimeoutSeconds * 1000
  allowSilence(exchange.request.socket, limits)
  const silence = { headersTimeout: silenceMs, bodyTimeout: silenceMs }
  upstream.dispatch({ path: target, method, headers, body, ...silence }, crossing.handler)
}

class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

class ClientLeft extends Error {
  override readonly name = 'ClientLeft'
}

/** A service may send interim answers before the final one; a flood of them is no answer. */
const interimAnswersMax = 16

interface Crossing {
  readonly handler: Dispatcher.DispatchHandler
  readonly clientClosed: () => void
  readonly clientDrained: () => void
}

function createCrossing(
  exchange: Exchange,
  { frame, upstream }: Passage,
  body: Transform | null,
  { identity, log }: ForwardOptions,
): Crossing {
  const { request, response, requestId } = exchange
  let controller: Dispatcher.DispatchController | undefined
  let interimAnswers = 0
  const cancel = (): void => {
    if (!response.writableFinished) controller?.abort(new ClientLeft('the client left'))
  }
  return {
    clientClosed: cancel,
    clientDrained: () => controller?.resume(),
    handler: {
      // Called when there is a connection, right before the request is written to it.
      onRequestStart: (started) => {
        controller = started
        if (response.destroyed) return cancel()
        if (body === null) return
        if (frame.expectsContinue) response.writeContinue()
        request.pipe(body)
      },
      onResponseStart: ({ rawHeaders }, status) => {
        if (status < 200) {
          interimAnswers += 1
          if (interimAnswers > interimAnswersMax) throw new Error('too many interim answers')
          return
        }
        if (!Array.isArray(rawHeaders)) throw new TypeError('only HTTP/1 answers are forwarded')
        response.writeHead(status, responseHeaders(rawHeaders, status, identity, requestId))
        process.nextTick(sendHeaders, response)
      },
      onResponseData: (current, chunk) => {
        if (!response.write(chunk)) current.pause()
      },
      onResponseEnd: () => endAnswer(response),
      onResponseError: (_controller, error) => {
        if (error instanceof ClientLeft || response.destroyed) return
        const code = systemErrorCode(error) ?? error.name
        if (!(error instanceof BodyTooLarge)) {
          log.warn({ requestId, upstream: upstream.origin, code }, 'the upstream failed')
        }
        // A reset and not an end: to HTTP/1.0 clients an end is how a whole answer looks.
        if (response.headersSent) response.socket?.resetAndDestroy()
        else sendRefusal(exchange, refusalOf(error, code))
      },
    },
  }
}

const nothing = Buffer.alloc(0)

/**
 * If the service sends headers and then pauses, they are written now; otherwise Node holds them until
 * the first chunk. Not `flushHeaders`, which would write octets outside ASCII as UTF-8.
 */
function sendHeaders(response: ServerResponse): void {
  if (!response.writableEnded && !response.destroyed) response.write(nothing)
}

const timeouts: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

function refusalOf(error: Error, code: string): Refusal {
  if (error instanceof BodyTooLarge) return refuse('too-large')
  return refuse(timeouts.has(code) ? 'upstream-timeout' : 'upstream-unreachable')
}

function createCappedBody(bytesMax: number): Transform {
  let bytes = 0
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length
      if (bytes > bytesMax) done(new BodyTooLarge('the body is too large'))
      else done(null, chunk)
    },
  })
}
