import { createVerifier } from 'fast-jwt'
import type { ProxyTrust } from './proxy-trust.ts'

/** As a proxy has it; `cache` is how many tokens it remembers. */
export function fastJwtVerifier(
  { key, issuer, audience }: ProxyTrust,
  cache: number | false,
): (token: string) => unknown {
  return createVerifier({
    key,
    algorithms: ['RS256'],
    allowedIss: issuer,
    allowedAud: audience,
    cache,
  })
}
