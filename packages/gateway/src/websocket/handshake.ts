import type { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { HeaderField } from '../headers/fields.ts'
import { headerFields, receivedFields, valuesOf } from '../headers/fields.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { andClose, refuse } from '../exchange/refusal.ts'
import type { WebSocketRoute } from '../settings/settings.ts'

/** What a client says when it opens a WebSocket (RFC 6455 section 4.1). */
export interface Handshake {
  readonly kind: 'handshake'
  /** Of its own choice; the answer proves by it that it is an answer to this handshake. */
  readonly key: string
  /** The page that opens it, as browsers say; others may leave it out. */
  readonly origin: string | undefined
}

/**
 * True for a request that asks for a WebSocket and for nothing else: a GET without a body, and one protocol to switch
 * to. Everything else that names an upgrade stays an HTTP request, and is refused as one.
 */
export function asksForWebSocket(request: IncomingMessage): boolean {
  const fields = headerFields(request.rawHeaders)
  return (
    request.method === 'GET' &&
    request.httpVersion === '1.1' &&
    isSwitchToWebSocket(fields) &&
    valuesOf(fields, 'transfer-encoding').length === 0 &&
    valuesOf(fields, 'content-length').every((length) => Number(length) === 0)
  )
}

/** The rest of the handshake (RFC 6455 section 4.2.1), for a request that asks for a WebSocket. */
export function readHandshake(fields: readonly HeaderField[]): Handshake | Refusal {
  const versions = valuesOf(fields, 'sec-websocket-version')
  if (versions.length !== 1 || versions[0] !== '13') {
    // RFC 6455 section 4.4: so that a client learns which version it may try.
    const headers = { 'sec-websocket-version': '13' }
    return andClose(refuse('malformed', 'the version of the WebSocket must be 13', headers))
  }
  const [key, ...otherKeys] = valuesOf(fields, 'sec-websocket-key')
  if (key === undefined || otherKeys.length > 0 || !isKey.test(key)) {
    return andClose(refuse('malformed', 'there must be one Sec-WebSocket-Key, of 16 octets'))
  }
  const [origin, ...otherOrigins] = valuesOf(fields, 'origin')
  if (otherOrigins.length > 0) return andClose(refuse('malformed', 'there are two Origin headers'))
  return { kind: 'handshake', key, origin }
}

/**
 * Why a route opens no WebSocket to this client. A browser lets any page open one to any host, with the cookies of
 * that host, and does not ask first as it does for other requests; so a page of another origin is refused unless the
 * file names it.
 */
export function handshakeRefusal(
  { origin }: Handshake,
  host: string,
  route: WebSocketRoute | undefined,
): Refusal | undefined {
  if (route === undefined) return andClose(refuse('malformed', 'this route serves no WebSocket'))
  const isWelcome =
    origin === undefined ||
    isOriginOf(origin, host) ||
    route.allowedOrigins.some((allowed) => allowed === origin)
  return isWelcome ? undefined : andClose(refuse('cross-origin'))
}

/**
 * True when this 101 answers the handshake with that key. A service that did not read the request as a handshake
 * cannot say what belongs to the key, so nobody gets a tunnel to one that goes on speaking HTTP.
 */
export function isAnswerTo(key: string, rawHeaders: readonly (Buffer | string)[]): boolean {
  const fields = receivedFields(rawHeaders)
  const accepts = valuesOf(fields, 'sec-websocket-accept')
  return isSwitchToWebSocket(fields) && accepts.length === 1 && accepts[0] === acceptOf(key)
}

/** RFC 6455 section 4.2.2, step 5.4. SHA-1 protects nothing here: it shows that the key was read. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Sixteen octets in base64. */
const isKey = /^[A-Za-z\d+/]{22}==$/

function isSwitchToWebSocket(fields: readonly HeaderField[]): boolean {
  const upgrades = valuesOf(fields, 'upgrade')
  const options = valuesOf(fields, 'connection').flatMap((value) => value.split(','))
  return (
    upgrades.length === 1 &&
    upgrades[0]?.toLowerCase() === 'websocket' &&
    options.some((option) => option.trim().toLowerCase() === 'upgrade')
  )
}

/** Whatever the scheme: something in front of the gateway may have taken TLS off. */
function isOriginOf(origin: string, host: string): boolean {
  const url = URL.parse(origin)
  return url !== null && url.origin === origin && url.host === host.toLowerCase()
}
