import type { JsonObject } from '@portcullis/protocol'
import { parseCompactJws } from '@portcullis/protocol/jws'
import { DoctorError } from '../doctor-error.ts'
import type { FaultId, Seen } from './faults.ts'

/** What a token of the issuer costs and promises; nothing of it identifies anybody. */
export interface TokenFacts {
  readonly bytes: number
  readonly lifetimeSeconds: number | undefined
  readonly alg: string
  readonly typ: string | undefined
}

export interface TokenFaults {
  readonly facts: TokenFacts
  readonly seen: readonly Seen[]
}

const bytesMax = 4096
const lifetimeSecondsMax = 3600
const requiredClaims = ['iss', 'sub', 'client_id', 'iat', 'jti']

/** Looks at a token of this issuer. Does NOT verify its signature. */
export function faultsOfToken(
  text: string,
  issuer: string,
  kids: readonly (string | undefined)[],
): TokenFaults {
  const token = text.trim()
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') {
    const remedy = 'Give the access token alone; opaque and encrypted tokens tell nothing.'
    throw new DoctorError('usage', 'what was given is not a signed JWT in compact form', remedy)
  }
  const { header, payload } = jws
  const facts: TokenFacts = {
    bytes: token.length,
    lifetimeSeconds: lifetimeOf(payload),
    alg: typeof header['alg'] === 'string' ? header['alg'] : '',
    typ: typeof header['typ'] === 'string' ? header['typ'] : undefined,
  }
  const missing = requiredClaims.filter((name) => payload[name] === undefined)
  const found: readonly (readonly [FaultId, boolean, string])[] = [
    ['token-of-another', payload['iss'] !== issuer, 'iss'],
    ['token-key-unknown', !kids.some((kid) => kid === header['kid']), 'kid'],
    ['token-algorithm', facts.alg === 'none' || facts.alg.startsWith('HS'), `alg ${facts.alg}`],
    ['token-no-expiry', typeof payload['exp'] !== 'number', 'exp'],
    [
      'token-lives-long',
      (facts.lifetimeSeconds ?? 0) > lifetimeSecondsMax,
      `${facts.lifetimeSeconds} s`,
    ],
    ['token-large', facts.bytes > bytesMax, `${facts.bytes} bytes`],
    ['token-type', !isAccessTokenType(facts.typ), `typ ${String(facts.typ)}`],
    ['token-no-audience', payload['aud'] === undefined, 'aud'],
    ['token-claims', missing.length > 0, missing.join(', ')],
  ]
  const seen = found.filter(([, isThere]) => isThere)
  return { facts, seen: seen.map(([fault, , where]) => ({ fault, where })) }
}

function lifetimeOf({ exp, iat }: JsonObject): number | undefined {
  return typeof exp === 'number' && typeof iat === 'number' ? exp - iat : undefined
}

function isAccessTokenType(typ: string | undefined): boolean {
  return typ?.toLowerCase().replace(/^application\//, '') === 'at+jwt'
}
