import { accessTokenType, hasAudience, parseAccessTokenClaims } from '@portcullis/protocol'
import type { CompactJws } from '@portcullis/protocol/jws'
import { judgeHeader } from '@portcullis/protocol/jws'
import type { TokenFault } from '@portcullis/verify'

/** The defaults of `createVerifier`. */
const algorithms: ReadonlySet<string> = new Set(['RS256', 'ES256', 'EdDSA', 'PS256'])
const leewaySeconds = 5
const lifetimeSecondsMax = 3600

/** What a service says of a token for reasons that stand in the token. */
export interface Verdict {
  /** Undefined where nothing in it speaks against it. */
  readonly refusal: TokenFault | undefined
  readonly sentence: string
}

/**
 * What a service of this audience would say that has the defaults, trusts whoever the token names as its issuer, and
 * finds the signature good. Neither the signature nor a revocation is asked for here.
 */
export function verdictOn(
  jws: Pick<CompactJws, 'header' | 'payload'>,
  audience: string | undefined,
  nowMs: number,
): Verdict {
  const header = judgeHeader(jws.header, { typ: accessTokenType, algorithms })
  if (header.kind === 'refused') return { refusal: header.why, sentence: headerFaults[header.why] }
  const parsed = parseAccessTokenClaims(jws.payload)
  if (parsed.kind === 'malformed') {
    return { refusal: 'malformed-claims', sentence: `its ${parsed.claim} is missing or malformed` }
  }
  const { claims } = parsed
  const { exp, iat, nbf = iat, cnf } = claims
  const now = nowMs / 1000
  if (audience !== undefined && !hasAudience(claims, audience)) {
    return { refusal: 'wrong-audience', sentence: `it is not for ${audience}` }
  }
  if (exp <= now - leewaySeconds) {
    return { refusal: 'expired', sentence: `it was over ${spanOf(now - exp)} ago` }
  }
  const beginsAt = Math.max(iat, nbf)
  if (beginsAt > now + leewaySeconds) {
    return { refusal: 'not-yet-valid', sentence: `it begins in ${spanOf(beginsAt - now)}` }
  }
  if (exp <= iat) return { refusal: 'malformed-claims', sentence: 'it was over when it was issued' }
  if (exp - iat > lifetimeSecondsMax) {
    const sentence = `it lives for ${spanOf(exp - iat)}, and ${spanOf(lifetimeSecondsMax)} are let in`
    return { refusal: 'lives-too-long', sentence }
  }
  const left = `nothing in it speaks against it for another ${spanOf(exp - now)}`
  const proof = cnf === undefined ? '' : ', with a proof of the key that it is bound to'
  return { refusal: undefined, sentence: `${left}${proof}` }
}

const headerFaults = {
  'wrong-type': `its typ is not ${accessTokenType}: it is no access token (RFC 9068 section 4)`,
  'algorithm-not-allowed': `its alg is none of ${[...algorithms].join(', ')}`,
  'unsupported-extension': 'it wants an extension to be understood (crit, b64 or zip)',
  'missing-key-id': 'it names no key (kid)',
}

function spanOf(seconds: number): string {
  const rounded = Math.round(seconds)
  if (rounded < 120) return `${rounded} s`
  if (rounded < 7200) return `${Math.round(rounded / 60)} min`
  return `${Math.round(rounded / 3600)} h`
}
