import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { VerificationKey } from '@portcullis/protocol/jws'
import { parseVerificationKey } from '@portcullis/protocol/jws'

/** Undefined when this is no key set, is too long, or leaves no key to use. */
export type KeySetParser = (
  document: JsonObject,
) => ReadonlyMap<string, VerificationKey> | undefined

/** Three to five are usual: pending, active, retiring, and a second algorithm. */
const keysMax = 32

/**
 * Reads JWK Sets (RFC 7517 section 5) into keys by `kid`. An entry that is unusable is left out and
 * the others stay; a `kid` that stands there twice is left out altogether, because it is not clear
 * which of the two was meant.
 *
 * An entry that stood in the set before, letter for letter, is not imported again.
 */
export function createKeySetParser(): KeySetParser {
  let known: ReadonlyMap<string, VerificationKey> = new Map()

  return (document) => {
    const entries = document['keys']
    if (!Array.isArray(entries) || entries.length > keysMax) return undefined
    const keys = new Map<string, VerificationKey>()
    const read = new Map<string, VerificationKey>()
    for (const entry of entries) {
      const text = JSON.stringify(entry)
      const key = known.get(text) ?? keyOf(entry)
      if (key === undefined || occurrences(key.kid, entries) !== 1) continue
      keys.set(key.kid, key)
      read.set(text, key)
    }
    if (keys.size === 0) return undefined
    known = read
    return keys
  }
}

/**
 * The keys, each as the object by which it is known already: what was judged by a key holds as long as
 * the object does, however its entry is written. The same `kid` with other material is another object.
 */
export function withKnownObjects(
  keys: ReadonlyMap<string, VerificationKey>,
  known: ReadonlyMap<string, VerificationKey>,
): ReadonlyMap<string, VerificationKey> {
  return new Map(
    [...keys].map(([kid, key]) => {
      const held = known.get(kid)
      return [kid, held !== undefined && isSameKey(key, held) ? held : key]
    }),
  )
}

/** Of one `kid`, for one algorithm, and with the same public key. */
export function isSameKey(some: VerificationKey, other: VerificationKey): boolean {
  return (
    some.kid === other.kid &&
    some.algorithm.name === other.algorithm.name &&
    some.publicKey.equals(other.publicKey)
  )
}

function keyOf(entry: unknown): VerificationKey | undefined {
  const parsed = parseVerificationKey(entry)
  return parsed.kind === 'key' ? parsed.key : undefined
}

function occurrences(kid: string, entries: readonly unknown[]): number {
  return entries.filter((entry) => isJsonObject(entry) && entry['kid'] === kid).length
}
