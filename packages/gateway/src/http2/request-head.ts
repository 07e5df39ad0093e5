import { METHODS } from 'node:http'

/** The header of an HTTP/2 request as HTTP/1.1 would have brought it. */
export interface RequestHead {
  readonly method: string
  readonly target: string
  /** Name, value, name, value … */
  readonly rawHeaders: string[]
  /** Why it is no request; undefined where it is one. */
  readonly fault: string | undefined
}

/**
 * Reads what node:http2 has made of a header block (RFC 9113 section 8.3). Stands behind nghttp2, which has refused
 * already: pseudo-header fields that are missing, repeated, unknown or late, upper case, connection-specific fields,
 * repeated or malformed lengths, CR, LF and NUL in values. The host is that of `:authority`, and crumbs of cookies are
 * one field (section 8.2.3).
 */
export function readRequestHead(received: readonly string[]): RequestHead {
  const pseudo = new Map<string, string>()
  const rawHeaders: string[] = []
  const hosts: string[] = []
  const crumbs: string[] = []
  const faults: string[] = []
  for (let at = 0; at + 1 < received.length; at += 2) {
    const name = received[at] ?? ''
    const value = received[at + 1] ?? ''
    if (name.startsWith(':')) {
      if (pseudo.has(name) || !pseudoFields.has(name)) faults.push('a pseudo-header field is wrong')
      pseudo.set(name, value)
    } else if (name === 'host') {
      hosts.push(value)
    } else if (name === 'cookie') {
      crumbs.push(value)
    } else {
      if (isOfConnection(name, value)) faults.push(`${name} is not for HTTP/2`)
      rawHeaders.push(name, value)
    }
  }
  if (crumbs.length > 0) rawHeaders.push('cookie', crumbs.join('; '))
  const authority = pseudo.get(':authority')
  // Section 8.3.1: the two must say the same. More than one Host is refused as everywhere.
  if (authority !== undefined && hosts.some((host) => host !== authority)) {
    faults.push('Host is not :authority')
  }
  for (const host of authority === undefined ? hosts : [authority]) rawHeaders.unshift('host', host)
  const method = pseudo.get(':method') ?? ''
  if (!methods.has(method)) faults.push('this method is not served')
  if (pseudo.get(':scheme') !== 'https') faults.push(':scheme is not https')
  return { method, target: pseudo.get(':path') ?? '', rawHeaders, fault: faults[0] }
}

const pseudoFields: ReadonlySet<string> = new Set([':authority', ':method', ':path', ':scheme'])

/** Those that the parser of HTTP/1.1 knows; `CONNECT` is not served there either. */
const methods: ReadonlySet<string> = new Set(METHODS.filter((method) => method !== 'CONNECT'))

/** RFC 9113 section 8.2.2. */
function isOfConnection(name: string, value: string): boolean {
  return connectionFields.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')
}

const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
