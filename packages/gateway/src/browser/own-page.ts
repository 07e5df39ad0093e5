import type { HeaderField } from '../headers/fields.ts'
import { valuesOf } from '../headers/fields.ts'

export interface PageRequest {
  readonly method: string
  readonly fields: readonly HeaderField[]
  /** As the client has said it, with the port if it says one. */
  readonly host: string
}

/**
 * Whether a request by cookie was sent by a page of this very origin, or by the person. Browsers add these fields
 * by themselves, and no page can change them (RFC 6454 section 7, W3C Fetch Metadata). `SameSite` alone would let in
 * every host of the site.
 *
 * An `Origin` has to be the own one, with every method. Without it, what changes something has to be called
 * same-origin by the browser; what does not may come from the same origin, from the person (`none`), from a browser
 * that says nothing, or be a page that is opened by a link: where it is one of another site, the browser has
 * judged already whether the cookie goes along.
 */
export function isFromOwnPage({ method, fields, host }: PageRequest): boolean {
  const [origin, ...otherOrigins] = valuesOf(fields, 'origin')
  const [site, ...otherSites] = valuesOf(fields, 'sec-fetch-site')
  if (otherOrigins.length > 0 || otherSites.length > 0) return false
  if (origin !== undefined) {
    return isOwnOrigin(origin, host) && (site === undefined || site === 'same-origin')
  }
  if (site === 'same-origin') return true
  if (!safeMethods.has(method)) return false
  return site === undefined || site === 'none' || opensPage(fields)
}

/**
 * True for the origin of a page at this host. It is https, because a cookie that is `Secure` belongs to such pages;
 * on loopback browsers take http for as good. Something in front of the gateway may have taken TLS off.
 */
export function isOwnOrigin(origin: string, host: string): boolean {
  const url = URL.parse(origin)
  if (url === null || url.origin !== origin) return false
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    return false
  }
  return URL.parse(`${url.protocol}//${host}`)?.host === url.host
}

/** RFC 9110 section 9.2.1. */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function opensPage(fields: readonly HeaderField[]): boolean {
  const is = (name: string, wanted: string): boolean => {
    const values = valuesOf(fields, name)
    return values.length === 1 && values[0] === wanted
  }
  return is('sec-fetch-mode', 'navigate') && is('sec-fetch-dest', 'document')
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d+){3}$/.test(hostname)
  )
}
