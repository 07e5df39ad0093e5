import type { Buffer } from 'node:buffer'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { rememberedByName } from './by-name.ts'
import {
  aliasOf,
  isForwardingMetadata,
  isHopByHop,
  isImpostor,
  isProtected,
  requestIdHeader,
} from './names.ts'
import type { Exchange } from '../exchange/exchange.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import type { HeaderField } from './fields.ts'
import { receivedFields } from './fields.ts'
import { receivedTrace, traceFieldNames, traceFields } from './trace-fields.ts'
import type { RequestOrigin } from '../request/origin.ts'

/** What the gateway itself knows about a request and tells the service. */
export interface GatewayFacts {
  readonly requestId: string
  /** By which the request came: `1.1`. */
  readonly httpVersion: string
  readonly origin: RequestOrigin
  /** Of the token, where there was one and it was judged. */
  readonly claims: AccessTokenClaims | undefined
  /** Is told which trace the request belongs to, where it has none of the gateway's own. */
  readonly told: Pick<Exchange, 'trace' | 'traceId'>
}

export interface HopHeaders {
  /**
   * The header fields that go to the service: the client's own, in their order, spelling and number,
   * `Authorization` and `Host` included; without what ends at this hop (RFC 9110 section 7.6.1), what
   * only a trusted proxy may say, and what only the gateway may say; then the gateway's own. These
   * come last and after `Connection` was obeyed, so no client can have them removed.
   */
  readonly toService: (fields: readonly HeaderField[], facts: GatewayFacts) => string[]
  /**
   * The header fields that go back to the client: the service's own, in their order, spelling and
   * number, without what ends at this hop. A service cannot speak in the names of identity headers.
   */
  readonly toClient: (answer: AnswerHead, requestId: string) => string[]
}

export interface AnswerHead {
  readonly status: number
  readonly rawHeaders: readonly (Buffer | string)[]
}

export function createHopHeaders(identity: IdentityHeaders): HopHeaders {
  const wayToService = rememberedByName((spelling): WayOfField => {
    const alias = aliasOf(spelling)
    if (traceFieldNames.has(alias)) return 'if-sound'
    return !isHopByHop(alias) &&
      !isForwardingMetadata(alias) &&
      !isImpostor(spelling, alias) &&
      !identity.isIdentity(alias) &&
      alias !== requestIdAlias
      ? 'goes-on'
      : 'ends'
  })
  const goesToClient = rememberedByName((spelling) => {
    const alias = aliasOf(spelling)
    return !isHopByHop(alias) && !identity.isIdentity(alias) && alias !== requestIdAlias
  })
  return {
    toService: (fields, { requestId, httpVersion, origin, claims, told }) => {
      const nominated = nominatedBy(fields)
      const headers: string[] = []
      let hasTrace = false
      for (const { name, spelling, value } of fields) {
        const way = wayToService(spelling)
        if (way === 'if-sound') hasTrace = true
        else if (way === 'goes-on' && !nominated.has(name)) headers.push(spelling, value)
      }
      if (told.trace !== undefined) headers.push(...told.trace.fields())
      else if (hasTrace) handOnTrace(headers, fields, told)
      headers.push('X-Forwarded-For', origin.clientAddress)
      headers.push('X-Forwarded-Proto', origin.scheme, 'X-Forwarded-Host', origin.host)
      // RFC 9110 section 7.6.3: a gateway adds itself, after those before it.
      headers.push('Via', `${httpVersion} portcullis`, requestIdHeader, requestId)
      return claims === undefined ? headers : headers.concat(identity.of(claims))
    },
    toClient: ({ rawHeaders, status }, requestId) => {
      const fields = receivedFields(rawHeaders)
      // RFC 9110 section 8.6.
      const isBare = status === 204 || status < 200
      const own = isBare ? fields.filter(({ name }) => name !== 'content-length') : fields
      const nominated = nominatedBy(own)
      const headers: string[] = []
      for (const { name, spelling, value } of own) {
        if (goesToClient(spelling) && !nominated.has(name)) headers.push(spelling, value)
      }
      headers.push(requestIdHeader, requestId)
      return headers
    },
  }
}

type WayOfField = 'goes-on' | 'ends' | 'if-sound'

const requestIdAlias = aliasOf(requestIdHeader)

/** `Connection` cannot remove it: it is one thing in two fields. */
function handOnTrace(
  headers: string[],
  fields: readonly HeaderField[],
  told: GatewayFacts['told'],
): void {
  const received = receivedTrace(fields)
  if (received === undefined) return
  headers.push(...traceFields(received.text, received.state))
  told.traceId = received.parent.traceId
}

const nobody: ReadonlySet<string> = new Set()

/**
 * RFC 9110 section 7.6.1: fields that `Connection` names end here too, except those that must not.
 */
function nominatedBy(fields: readonly HeaderField[]): ReadonlySet<string> {
  let nominated = nobody
  for (const { name, value } of fields) {
    if (name !== 'connection' || namesNothing(value)) continue
    const names = value.split(',').map((each) => each.trim().toLowerCase())
    nominated = nominated.union(new Set(names.filter((each) => !isProtected(each))))
  }
  return nominated
}

/** What stands in nearly every request; both mean the connection itself, and no field. */
function namesNothing(value: string): boolean {
  return value === 'keep-alive' || value === 'close'
}
