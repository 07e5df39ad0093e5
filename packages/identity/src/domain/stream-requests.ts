import type { StreamRequest, SubjectFormat } from './event-streams.ts'
import { partnerEventsAmong } from './security-events.ts'

/** SSF 1.0 section 6.1; `urn:ietf:rfc:8935` and `8936`. */
export const deliveryMethods = { push: 'urn:ietf:rfc:8935', poll: 'urn:ietf:rfc:8936' } as const

/** The members that a receiver supplies, after their schema was held against them. */
export interface StreamMembers {
  readonly delivery?: {
    readonly method: string
    readonly endpoint_url?: string
    readonly authorization_header?: string
  }
  readonly events_requested?: readonly string[]
  readonly description?: string | null
  readonly format?: SubjectFormat
}

export type ParsedStreamRequest =
  | { readonly kind: 'request'; readonly request: StreamRequest }
  | { readonly kind: 'unfit'; readonly member: string; readonly fault: string }

export interface StreamRequestParts {
  /** Which events may be had; default: those of partners. */
  readonly eventsAmong?: (texts: readonly string[]) => StreamRequest['events']
  readonly seal: (authorization: string) => string
  /** What is wrong with an address that events are to be pushed to; undefined when nothing is. */
  readonly endpointFault: (url: string) => string | undefined
}

/** As a new stream has it, or one that is replaced: what is not said is as it was at first. */
export function parseStreamRequest(
  members: StreamMembers,
  parts: StreamRequestParts,
): ParsedStreamRequest {
  // SSF 1.0 section 8.1.1.1: without a delivery the transmitter chooses, and nobody can be pushed to without an address.
  const { delivery = { method: deliveryMethods.poll } } = members
  const parsed = parseDelivery(delivery, parts)
  if (parsed.kind === 'unfit') return parsed
  const eventsRequested = members.events_requested ?? []
  return {
    kind: 'request',
    request: {
      delivery: parsed.delivery,
      eventsRequested,
      events: (parts.eventsAmong ?? partnerEventsAmong)(eventsRequested),
      description: members.description ?? undefined,
      subjectFormat: members.format ?? 'complex',
    },
  }
}

type ParsedDelivery =
  | { readonly kind: 'delivery'; readonly delivery: StreamRequest['delivery'] }
  | Extract<ParsedStreamRequest, { readonly kind: 'unfit' }>

function parseDelivery(
  {
    method,
    endpoint_url: url,
    authorization_header: authorization,
  }: NonNullable<StreamMembers['delivery']>,
  { seal, endpointFault }: StreamRequestParts,
): ParsedDelivery {
  if (method === deliveryMethods.poll) return { kind: 'delivery', delivery: { method: 'poll' } }
  if (method !== deliveryMethods.push) return unfit('method', 'is not supported here')
  if (url === undefined) return unfit('endpoint_url', 'is required')
  const fault = endpointFault(url)
  if (fault !== undefined) return unfit('endpoint_url', fault)
  // RFC 9110 section 5.5: what cannot stand in a header field would end the request.
  if (
    authorization !== undefined &&
    !/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(authorization)
  ) {
    return unfit('authorization_header', 'is no value of a header field')
  }
  const sealedAuthorization = authorization === undefined ? undefined : seal(authorization)
  return { kind: 'delivery', delivery: { method: 'push', endpointUrl: url, sealedAuthorization } }
}

function unfit(member: string, fault: string): Extract<ParsedDelivery, { readonly kind: 'unfit' }> {
  return { kind: 'unfit', member: `delivery/${member}`, fault }
}
