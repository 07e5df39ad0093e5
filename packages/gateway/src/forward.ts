import { Buffer } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { Transform } from 'node:stream'
import type { Log } from '@portcullis/runtime'
import type { TokenWatch } from '@portcullis/verify'
import type { Dispatcher } from 'undici'
import type { ClientResponse } from './exchange/client-message.ts'
import { cutAnswer, endAnswer } from './exchange/end-answer.ts'
import { endEarly } from './exchange/end-early.ts'
import type { Exchange } from './exchange/exchange.ts'
import type { HopHeaders } from './headers/end-to-end.ts'
import type { LongAnswers } from './exchange/long-answers.ts'
import { overloaded, sendRefusal } from './exchange/refusal.ts'
import type { Frame } from './request/frame.ts'
import { hasBody } from './request/frame.ts'
import type { UpstreamFailure } from './upstream/second-try.ts'
import { isRepeatable, send } from './upstream/second-try.ts'
import { allowSilence } from './server.ts'
import type { RouteLimits } from './settings/settings.ts'
import type { Services } from './upstream/choice.ts'
import { BodyTooLarge, ClientLeft, refusalOf } from './upstream/failure.ts'
import { isAnswerTo } from './websocket/handshake.ts'
import { HandshakeAnswer } from './websocket/handshake-answer.ts'
import type { Tunnel, Tunnels } from './websocket/tunnel.ts'

/** How a request that was let in goes on. */
export interface Passage {
  readonly kind: 'passage'
  readonly frame: Frame
  readonly method: string
  readonly target: string
  /** Name, value, name, value … as the service gets them. */
  readonly headers: string[]
  readonly services: Services
  /** Ends as soon as the token that let it in would be refused. */
  readonly watch: (() => TokenWatch) | undefined
  readonly limits: RouteLimits
}

export interface ForwardOptions {
  readonly tunnels: Tunnels
  readonly longAnswers: LongAnswers
  readonly countFailure: (failure: UpstreamFailure) => void
  readonly hopHeaders: HopHeaders
  readonly log: Log
}

/**
 * Sends a request to its service and the answer back, both as they come: neither is kept, each side
 * is read only as fast as the other one takes it. Target, method and body are not changed;
 * redirects are not followed; nothing that has a body or is not idempotent is sent twice. Trailers and
 * interim answers (1xx) end here.
 *
 * A service that cannot be reached is 502, one that is silent too long before its headers 504. One
 * that breaks off later cuts the client's connection, so that half an answer never looks whole. A
 * client that leaves cuts the request to the service. What lasts ends with the token that let it in (see
 * `LongAnswers` and `endEarly`).
 *
 * A handshake whose service switches to the WebSocket becomes a tunnel; any other answer to it ends the connection.
 */
export function forward(exchange: Exchange, passage: Passage, options: ForwardOptions): void {
  const { response } = exchange
  const { method, target, headers, services, frame, limits } = passage
  const body = hasBody(frame) ? createCappedBody(limits.bodyBytes) : null
  const crossing = createCrossing(exchange, passage, body, options)
  const silenceMs = limits.idleTimeoutSeconds * 1000
  const upgrade = frame.handshake === undefined ? null : 'websocket'
  const silence = { headersTimeout: silenceMs, bodyTimeout: silenceMs }
  const sending = send({
    services,
    request: { path: target, method, headers, body, upgrade, ...silence },
    isRepeatable: isRepeatable(method, hasBody(frame)),
    handler: crossing.handler,
    onTry: exchange.trace?.ask,
    onFailure: (failure) => {
      exchange.trace?.fail(failure.code)
      options.countFailure(failure)
      noteFailure(exchange, options.log, failure)
    },
  })
  if (sending === undefined) {
    crossing.clientClosed()
    return sendRefusal(exchange, overloaded)
  }
  allowSilence(response, limits)
  response.once('close', () => {
    sending.end()
    crossing.clientClosed()
  })
  response.on('drain', crossing.clientDrained)
}

function noteFailure(
  exchange: Exchange,
  log: Log,
  { upstream, code, next }: UpstreamFailure,
): void {
  const { requestId } = exchange
  if (next === undefined) {
    log.warn({ requestId, upstream, code }, 'the upstream failed')
  } else {
    exchange.tries = 2
    log.warn({ requestId, upstream, code, next }, 'the upstream failed: the request is sent again')
  }
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
  passage: Passage,
  body: Transform | null,
  options: ForwardOptions,
): Crossing {
  const { request, response, requestId } = exchange
  let controller: Dispatcher.DispatchController | undefined
  const { hopHeaders, longAnswers } = options
  const { frame, watch, limits } = passage
  let tunnel: Tunnel | undefined
  let interimAnswers = 0
  const cancel = (): void => controller?.abort(new ClientLeft('nobody wants the answer'))
  const followed = longAnswers.follow({
    watch,
    totalSecondsMax: limits.totalTimeoutSeconds,
    end: (why) => endEarly(exchange, why, { tunnel, cancel }),
  })
  return {
    clientClosed: () => {
      followed.stop()
      if (!response.writableFinished) cancel()
    },
    clientDrained: () => controller?.resume(),
    handler: {
      // Called when there is a connection, right before the request is written to it.
      onRequestStart: (started) => {
        controller = started
        // The client has left, or was refused meanwhile.
        if (response.destroyed || response.headersSent) return cancel()
        if (body === null) return
        if (frame.expectsContinue) response.writeContinue()
        request.pipe(body)
      },
      onRequestUpgrade: ({ rawHeaders }, _status, _headers, service) => {
        tunnel = openTunnel(exchange, passage, { rawHeaders, service }, options)
        exchange.trace?.answer(101)
        followed.begin()
      },
      onResponseStart: ({ rawHeaders }, status) => {
        // A switch that names no protocol; what follows it is in none that anybody agreed on.
        if (status === 101) throw new Error('a switch of protocols that nobody asked for')
        if (status < 200) {
          interimAnswers += 1
          if (interimAnswers > interimAnswersMax) throw new Error('too many interim answers')
          return
        }
        if (!Array.isArray(rawHeaders)) throw new TypeError('only HTTP/1 answers are forwarded')
        exchange.trace?.answer(status)
        const headers = hopHeaders.toClient({ rawHeaders, status }, requestId)
        response.writeHead(status, exchange.amend?.(headers) ?? headers)
        process.nextTick(sendHeaders, response)
      },
      onResponseData: (current, chunk) => {
        if (!response.write(chunk)) current.pause()
      },
      onResponseEnd: () => endAnswer(response),
      onResponseError: (_controller, error) => {
        if (error instanceof ClientLeft || response.destroyed) return
        if (response.headersSent) cutAnswer(response)
        else sendRefusal(exchange, refusalOf(error))
      },
    },
  }
}

interface Switch {
  readonly rawHeaders: Dispatcher.DispatchController['rawHeaders']
  readonly service: Duplex
}

/** Throws when the service has not answered this handshake. */
function openTunnel(
  { response, requestId, amend }: Exchange,
  { frame: { handshake }, limits }: Passage,
  { rawHeaders, service }: Switch,
  { hopHeaders, tunnels }: ForwardOptions,
): Tunnel {
  service.on('error', () => service.destroy())
  if (
    response instanceof HandshakeAnswer &&
    handshake !== undefined &&
    Array.isArray(rawHeaders) &&
    isAnswerTo(handshake.key, rawHeaders)
  ) {
    const fields = hopHeaders.toClient({ rawHeaders, status: 101 }, requestId)
    const idleMs = limits.idleTimeoutSeconds * 1000
    const client = response.switchProtocols(amend?.(fields) ?? fields)
    return tunnels.open({ client, service, idleMs })
  }
  throw new Error('not an answer to the handshake')
}

const nothing = Buffer.alloc(0)

/**
 * If the service sends headers and then pauses, they are written now; otherwise Node holds them until
 * the first chunk. Not `flushHeaders`, which would write octets outside ASCII as UTF-8.
 */
function sendHeaders(response: ClientResponse): void {
  if (!response.writableEnded && !response.destroyed) response.write(nothing)
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
