export type ParsedIssuer =
  | { readonly kind: 'issuer'; readonly issuer: string }
  | { readonly kind: 'malformed'; readonly why: string }

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * An issuer identifier (RFC 8414 section 2): an https URL without query and fragment. Plain http is
 * let through on loopback only, for development. Written exactly as it will be compared, so a final
 * slash, an upper-case host or a default port is refused instead of quietly normalised.
 */
export function parseIssuer(text: string): ParsedIssuer {
  const url = URL.parse(text)
  if (url === null) return malformed('it is not a URL')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return malformed('it must be https')
  if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) {
    return malformed('plain http is for loopback only; use https')
  }
  if (url.username !== '' || url.password !== '') return malformed('it must not hold user info')
  if (/[?#]/.test(text)) return malformed('it must have no query and no fragment')
  if (text.endsWith('/')) return malformed('it must not end with a slash')
  const canonical = url.pathname === '/' ? url.origin : `${url.origin}${url.pathname}`
  if (text !== canonical) return malformed(`write it as ${canonical}`)
  return { kind: 'issuer', issuer: text }
}

/** RFC 8414 section 3: the well-known part goes between the host and the issuer's own path. */
export function issuerMetadataUrl(issuer: string): string {
  const url = new URL(issuer)
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}/.well-known/oauth-authorization-server${path}`
}

function malformed(why: string): ParsedIssuer {
  return { kind: 'malformed', why }
}
