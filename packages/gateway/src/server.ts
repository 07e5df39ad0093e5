import type { Buffer } from 'node:buffer'
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { ServerOptions as TlsOptions } from 'node:https'
import { createServer as createTlsServer } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '@portcullis/runtime'
import { systemErrorCode, tellOfFailedHandshakes } from '@portcullis/runtime'
import type { ClientRequest, ClientResponse } from './exchange/client-message.ts'
import { offerHttp2 } from './http2/offer.ts'
import { Http2Response } from './http2/response.ts'
import type { OpenAnswers } from './exchange/open-answers.ts'
import { createOpenAnswers } from './exchange/open-answers.ts'
import type { Refusal } from './exchange/refusal.ts'
import { refusalOctets, refuse } from './exchange/refusal.ts'
import type { Limits, RouteLimits } from './settings/settings.ts'
import { asksForWebSocket } from './websocket/handshake.ts'
import { HandshakeAnswer } from './websocket/handshake-answer.ts'

/** How a listener speaks TLS. */
export interface SecureListener {
  readonly options: TlsOptions
  /** `Strict-Transport-Security` of every answer; undefined for none. */
  readonly hsts?: () => string | undefined
  /** Clients may choose HTTP/2. */
  readonly hasHttp2?: boolean
}

/** `turn`: when the request before it on the same connection has its answer; undefined where none is under way. */
export type Answer = (
  request: ClientRequest,
  response: ClientResponse,
  turn?: Promise<void>,
) => void

/** What a listener itself keeps. */
export type ServerLimits = ChangingLimits & Pick<Limits, 'headerBytes'>

/** What of them can change while it listens. */
type ChangingLimits = Pick<
  Limits,
  'headersTimeoutSeconds' | 'requestTimeoutSeconds' | 'idleTimeoutSeconds' | 'connections'
>

/** So that a silent service gets its 504 before the client's socket times out. */
const idleMarginSeconds = 5
/** How exactly the time limits of headers and of whole requests are kept. */
const checkIntervalMs = 500
/** How often the log tells that connections are closed, in a flood of them too. */
const dropReminderMs = 10_000
/** How long a connection without a request is still read, so that the client sees the answer. */
const lingerMs = 2000

/** Connections that Node does not count among its own: not yet, since they have not ended their handshake, or not any more. */
const uncounted = new WeakMap<Server, Set<Socket>>()

function count(server: Server, socket: Socket): void {
  const sockets = uncounted.get(server) ?? new Set()
  uncounted.set(server, sockets.add(socket))
  socket.once('close', () => sockets.delete(socket))
}

/**
 * The listener: Node's HTTP/1.1 parser at its strictest, every time and size limited. Whatever
 * fails before there is a request is answered here, as a problem document too.
 *
 * A request that asks for a WebSocket, on a connection that owes no other answer, gets a `HandshakeAnswer`.
 */
export function createGatewayServer(
  limits: ServerLimits,
  log: Log,
  answer: Answer,
  secure?: SecureListener,
): Server {
  const answers = createOpenAnswers()
  let isEnding = false
  const server = createListener(secure, log, {
    insecureHTTPParser: false,
    maxHeaderSize: limits.headerBytes,
    connectionsCheckingInterval: checkIntervalMs,
    // The host is checked with the rest of the frame, where two of them are seen too.
    requireHostHeader: false,
    shouldUpgradeCallback: (request: IncomingMessage) =>
      asksForWebSocket(request) && !answers.isAnyOn(request.socket),
  })
  // Without this the primary of a cluster would hand what is too many round and round.
  Object.assign(server, { dropMaxConnection: true })
  // Node drops what is more without a word, and the rest would be judged as if it were all: `serve` of the gateway counts.
  server.maxHeadersCount = 0
  setLimits(server, limits)
  tellOfDrops(server, log)

  const begin: Answer = (request, response, turn) => {
    const hsts = secure?.hsts?.()
    if (hsts !== undefined) response.setHeader('Strict-Transport-Security', hsts)
    // A write that crosses a disconnect; the close event tells the same.
    response.on('error', () => response.destroy())
    answer(request, response, turn)
  }
  const http2 =
    secure?.hasHttp2 === true ? offerHttp2(server, { ...limits, log, begin }) : undefined
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    // The answer before it was the last one, and is still on its way: what the client says now is obeyed no more.
    if (!request.socket.writable) return
    if (answers.areTooManyOn(request.socket)) {
      // All but the first of them wait for their turn, so nothing is lost that was obeyed.
      log.info({ code: 'PIPELINED' }, 'a connection with too many requests in a row')
      return cutWithoutStacks(request.socket)
    }
    const turn = answers.open(request, response)
    if (isEnding || isOldAndLast(request)) response.shouldKeepAlive = false
    begin(request, response, turn)
  }
  endings.set(server, () => {
    isEnding = true
    answers.endEach()
    http2?.end()
  })
  for (const event of ['request', 'checkContinue', 'checkExpectation']) server.on(event, onRequest)
  takeHandshakes(server, onRequest, (socket) => {
    const refusal = refuse('malformed', 'something came before the answer to a handshake')
    refuseConnection(log, socket, refusal, 'EARLY')
  })
  refuseConnections(server, log, answers)
  return server
}

/**
 * Node makes an error for each request that the connection leaves behind, and one piece of octets can hold two thousand:
 * their stacks, which nobody reads, would take longer than the requests themselves.
 */
function cutWithoutStacks(socket: Socket): void {
  const { stackTraceLimit } = Error
  socket.prependOnceListener('close', () => (Error.stackTraceLimit = 0))
  socket.once('close', () => (Error.stackTraceLimit = stackTraceLimit))
  socket.destroy()
}

/** RFC 9112 section 9.3: `close` counts also beside `keep-alive`, of which Node obeys the other one in HTTP/1.0. */
function isOldAndLast({ httpVersionMinor, headers }: IncomingMessage): boolean {
  return httpVersionMinor === 0 && /\bclose\b/i.test(headers.connection ?? '')
}

/** Whatever fails before there is a request is answered, unless the answer would be taken for that to another request. */
function refuseConnections(server: Server, log: Log, answers: OpenAnswers): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    const refusal = refuse('malformed', 'CONNECT is not served')
    if (answers.isAnyOn(socket)) socket.destroy()
    else refuseConnection(log, socket, refusal, 'CONNECT')
  })
  server.on('clientError', (error: Error, socket: Duplex) => {
    const code = systemErrorCode(error) ?? 'unknown'
    if (!socket.writable || code === 'ECONNRESET' || answers.isOwedOn(socket)) {
      socket.destroy()
      return
    }
    const refusal = refusals.get(code)
    const malformed = refuse('malformed', 'this is not a valid HTTP/1.1 request')
    refuseConnection(log, socket, refusal ?? malformed, code)
  })
}

function refuseConnection(log: Log, socket: Duplex, refusal: Refusal, code: string): void {
  if (socket.writableEnded) return
  log.info({ status: refusal.problem.status, code }, 'a connection without a request')
  endWith(socket, refusal)
}

/** A handshake that takes longer is none; a stop waits no longer for one either. */
const handshakeMsMax = 5000

function createListener(
  secure: SecureListener | undefined,
  log: Log,
  options: ServerOptions,
): Server {
  if (secure === undefined) return createServer(options)
  const server = createTlsServer({
    ...options,
    handshakeTimeout: handshakeMsMax,
    ALPNProtocols: secure.hasHttp2 === true ? ['h2', 'http/1.1'] : ['http/1.1'],
    ...secure.options,
  })
  server.on('connection', (socket: Socket) => count(server, socket))
  tellOfFailedHandshakes(server, log)
  return server
}

function tellOfDrops(server: Server, log: Log): void {
  let toldAt = -Infinity
  server.on('drop', () => {
    const at = performance.now()
    if (at - toldAt < dropReminderMs) return
    toldAt = at
    const { maxConnections } = server
    log.warn({ connections: maxConnections }, 'new connections are closed: there are too many')
  })
}

/** `refuseEarly`: the client has not waited for the answer, which `HandshakeAnswer` sees only from then on. */
function takeHandshakes(
  server: Server,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  refuseEarly: (socket: Duplex) => void,
): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!(socket instanceof Socket) || head.length > 0) return refuseEarly(socket)
    count(server, socket)
    answer(request, new HandshakeAnswer(request, socket))
  })
}

/** How long may be waited for what; a connection that is there gets it with its next request. */
export function setLimits(server: Server, limits: ChangingLimits): void {
  server.maxConnections = limits.connections
  server.requestTimeout = limits.requestTimeoutSeconds * 1000
  server.headersTimeout = limits.headersTimeoutSeconds * 1000
  server.keepAliveTimeout = limits.idleTimeoutSeconds * 1000
  server.timeout = socketMs(limits)
}

function socketMs({ idleTimeoutSeconds }: Pick<Limits, 'idleTimeoutSeconds'>): number {
  return (idleTimeoutSeconds + idleMarginSeconds) * 1000
}

/** Lets a client be silent as long as a route allows: on a connection, until Node sets its own bounds for the next request. */
export function allowSilence(response: ClientResponse, limits: RouteLimits): void {
  const silenceMs = socketMs(limits)
  if (response instanceof Http2Response) return response.allowSilence(silenceMs)
  const { socket } = response.req
  if (socket.timeout !== silenceMs) socket.setTimeout(silenceMs)
}

const refusals: ReadonlyMap<string, Refusal> = new Map([
  ['HPE_HEADER_OVERFLOW', refuse('headers-too-large')],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', refuse('too-large')],
  ['ERR_HTTP_REQUEST_TIMEOUT', refuse('request-timeout')],
])

/**
 * Ends a connection with an answer, in both directions: at first only ours, because a connection
 * that is cut with unread octets takes the answer away from the client again.
 */
function endWith(socket: Duplex, refusal: Refusal): void {
  socket.on('error', () => socket.destroy())
  socket.end(refusalOctets(refusal))
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(timer))
}

/** How each server of ours begins to end. */
const endings = new WeakMap<Server, () => void>()

/** From now on each answer is the last one of its connection, and says so where its headers are not sent yet. */
export function announceEnd(server: Server): void {
  endings.get(server)?.()
}

/** How long requests that are under way have to end, where nobody says otherwise. */
const drainMsDefault = 5000

/**
 * Takes no new connection, lets requests under way end for so long, and then cuts them. Node closes idle connections
 * once; those that turn idle while it waits are closed here.
 */
export async function drainServer(
  server: Server,
  drainMsMax: number = drainMsDefault,
): Promise<void> {
  announceEnd(server)
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => {
    server.closeAllConnections()
    for (const socket of uncounted.get(server) ?? []) socket.destroy()
  }, drainMsMax)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  clearInterval(sweep)
  clearTimeout(cut)
}
