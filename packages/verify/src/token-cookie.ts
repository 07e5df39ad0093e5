import { demand, rejectUnknown, requireObject, requireOrigin } from './option-checks.ts'
import type { PresentedRequest } from './presented-request.ts'
import { VerifyError } from './verify-error.ts'

/** A cookie that carries the access token, for services that serve browsers themselves. */
export interface CookieOptions {
  /** Begins with `__Host-`, so that no other host of the domain can have set it. */
  readonly name: string
  /** The origins whose pages may call with the cookie, compared exactly with `Origin`. */
  readonly origin: string | readonly string[]
}

export interface TokenCookie {
  /** The values of all cookies of that name. */
  readonly values: (request: PresentedRequest) => readonly string[]
  /** Throws `invalid-request` for a second value, `cross-origin` where a proof of origin is missing. */
  readonly tokenOf: (request: PresentedRequest, values: readonly string[], realm: string) => string
}

/** Throws a TypeError for a name without the prefix, for what is no origin, and for no origin. */
export function parseCookieOptions(options: CookieOptions): TokenCookie {
  const { name, origin, ...unknown } = requireObject(options, 'option "cookie"')
  rejectUnknown(unknown, 'cookie.')
  // RFC 6265 section 4.1.1: a name is a token; browsers enforce the prefix only where it is spelled so.
  const isName = typeof name === 'string' && /^__Host-[\w!#$%&'*+\-.^`|~]+$/.test(name)
  demand(isName, 'cookie.name', 'must be a cookie name that begins with __Host-')
  const origins = new Set([origin].flat().map((one) => requireOrigin(one, 'cookie.origin')))
  demand(origins.size > 0, 'cookie.origin', 'must name an origin')
  return {
    values: (request) => request.fieldValues('cookie').flatMap((field) => valuesIn(field, name)),
    tokenOf: (request, [value = '', ...others], realm) => {
      if (others.length > 0) {
        const description = 'more than one cookie could be the access token'
        throw new VerifyError('invalid-request', description, { realm })
      }
      if (isFromOwnPage(request, origins)) return value
      const description = 'a cookie counts only on requests that a page of this application sends'
      throw new VerifyError('cross-origin', description)
    },
  }
}

/**
 * RFC 6265 section 4.2.1. Only the space after a semicolon is taken away: white space that a server
 * strips and a browser does not would let another cookie pass for the one with the prefix.
 */
function valuesIn(field: string, name: string): readonly string[] {
  return field
    .split(';')
    .map((pair) => pair.replace(/^[ \t]+/, ''))
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
}

/**
 * RFC 9110 section 9.2.1, without TRACE, which no page can send. A GET that asks for an upgrade is
 * none: a page of any origin may open a WebSocket and write to it (RFC 6455 section 10.2).
 */
function isSafe({ method, fieldValues }: PresentedRequest): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(method) && fieldValues('upgrade').length === 0
}

/**
 * Browsers add both fields by themselves, and no page can change them. A page of another origin that is to
 * read an answer sends its `Origin` also with GET, so that counts for every method.
 */
function isFromOwnPage(request: PresentedRequest, origins: ReadonlySet<string>): boolean {
  const [origin, ...others] = request.fieldValues('origin')
  if (origin !== undefined) return others.length === 0 && origins.has(origin)
  if (isSafe(request)) return true
  const sites = request.fieldValues('sec-fetch-site')
  return sites.length === 1 && sites[0] === 'same-origin'
}
