/** The `host` of a route: exactly one host, on every port or on one. */
export interface RouteHost {
  /** In its one spelling; part of the name of the route in the access log. */
  readonly text: string
}

export type ParsedRouteHost =
  | { readonly kind: 'host'; readonly host: RouteHost }
  | { readonly kind: 'malformed'; readonly why: string }

/** Reads a `host`. Case makes no difference; a name outside ASCII stands there as requests have it. */
export function parseRouteHost(text: string): ParsedRouteHost {
  if (text.includes('*')) return malformed('is exact: there is no *')
  if (!isAscii.test(text)) return malformed('must be written as requests have it (xn--…)')
  if (!isRouteHost.test(text)) return malformed('is not a host such as shop.example or [::1]:8443')
  const { name, port } = spelled(text)
  if (Number(port ?? 0) > 65_535) return malformed('has a port above 65535')
  return { kind: 'host', host: { text: port === undefined ? name : `${name}:${port}` } }
}

/**
 * The hosts of a file that a request could mean, the most specific first: with its port, and without.
 * The port counts as the Host header says it, and one that it does not say is none.
 */
export function hostsOf(host: string): readonly string[] {
  const { name, port } = spelled(host)
  return port === undefined ? [name] : [`${name}:${port}`, name]
}

/** A host has one name in whatever case (RFC 3986 section 3.2.2), and an IPv6 address many spellings. */
function spelled(host: string): { readonly name: string; readonly port: string | undefined } {
  const [, text = '', port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? []
  const lowered = text.toLowerCase()
  const name = lowered.startsWith('[')
    ? (URL.parse(`http://${lowered}`)?.hostname ?? lowered)
    : lowered
  return { name, port: port === undefined ? undefined : String(Number(port)) }
}

const isAscii = /^[\x21-\x7e]*$/
const isRouteHost =
  /^(?:[a-z\d_](?:[\w-]*[a-z\d_])?(?:\.[a-z\d_](?:[\w-]*[a-z\d_])?)*|\[[\da-f:.]+\])(?::\d{1,5})?$/i

function malformed(why: string): ParsedRouteHost {
  return { kind: 'malformed', why }
}
