/** The one address that is attacked; nothing is sent to another. */
export interface Target {
  /** As the operator wrote it. */
  readonly url: string
  readonly origin: string
  readonly isSecure: boolean
  readonly host: string
  readonly hostname: string
  readonly port: number
  /** Path and query. */
  readonly path: string
  readonly method: string
}

/** Throws a TypeError for what is no address of a web service. */
export function parseTarget(text: string, method = 'GET'): Target {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new TypeError('the address must be a URL that begins with http:// or https://')
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError('the address must not hold user info')
  }
  if (!/^[A-Z]{3,10}$/.test(method)) throw new TypeError('the method must be a word such as GET')
  const isSecure = url.protocol === 'https:'
  return {
    url: `${url.origin}${url.pathname}${url.search}`,
    origin: url.origin,
    isSecure,
    host: url.host,
    hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    method,
  }
}
