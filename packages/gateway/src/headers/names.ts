/**
 * What a service may end up calling a header. CGI, WSGI, PHP and similar turn each character that
 * is no letter and no digit into the same one, so `X-Auth-Subject`, `x_auth_subject` and
 * `X.Auth.Subject` are one name to them, and are one name here.
 */
export function aliasOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

/** RFC 9110 section 5.6.2. */
export function isHeaderName(name: string): boolean {
  return /^[\w!#$%&'*+\-.^`|~]+$/.test(name)
}

/** Wiped from every request whether or not the file names identity headers at all. */
export const defaultIdentityHeaders: readonly string[] = [
  'X-Auth-Subject',
  'X-Auth-Roles',
  'X-Auth-Scope',
  'X-Auth-Session',
]

/**
 * Ends at the gateway in both directions: RFC 9110 section 7.6.1, and the older headers that speak
 * to the next hop. Tested by alias.
 */
export function isHopByHop(alias: string): boolean {
  return hopByHop.has(alias) || alias === 'proxy' || alias.startsWith('proxy-')
}

/**
 * Headers by which a proxy tells a service where a request came from, or what it was before.
 * None goes on as it came, even where a trusted proxy has sent it: the gateway writes its own. Tested by alias.
 */
export function isForwardingMetadata(alias: string): boolean {
  return (
    forwardingMetadata.has(alias) || forwardingPrefixes.some((prefix) => alias.startsWith(prefix))
  )
}

/**
 * True when the name is one that the gateway or HTTP itself needs, and no identity header may take.
 */
export function isTaken(name: string): boolean {
  const alias = aliasOf(name)
  return isHopByHop(alias) || isForwardingMetadata(alias) || endToEnd.has(alias) || own.has(alias)
}

/**
 * True for a twin of a header that only its own spelling may carry: `Content_Length` is an unknown
 * header to a proxy, and the length of the body to a service behind CGI.
 */
export function isImpostor(name: string, alias: string): boolean {
  return endToEnd.has(alias) && name.toLowerCase() !== alias
}

/** `Connection` cannot remove these, however it names them. */
export function isProtected(lowerCaseName: string): boolean {
  return endToEnd.has(lowerCaseName)
}

export const requestIdHeader = 'X-Request-Id'

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const forwardingMetadata: ReadonlySet<string> = new Set([
  'cf-connecting-ip',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-real-ip',
])

const forwardingPrefixes = ['x-envoy-', 'x-forwarded-', 'x-original-', 'x-rewrite-']

const endToEnd: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'host',
])

const own: ReadonlySet<string> = new Set([
  aliasOf(requestIdHeader),
  'traceparent',
  'tracestate',
  'via',
])
