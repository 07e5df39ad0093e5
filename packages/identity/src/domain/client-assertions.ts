import { createHash } from 'node:crypto'
import type { JsonObject } from '@portcullis/protocol'
import type { CompactJws } from '@portcullis/protocol/jws'
import {
  algorithms,
  judgeKeylessHeader,
  parseCompactJws,
  parsePublicKey,
} from '@portcullis/protocol/jws'
import type { Client } from './clients.ts'

/** A client assertion (RFC 7523) that was read, and of which nothing is believed yet. */
export interface ClientAssertion {
  /** Both `iss` and `sub`: whom it says it is from. */
  readonly subject: string
  readonly jws: CompactJws
}

/** What a good assertion uses up. */
export interface AssertionUse {
  readonly key: string
  readonly untilMs: number
}

/**
 * Judged one after the other, since a kind that is named must be one of these: tokens of ours (`at+jwt`), proofs of
 * possession (`dpop+jwt`), logout tokens and whatever else a client signs for others are no assertions (RFC 8725 section
 * 3.11). The second is of draft-ietf-oauth-rfc7523bis; most clients say `JWT` or nothing.
 */
const types = ['jwt', 'client-authentication+jwt']

/** It is sent at once, so it need not live long; and what lives is remembered for as long. */
const lifeSecondsMax = 300
/** As far as the clocks of clients may be off, as everywhere. */
const leewaySeconds = 5
/** A longer name is not there to be unique. */
const jtiCharactersMax = 256

export function readAssertion(text: string): ClientAssertion | undefined {
  const jws = parseCompactJws(text)
  if (jws.kind === 'malformed') return undefined
  const { iss, sub } = ownClaims(jws)
  return typeof sub === 'string' && sub === iss ? { subject: sub, jws } : undefined
}

/**
 * Judges it by the keys of the client it names. Undefined when it does not count. Whether it was used before is for the
 * caller to ask.
 */
export function judgeAssertion(
  { jws }: ClientAssertion,
  client: Pick<Client, 'id' | 'keys'>,
  at: { readonly issuer: string; readonly nowSeconds: number },
): AssertionUse | undefined {
  if (!isSignedBy(jws, client.keys)) return undefined
  const { aud, exp, iat, nbf, jti } = ownClaims(jws)
  // Exactly this issuer and nobody else, not even the URL of an endpoint (draft-ietf-oauth-rfc7523bis section 4): an
  // assertion for two could be used by one of them at the other.
  if (aud !== at.issuer) return undefined
  const latest = at.nowSeconds + leewaySeconds
  const earliest = at.nowSeconds - leewaySeconds - lifeSecondsMax
  const isTimely =
    isSeconds(exp) &&
    exp > at.nowSeconds - leewaySeconds &&
    exp <= latest + lifeSecondsMax &&
    (iat === undefined || (isSeconds(iat) && iat <= latest && iat > earliest)) &&
    (nbf === undefined || (isSeconds(nbf) && nbf <= latest))
  if (!isTimely || typeof jti !== 'string' || jti === '' || jti.length > jtiCharactersMax) {
    return undefined
  }
  const name = createHash('sha256').update(jti).digest('base64url')
  return { key: `${client.id}.${name}`, untilMs: (exp + leewaySeconds) * 1000 }
}

/** By the key that it names, or else by any that fits: a client has eight at most. */
function isSignedBy(jws: CompactJws, keys: readonly JsonObject[]): boolean {
  const header = types
    .map((typ) => judgeKeylessHeader({ typ: 'JWT', ...jws.header }, { typ, algorithms: byName }))
    .find(({ kind }) => kind === 'header')
  if (header?.kind !== 'header') return false
  const { algorithm } = header
  const kid = jws.header['kid']
  const candidates = kid === undefined ? keys : keys.filter((key) => key['kid'] === kid)
  return candidates.some((jwk) => {
    const key = parsePublicKey(jwk, algorithm)
    return key.kind === 'key' && algorithm.verify(key.publicKey, jws.signingInput, jws.signature)
  })
}

const byName: ReadonlyMap<string, NonNullable<ReturnType<(typeof algorithms)['get']>>> = algorithms

/** Own members only: nothing arrives through a prototype. */
function ownClaims({ payload }: CompactJws): JsonObject {
  return { __proto__: null, ...payload }
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
