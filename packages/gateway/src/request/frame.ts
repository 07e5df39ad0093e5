import type { ClientRequest } from '../exchange/client-message.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { Http2Request } from '../http2/request.ts'
import type { HeaderField } from '../headers/fields.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { andClose, refuse } from '../exchange/refusal.ts'
import type { Handshake } from '../websocket/handshake.ts'
import { readHandshake } from '../websocket/handshake.ts'

/** What a request says about itself, before anything is decided about where it goes. */
export interface Frame {
  readonly kind: 'frame'
  readonly host: string
  /** The value of each Authorization field. */
  readonly authorizations: readonly string[]
  /** `undefined`: the length is not known beforehand (chunked). */
  readonly bodyBytes: number | undefined
  /** The client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1). */
  readonly expectsContinue: boolean
  /** The request opens a WebSocket. */
  readonly handshake: Handshake | undefined
}

/**
 * Reads what frames a request, and refuses each framing that the next server could read
 * differently. Stands behind Node's strict parser, which has refused already: Content-Length beside
 * Transfer-Encoding, repeated or malformed lengths, bare CR and LF, folded lines, white space
 * before the colon, and whatever is no header name or value (RFC 9112 sections 2.2, 5 and 6).
 *
 * `canSwitch`: the connection is free for another protocol, and the request `asksForWebSocket`. Any other that names
 * a protocol to switch to is refused.
 */
export function readFrame(
  { request, fields }: Pick<Exchange, 'request' | 'fields'>,
  canSwitch: boolean = false,
): Frame | Refusal {
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
    if (!(request instanceof Http2Request)) return malformed('the HTTP version is not 1.0 or 1.1')
    if (request.fault !== undefined) return malformed(request.fault)
  }
  const said = framingOf(fields)
  const [host] = said.host
  if (host === undefined || said.host.length > 1 || !isHost.test(host)) {
    return malformed('there must be exactly one Host header, and it must be a host')
  }
  // Two services could read the body in two ways.
  if (said['content-type'].length > 1) return malformed('there are two Content-Type headers')
  if (said.upgrade.length > 0 && !canSwitch) return malformed('protocol upgrades are not served')

  const bodyBytes = readBodyBytes(request, said['transfer-encoding'], said['content-length'])
  if (typeof bodyBytes === 'object') return bodyBytes
  if (said.expect.some((value) => value.toLowerCase() !== '100-continue')) {
    return andClose(refuse('expectation-failed', 'only 100-continue can be expected'))
  }
  const handshake = canSwitch ? readHandshake(fields) : undefined
  if (handshake?.kind === 'refused') return handshake
  return {
    kind: 'frame',
    host,
    authorizations: said.authorization,
    bodyBytes,
    expectsContinue: said.expect.length > 0 && request.httpVersion !== '1.0' && bodyBytes !== 0,
    handshake,
  }
}

/** The values of the fields that say how a request is framed, where it goes and who sends it. */
type Framing = Record<
  | 'authorization'
  | 'content-length'
  | 'content-type'
  | 'expect'
  | 'host'
  | 'transfer-encoding'
  | 'upgrade',
  string[]
>

/** In one walk: every request is asked for all of them, and has nearly none. */
function framingOf(fields: readonly HeaderField[]): Framing {
  const framing: Framing = {
    authorization: [],
    'content-length': [],
    'content-type': [],
    expect: [],
    host: [],
    'transfer-encoding': [],
    upgrade: [],
  }
  for (const { name, value } of fields) {
    if (isFraming(framing, name)) framing[name].push(value)
  }
  return framing
}

function isFraming(framing: Framing, name: string): name is keyof Framing {
  return Object.hasOwn(framing, name)
}

/** True when a body belongs to the request, even one that turns out to be empty. */
export function hasBody(frame: Frame): boolean {
  return frame.bodyBytes !== 0
}

/**
 * RFC 3986 section 3.2.2 and 3.2.3: a name or an address, and a port; no user information. A dot at the end
 * (RFC 1034 section 3.1) makes another name to some servers, and the same one to others.
 */
export const isHost: RegExp =
  /^(?:[\w\-.~!$&'()*+,=]*[\w\-~!$&'()*+,=]|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i

function readBodyBytes(
  request: ClientRequest,
  codings: readonly string[],
  lengths: readonly string[],
): number | undefined | Refusal {
  if (codings.length === 0) {
    const [length] = lengths
    // HTTP/2 frames the body itself (RFC 9113 section 8.1).
    const isOpen = length === undefined && request instanceof Http2Request && !request.complete
    return isOpen ? undefined : Number(length ?? 0)
  }
  // RFC 9112 section 6.1: HTTP/1.0 has no transfer codings, so what claims one is framed wrongly;
  // and a coding inside `chunked` would have to be undone here, because the header that tells of it
  // ends here.
  const isChunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked'
  if (isChunked && request.httpVersion === '1.1') return undefined
  return malformed('the only transfer coding is chunked, in HTTP/1.1')
}

function malformed(detail: string): Refusal {
  return andClose(refuse('malformed', detail))
}
