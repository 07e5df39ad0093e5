import type { JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { kidCharactersMax, parseVerificationKey } from '@portcullis/protocol/jws'

/** A present key and the next one, of every kind that somebody may need. */
const clientKeysMax = 8

export type ParsedClientKeys =
  | { readonly kind: 'keys'; readonly keys: readonly JsonObject[] }
  | { readonly kind: 'unfit'; readonly fault: string }

/**
 * Reads a JWK Set (RFC 7517 section 5) of public keys that a client signs its assertions with. It is given and never
 * fetched: a `jwks_uri` would let whoever may register a client send identity to any address (CVE-2026-1180).
 */
export function parseClientKeys(jwks: JsonObject): ParsedClientKeys {
  const { keys } = jwks
  if (!Array.isArray(keys)) return unfit('has no member keys with the public keys')
  const entries = keys as readonly (JsonValue | undefined)[]
  if (entries.length < 1 || entries.length > clientKeysMax) {
    return unfit(`must have 1 to ${clientKeysMax} keys`)
  }
  const faults = entries.map(faultOf)
  const first = faults.findIndex((fault) => fault !== undefined)
  if (first >= 0) return unfit(`has a key (${first}) that cannot be used: ${faults[first] ?? ''}`)
  const kept = entries.filter((entry) => isJsonObject(entry)).map(publicMembersOf)
  const kids = kept.flatMap(({ kid }) => (kid === undefined ? [] : [kid]))
  return new Set(kids).size === kids.length
    ? { kind: 'keys', keys: kept }
    : unfit('has two keys of the same kid')
}

function faultOf(jwk: JsonValue | undefined): string | undefined {
  if (!isJsonObject(jwk)) return 'it is not an object'
  const { kid = 'none' } = jwk
  if (typeof kid !== 'string' || kid.length > kidCharactersMax) return 'its kid is no name'
  const parsed = parseVerificationKey({ ...jwk, kid })
  return parsed.kind === 'unusable' ? parsed.why : undefined
}

const keptMembers = new Set(['kty', 'crv', 'n', 'e', 'x', 'y', 'alg', 'kid'])

function publicMembersOf(jwk: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => keptMembers.has(name)))
}

function unfit(fault: string): ParsedClientKeys {
  return { kind: 'unfit', fault }
}
