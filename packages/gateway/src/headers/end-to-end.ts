import type { Buffer } from 'node:buffer'
import type { AccessTokenClaims } from '@portcullis/protocol'
import {
  aliasOf,
  isForwardingMetadata,
  isHopByHop,
  isImpostor,
  isProtected,
  requestIdHeader,
} from './names.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import type { HeaderField } from './fields.ts'
import { receivedFields } from './fields.ts'
import type { RequestOrigin } from '../request/origin.ts'

/** What the gateway itself knows about a request and tells the service. */
export interface GatewayFacts {
  readonly requestId: string
  readonly origin: RequestOrigin
  /** Of the token, where there was one and it was judged. */
  readonly claims: AccessTokenClaims | undefined
}

/**
 * The header fields that go to the service: the client's own, in their order, spelling and number,
 * `Authorization` and `Host` included; without what ends at this hop (RFC 9110 section 7.6.1), what
 * only a trusted proxy may say, and what only the gateway may say; then the gateway's own. These
 * come last and after `Connection` was obeyed, so no client can have them removed.
 */
export function requestHeaders(
  fields: readonly HeaderField[],
  identity: IdentityHeaders,
  facts: GatewayFacts,
): string[] {
  const nominated = nominatedBy(fields)
  const kept = fields.filter(({ name, spelling }) => {
    const alias = aliasOf(name)
    return (
      !nominated.has(name) &&
      !isHopByHop(alias) &&
      !isForwardingMetadata(alias) &&
      !isImpostor(spelling, alias) &&
      !identity.isIdentity(alias) &&
      alias !== requestIdAlias
    )
  })
  return [
    ...kept.flatMap(({ spelling, value }) => [spelling, value]),
    'X-Forwarded-For',
    facts.origin.clientAddress,
    'X-Forwarded-Proto',
    facts.origin.scheme,
    'X-Forwarded-Host',
    facts.origin.host,
    // RFC 9110 section 7.6.3: a gateway adds itself, after those before it.
    'Via',
    '1.1 portcullis',
    requestIdHeader,
    facts.requestId,
    ...identity.of(facts.claims),
  ]
}

/**
 * The header fields that go back to the client: the service's own, in their order, spelling and
 * number, without what ends at this hop. A service cannot speak in the names of identity headers.
 */
export function responseHeaders(
  rawHeaders: readonly (Buffer | string)[],
  status: number,
  identity: IdentityHeaders,
  requestId: string,
): string[] {
  const fields = receivedFields(rawHeaders)
  const nominated = nominatedBy(fields)
  const kept = fields.filter(({ name }) => {
    const alias = aliasOf(name)
    return (
      !nominated.has(name) &&
      !isHopByHop(alias) &&
      !identity.isIdentity(alias) &&
      alias !== requestIdAlias &&
      // RFC 9110 section 8.6.
      !((status === 204 || status < 200) && name === 'content-length')
    )
  })
  return [...kept.flatMap(({ spelling, value }) => [spelling, value]), requestIdHeader, requestId]
}

const requestIdAlias = aliasOf(requestIdHeader)

/**
 * RFC 9110 section 7.6.1: fields that `Connection` names end here too, except those that must not.
 */
function nominatedBy(fields: readonly HeaderField[]): ReadonlySet<string> {
  const names = fields
    .filter(({ name }) => name === 'connection')
    .flatMap(({ value }) => value.split(','))
    .map((name) => name.trim().toLowerCase())
  return new Set(names.filter((name) => !isProtected(name)))
}
