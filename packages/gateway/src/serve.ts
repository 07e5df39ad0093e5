import type { AdmissionParts, AskedRequest } from './admission.ts'
import { admit } from './admission.ts'
import type { Exchange } from './exchange.ts'
import type { Authorizer } from './forward-auth/authorize.ts'
import type { ForwardOptions, Passage } from './forward.ts'
import { forward } from './forward.ts'
import { requestHeaders } from './headers.ts'
import type { Refusal } from './refusal.ts'
import { refuse, sendRefusal } from './refusal.ts'
import { readFrame } from './request-frame.ts'
import type { ReadOrigin } from './request-origin.ts'
import { ownPath, rewritten } from './route-match.ts'
import type { UpstreamLease } from './upstream.ts'
import { handshakeRefusal } from './websocket/handshake.ts'
import { HandshakeAnswer } from './websocket/handshake-answer.ts'

export interface ServingParts extends AdmissionParts, ForwardOptions {
  /** Undefined where the feed is not handed on. */
  readonly answerFeed: ((exchange: Exchange) => Promise<void>) | undefined
  /** Undefined where no proxy may ask. */
  readonly authorizer: Authorizer | undefined
  readonly originOf: ReadOrigin
  readonly upstreams: UpstreamLease
}

/** Answers one request, or has its service answer it. */
export async function serve(parts: ServingParts, exchange: Exchange): Promise<void> {
  const { url = '' } = exchange.request
  if (url.startsWith(ownPath)) return serveOwn(parts, exchange, url)
  const passage = await pass(parts, exchange)
  if (exchange.response.destroyed) return
  if (passage.kind === 'refused') sendRefusal(exchange, passage)
  else forward(exchange, passage, parts)
}

/** Nothing of this is ever forwarded: a service that answers 200 to everything would let everybody in. */
async function serveOwn(parts: ServingParts, exchange: Exchange, url: string): Promise<void> {
  const { authorizer, answerFeed } = parts
  if (authorizer?.isAsked(url) === true) return authorizer.answer(exchange)
  const frame = readFrame(exchange.request)
  if (frame.kind === 'refused') return sendRefusal(exchange, frame)
  const isOfFeed = url.startsWith(`${ownPath}/revocations/`)
  if (isOfFeed && answerFeed !== undefined) return answerFeed(exchange)
  sendRefusal(exchange, refuse('not-found'))
}

/** What a request must pass, in this order, before anything of it leaves this process. */
async function pass(parts: ServingParts, exchange: Exchange): Promise<Passage | Refusal> {
  const { rawHeaders, method = '', url = '' } = exchange.request
  const frame = readFrame(exchange.request, exchange.response instanceof HandshakeAnswer)
  if (frame.kind === 'refused') return frame
  const { authorizations, handshake, host } = frame
  const asked: AskedRequest = {
    kind: 'asked',
    method,
    host,
    target: url,
    authorizations,
    forwardedBy: 'gateway',
  }
  const admitted = await admit(parts, exchange, asked)
  if (admitted.kind === 'refused') return admitted
  const { route, watch } = admitted
  const unwelcome = handshake && handshakeRefusal(handshake, host, route.webSocket)
  if (unwelcome !== undefined) return unwelcome
  const { limits } = route
  if (frame.bodyBytes !== undefined && frame.bodyBytes > limits.bodyBytes) {
    return refuse('too-large', `a body may have ${limits.bodyBytes} bytes`)
  }
  const headers = requestHeaders(rawHeaders, parts.identity, {
    requestId: exchange.requestId,
    origin: parts.originOf(exchange.request, host),
    claims: admitted.claims,
  })
  const upstream = parts.upstreams.next(route)
  const target = rewritten(route, admitted.target)
  return { kind: 'passage', frame, method, target, headers, upstream, limits, watch }
}
