import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { VerificationKey } from '@portcullis/protocol/jws'
import { parseVerificationKey } from '@portcullis/protocol/jws'

/** Three to five are usual: pending, active, retiring, and a second algorithm. */
const keysMax = 32

/**
 * Reads a JWK Set (RFC 7517 section 5) into keys by `kid`. An entry that is unusable is left out and
 * the others stay; a `kid` that stands there twice is left out altogether, because it is not clear
 * which of the two was meant. Undefined when this is no key set, is too long, or leaves no key to use.
 */
export function parseKeySet(
  document: JsonObject,
): ReadonlyMap<string, VerificationKey> | undefined {
  const entries = document['keys']
  if (!Array.isArray(entries) || entries.length > keysMax) return undefined
  const keys = new Map<string, VerificationKey>()
  for (const entry of entries) {
    const parsed = parseVerificationKey(entry)
    if (parsed.kind === 'key' && occurrences(parsed.key.kid, entries) === 1) {
      keys.set(parsed.key.kid, parsed.key)
    }
  }
  return keys.size === 0 ? undefined : keys
}

function occurrences(kid: string, entries: readonly unknown[]): number {
  return entries.filter((entry) => isJsonObject(entry) && entry['kid'] === kid).length
}
