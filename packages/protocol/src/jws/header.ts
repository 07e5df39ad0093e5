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

/** `algorithm` is what the caller's map holds under the name. */
export type JudgedKeylessHeader<Known> =
  | { readonly kind: 'header'; readonly algorithm: Known }
  | { readonly kind: 'refused'; readonly why: Exclude<HeaderFault, 'missing-key-id'> }

export type HeaderFault =
  'wrong-type' | 'algorithm-not-allowed' | 'unsupported-extension' | 'missing-key-id'

/** A longer one names no key: it could not be looked for without a limit. */
export const kidCharactersMax = 256

/**
 * Judges a JOSE header by what the caller expects, never by what the header asks for. Keys that ride
 * in the header (`jwk`, `jku`, `x5u`, `x5c`) are not looked at: they cannot become a key here.
 */
export function judgeHeader(
  header: JsonObject,
  { typ, algorithms }: HeaderExpectation,
): JudgedHeader {
  const judged = judgeForm(header, typ, (name) => (algorithms.has(name) ? name : undefined))
  if (judged.kind === 'refused') return judged
  const kid = header['kid']
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > kidCharactersMax) {
    return { kind: 'refused', why: 'missing-key-id' }
  }
  return { kind: 'header', algorithm: judged.algorithm, kid }
}

/** The same for a signature whose key is told elsewhere: a `kid` is neither wanted nor looked at. */
export function judgeKeylessHeader<Known>(
  header: JsonObject,
  expected: { readonly typ: string; readonly algorithms: ReadonlyMap<string, Known> },
): JudgedKeylessHeader<Known> {
  return judgeForm(header, expected.typ, (name) => expected.algorithms.get(name))
}

function judgeForm<Known>(
  header: JsonObject,
  typ: string,
  allowed: (name: string) => Known | undefined,
): JudgedKeylessHeader<Known> {
  if (!isExpectedType(header['typ'], typ)) return { kind: 'refused', why: 'wrong-type' }

  const name = header['alg']
  const algorithm = typeof name === 'string' ? allowed(name) : undefined
  if (algorithm === undefined) return { kind: 'refused', why: 'algorithm-not-allowed' }

  // RFC 7515 section 4.1.11: none of the extensions is understood here, so any `crit` is refused,
  // and so are the two that change what is signed (`b64`, RFC 7797) or how it is packed (`zip`).
  for (const extension of ['crit', 'b64', 'zip']) {
    if (Object.hasOwn(header, extension)) return { kind: 'refused', why: 'unsupported-extension' }
  }
  return { kind: 'header', algorithm }
}

/** RFC 7515 section 4.1.9: a media type, so case does not matter and `application/` may be left out. */
function isExpectedType(typ: unknown, expected: string): boolean {
  if (typeof typ !== 'string') return false
  const mediaType = typ.toLowerCase()
  return mediaType === expected || mediaType === `application/${expected}`
}
