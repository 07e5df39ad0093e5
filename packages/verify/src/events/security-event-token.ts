import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { CompactJws } from '@portcullis/protocol/jws'
import { judgeHeader, parseCompactJws } from '@portcullis/protocol/jws'
import type { KeyLookup } from '../issuer/key-source.ts'
import type { ToldEvent } from './told-revocation.ts'

/** RFC 8935 section 2.4. */
export type DeliveryFault =
  | 'invalid_request'
  | 'invalid_key'
  | 'invalid_issuer'
  | 'invalid_audience'
  | 'authentication_failed'

/** Why a delivery is not taken. */
export interface RefusedDelivery {
  readonly kind: 'refused'
  readonly err: DeliveryFault
  readonly description: string
}

/** What a token is judged by. */
export interface EventExpectation {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: ReadonlySet<string>
  readonly leewaySeconds: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly findKey: (kid: string) => Promise<KeyLookup>
  readonly isWithdrawn: (kid: string) => boolean
}

export type OpenedEvent =
  | { readonly kind: 'event'; readonly event: ToldEvent; readonly claims: JsonObject }
  | RefusedDelivery
  /** Nobody can say at the moment. */
  | { readonly kind: 'unavailable'; readonly retryAfterSeconds: number }

/** A clock that is so far behind is waited for: what is refused is not delivered again. */
const aheadSecondsMax = 60

/** Opens a security event token (RFC 8417) in the order of every token here: form, header, key, signature, claims. */
export async function openEventToken(
  token: string,
  expected: EventExpectation,
): Promise<OpenedEvent> {
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') return refused('invalid_request', 'the body is no compact JWS')
  const { algorithms } = expected
  const header = judgeHeader(jws.header, { typ: 'secevent+jwt', algorithms })
  if (header.kind === 'refused') {
    const err = header.why === 'wrong-type' ? 'invalid_request' : 'invalid_key'
    return refused(err, `the header of the token is refused: ${header.why}`)
  }
  // It chooses no key: it only says early, and without a fetch, that it is not for us.
  if (jws.payload['iss'] !== expected.issuer) {
    return refused('invalid_issuer', 'the token is from another issuer')
  }
  const { kid, algorithm } = header
  const found = await expected.findKey(kid)
  if (found.kind === 'unavailable') return found
  const isSigned =
    found.kind === 'key' &&
    found.key.algorithm.name === algorithm &&
    !expected.isWithdrawn(kid) &&
    found.key.algorithm.verify(found.key.publicKey, jws.signingInput, jws.signature)
  if (!isSigned) return refused('invalid_key', 'the token is not signed by a key of its issuer')
  return judgeClaims(jws, expected)
}

function judgeClaims({ payload }: CompactJws, expected: EventExpectation): OpenedEvent {
  const { aud, jti, iat, events, sub_id: subject, toe } = payload
  if (![aud].flat().includes(expected.audience)) {
    return refused('invalid_audience', 'the token is for another audience')
  }
  // SSF 1.0 section 4.1: nothing may look like a token that lets somebody in.
  if (payload['sub'] !== undefined || payload['exp'] !== undefined) {
    return refused('invalid_request', 'an event has neither sub nor exp')
  }
  if (typeof jti !== 'string' || jti === '') return refused('invalid_request', 'jti is missing')
  const [entry, ...others] = isJsonObject(events) ? Object.entries(events) : []
  if (entry === undefined || others.length > 0 || !isJsonObject(entry[1])) {
    return refused('invalid_request', 'events must have one member, which is an object')
  }
  const [type, told] = entry
  const at = firstOf(told['event_timestamp'], toe, iat)
  if (!isTime(iat) || !isTime(at)) {
    return refused('invalid_request', 'iat or the time of the event is missing')
  }
  // A later one would take back tokens that are yet to be minted.
  const aheadSeconds = Math.max(iat, at) - expected.now() / 1000 - expected.leewaySeconds
  if (aheadSeconds > aheadSecondsMax) {
    return refused('invalid_request', 'iat or the time of the event is not over yet')
  }
  if (aheadSeconds > 0) {
    return { kind: 'unavailable', retryAfterSeconds: Math.ceil(aheadSeconds) }
  }
  const event = { type, payload: told, subject: isJsonObject(subject) ? subject : undefined, at }
  return { kind: 'event', event, claims: payload }
}

function firstOf(...values: readonly (JsonValue | undefined)[]): JsonValue | undefined {
  return values.find((value) => value !== undefined)
}

function isTime(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && value >= 0
}

export function refused(err: DeliveryFault, description: string): RefusedDelivery {
  return { kind: 'refused', err, description }
}
