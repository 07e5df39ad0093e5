import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { EventStream } from './event-streams.ts'
import type { SecurityEvent } from './security-events.ts'
import { sharedKindOf, typeOfEvent, verificationEvent } from './security-events.ts'

/** RFC 8417 section 2.3. */
export const securityEventTokenType = 'secevent+jwt'

/** Signs a security event token with a key of the issuer's key set: RS256, as receivers expect (CAEP interoperability). */
export type SignSecurityEvent = (claims: JsonObject, typ: string) => Promise<string>

/** To whom, and in which words. */
export type Receiver = Pick<EventStream, 'id' | 'audience' | 'subjectFormat'>

/**
 * The same for the same event however often it is delivered to a stream, and another in every stream. Nobody can tell
 * from one what another would be, and a store that was put back does not give it again for something else.
 */
export function jtiOf(streamId: string, { id, txn, event }: SecurityEvent): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([txn, streamId, event, id]))
    .digest()
  return `${id}.${digest.subarray(0, jtiOctets).toString('base64url')}`
}

const jtiOctets = 16

/** The id of the event that it may be of; undefined for what none of ours looks like. */
export function eventIdIn(jti: string): number | undefined {
  const [, id] = /^([1-9]\d{0,14})\.[A-Za-z0-9_-]{22}$/.exec(jti) ?? []
  return id === undefined ? undefined : Number(id)
}

/**
 * The claims of the token (RFC 8417), which depend on nothing but the event and its receiver. No `sub` and no `exp`:
 * nobody may take it for an access token.
 */
export function claimsOf(issuer: string, receiver: Receiver, event: SecurityEvent): JsonObject {
  const { at, txn, position, generation } = event
  const iat = Math.floor(at / 1000)
  return {
    iss: issuer,
    jti: jtiOf(receiver.id, event),
    iat,
    aud: receiver.audience,
    txn,
    sub_id: subjectOf(issuer, receiver, event),
    events: { [typeOfEvent(event.event)]: payloadOf(event, iat) },
    // Ours: with it a receiver that knows our tokens refuses exactly those that are meant.
    ...(position && {
      revocation: { ...position, ...(generation !== undefined && { gen: generation }) },
    }),
  }
}

/** RFC 9493; SSF 1.0 section 3. */
function subjectOf(
  issuer: string,
  { id, subjectFormat }: Receiver,
  { accountId, sessionId }: SecurityEvent,
): JsonObject {
  if (accountId === undefined) return { format: 'opaque', id }
  const user = { format: 'iss_sub', iss: issuer, sub: accountId }
  if (sessionId === undefined || subjectFormat === 'iss_sub') return user
  return { format: 'complex', user, session: { format: 'opaque', id: sessionId } }
}

function payloadOf(
  { event, cause, initiator, details = {} }: SecurityEvent,
  iat: number,
): JsonObject {
  if (event === verificationEvent) return details
  const { reason = 'It was decided so', credentialChange = 'update' } = sharedKindOf(cause) ?? {}
  return {
    event_timestamp: iat,
    initiating_entity: initiator,
    reason_admin: { en: reason },
    ...details,
    ...(event === 'credential-change' && {
      credential_type: 'password',
      change_type: credentialChange,
    }),
  }
}
