import type { JsonObject } from '../json.ts'

export interface HeaderExpectation {
  /** The media type without `application/`, lower case: `at+jwt` (RFC 9068 section 2.1). */
  readonly typ: string
  /** By name (RFC 7518 section 3.1). The caller's list decides, and nothing that is known here. */
  readonly algorithms: ReadonlySet<string>
}

export type JudgedHeader =
  | { readonly kind: 'header'; readonly algorithm: string; readonly kid: string }
  | { readonly kind: 'refused'; readonly why: HeaderFault }

export type HeaderFault =
  'wrong-type' | 'algorithm-not-allowed' | 'unsupported-extension' | 'missing-key-id'

/** A longer one names no key: it could not be looked for without a limit. */
export const kidCharactersMax = 256

/**
 * Judges a JOSE header by what the caller expects, never by what the header asks for. Keys that ride
 * in the header (`jwk`, `jku`, `x5u`, `x5c`) are not looked at: they cannot become a key here.
 */
export function judgeHeader(header: JsonObject, expected: HeaderExpectation): JudgedHeader {
  if (!isExpectedType(header['typ'], expected.typ)) return refused('wrong-type')

  const algorithm = header['alg']
  if (typeof algorithm !== 'string' || !expected.algorithms.has(algorithm)) {
    return refused('algorithm-not-allowed')
  }

  // RFC 7515 section 4.1.11: none of the extensions is understood here, so any `crit` is refused,
  // and so are the two that change what is signed (`b64`, RFC 7797) or how it is packed (`zip`).
  for (const extension of ['crit', 'b64', 'zip']) {
    if (Object.hasOwn(header, extension)) return refused('unsupported-extension')
  }

  const kid = header['kid']
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > kidCharactersMax) {
    return refused('missing-key-id')
  }
  return { kind: 'header', algorithm, kid }
}

/** RFC 7515 section 4.1.9: a media type, so case does not matter and `application/` may be left out. */
function isExpectedType(typ: unknown, expected: string): boolean {
  if (typeof typ !== 'string') return false
  const mediaType = typ.toLowerCase()
  return mediaType === expected || mediaType === `application/${expected}`
}

function refused(why: HeaderFault): JudgedHeader {
  return { kind: 'refused', why }
}
