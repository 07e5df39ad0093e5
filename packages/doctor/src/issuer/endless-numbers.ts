import type { JsonObject } from '@portcullis/protocol'

/** In base64url. The largest keys that are in use have 16384 bits, the largest points 528. */
const charactersMax: ReadonlyMap<string, number> = new Map([
  ['n', 2736],
  // NIST SP 800-56B section 6.2: less than 256 bits.
  ['e', 43],
  ['x', 88],
  ['y', 88],
])

/** OpenSSL takes minutes for a key with numbers of some hundred thousand digits. */
export function hasEndlessNumbers(jwk: JsonObject): boolean {
  return [...charactersMax].some(([name, max]) => {
    const value = jwk[name]
    return typeof value === 'string' && value.length > max
  })
}
