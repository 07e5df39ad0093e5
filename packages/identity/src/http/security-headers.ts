/** One year, as browsers' preload lists ask for. */
const transportSecuritySeconds = 31_536_000

/**
 * What stands on every answer, whoever writes it. Nothing here is a page: no browser has a reason to
 * run, frame, embed or keep any of it. A route that differs sets the same header itself.
 */
export function securityHeaders(issuer: string): ReadonlyMap<string, string> {
  const headers = new Map([
    ['cache-control', 'no-store'],
    ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
    ['cross-origin-resource-policy', 'same-origin'],
    ['referrer-policy', 'no-referrer'],
    ['x-content-type-options', 'nosniff'],
  ])
  // RFC 6797 section 7.2 wants it on secure transport only. The issuer's URL says how browsers come: with
  // https there, a plain last hop behind a proxy is still secure transport for them, and section 8.1
  // has them ignore it on any other way. Not for subdomains, which may be somebody else's.
  if (issuer.startsWith('https:')) {
    headers.set('strict-transport-security', `max-age=${transportSecuritySeconds}`)
  }
  return headers
}
