import type { AdmissionParts, AskedRequest } from './admission/admission.ts'
import { admit } from './admission/admission.ts'
import type { BrowserMode } from './browser/browser-mode.ts'
import type { Exchange } from './exchange/exchange.ts'
import type { Authorizer } from './forward-auth/authorize.ts'
import type { ForwardOptions, Passage } from './forward.ts'
import { forward } from './forward.ts'
import type { Refusal } from './exchange/refusal.ts'
import { andClose, overloaded, refuse, sendRefusal } from './exchange/refusal.ts'
import { readFrame } from './request/frame.ts'
import type { ReadOrigin } from './request/origin.ts'
import { ownPath, rewritten } from './routing/match.ts'
import type { Room } from './admission/room.ts'
import type { UpstreamLease } from './upstream/upstreams.ts'
import { handshakeRefusal } from './websocket/handshake.ts'
import { HandshakeAnswer } from './websocket/handshake-answer.ts'

export interface ServingParts extends AdmissionParts, ForwardOptions {
  /** Undefined where the feed is not handed on. */
  readonly answerFeed: ((exchange: Exchange) => Promise<void>) | undefined
  /** Undefined where cookies are nothing to the gateway. */
  readonly browser: BrowserMode | undefined
  /** Undefined where no proxy may ask. */
  readonly authorizer: Authorizer | undefined
  readonly originOf: ReadOrigin
  readonly upstreams: UpstreamLease
  /** For all requests but those for the feed, which has limits of its own. */
  readonly room: Room
  readonly requestsMax: number
  readonly headerCount: number
}

const feedPath = `${ownPath}/revocations/`

/**
 * Answers one request, or has its service answer it. One that came behind another on the same connection waits for its
 * turn, so that they are obeyed in order (RFC 9112 section 9.3.2); and behind an answer that ends the connection nothing
 * is obeyed (section 9.6), least of all what was a body by another reading.
 */
export async function serve(
  parts: ServingParts,
  exchange: Exchange,
  turn?: Promise<void>,
): Promise<void> {
  const { url = '' } = exchange.request
  const { answerFeed, room, requestsMax, headerCount } = parts
  if (exchange.fields.length > headerCount) {
    const detail = `more than ${headerCount} header fields`
    return sendRefusal(exchange, andClose(refuse('headers-too-large', detail)))
  }
  if (answerFeed !== undefined && url.startsWith(feedPath)) {
    const frame = readFrame(exchange)
    return frame.kind === 'refused' ? sendRefusal(exchange, frame) : answerFeed(exchange)
  }
  if (turn !== undefined) await turn
  // Also where the answer that ends the connection is already gone, and the connection is not yet.
  if (!exchange.request.socket.writable) return
  // Not before: those that wait behind one request would take the places of other callers.
  if (!room.enter(requestsMax)) return sendRefusal(exchange, overloaded)
  exchange.response.once('close', room.leave)
  if (url.startsWith(ownPath)) return serveOwn(parts, exchange, url)
  const passage = await pass(parts, exchange)
  if (exchange.response.destroyed) return
  if (passage.kind === 'refused') sendRefusal(exchange, passage)
  else forward(exchange, passage, parts)
}

/** Nothing of this is ever forwarded: a service that answers 200 to everything would let everybody in. */
async function serveOwn(parts: ServingParts, exchange: Exchange, url: string): Promise<void> {
  const { authorizer, browser } = parts
  if (authorizer?.isAsked(url) === true) return authorizer.answer(exchange)
  if (browser?.isAsked(url) === true) return browser.answer(exchange)
  const frame = readFrame(exchange)
  sendRefusal(exchange, frame.kind === 'refused' ? frame : refuse('not-found'))
}

/** What a request must pass, in this order, before anything of it leaves this process. */
async function pass(parts: ServingParts, exchange: Exchange): Promise<Passage | Refusal> {
  const { method = '', url = '' } = exchange.request
  const frame = readFrame(exchange, exchange.response instanceof HandshakeAnswer)
  if (frame.kind === 'refused') return frame
  const { authorizations, handshake, host } = frame
  const origin = parts.originOf(exchange, host)
  const refusal = parts.rateLimits.takeFromNetwork(origin.clientAddress)
  if (refusal !== undefined) return refusal
  const visit = parts.browser?.visit(exchange, frame, origin)
  if (visit?.kind === 'refused') return visit
  const asked: AskedRequest = {
    kind: 'asked',
    method,
    host,
    target: url,
    authorizations,
    forwardedBy: 'gateway',
    judge: visit?.judge,
  }
  const admitted = await admit(parts, exchange, asked)
  if (admitted.kind === 'refused') return admitted
  const { route, watch } = admitted
  const unwelcome = handshake && handshakeRefusal(handshake, origin.host, route.webSocket)
  if (unwelcome !== undefined) return unwelcome
  const { limits } = route
  if (frame.bodyBytes !== undefined && frame.bodyBytes > limits.bodyBytes) {
    return refuse('too-large', `a body may have ${limits.bodyBytes} bytes`)
  }
  const headers = parts.hopHeaders.toService(visit?.fields() ?? exchange.fields, {
    requestId: exchange.requestId,
    httpVersion: exchange.request.httpVersion,
    origin,
    claims: admitted.claims,
    told: exchange,
  })
  const services = parts.upstreams.servicesOf(route)
  const target = rewritten(route, admitted.target)
  return { kind: 'passage', frame, method, target, headers, services, limits, watch }
}
