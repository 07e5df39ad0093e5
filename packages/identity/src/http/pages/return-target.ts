import { isWellEscaped } from '../bodies.ts'

export interface ReturnPlaces {
  readonly issuer: string
  /** Whose pages people may be sent back to. */
  readonly allowedOrigins: readonly string[]
}

/** Where somebody goes on after the sign-in. */
export interface ReturnTarget {
  readonly url: string
  readonly origin: string
}

/** Ample for a page of an application. */
export const returnTargetCharactersMax = 2048

/**
 * Reads `return_to`: a path at the issuer's own origin, or a URL at one of `allowedOrigins`. Undefined for everything
 * else, so that no link to our sign-in leads people to a page that is not ours (ASVS 3.7.2). What is answered is always
 * a whole URL: `/.//evil.example` would become a path that begins with two slashes.
 */
export function parseReturnTarget(
  text: string | undefined,
  { issuer, allowedOrigins }: ReturnPlaces,
): ReturnTarget | undefined {
  if (text === undefined || text.length > returnTargetCharactersMax) return undefined
  if (!printable.test(text) || !isWellEscaped(text)) return undefined
  const { origin: own } = new URL(issuer)
  const isPath = text.startsWith('/') && !text.startsWith('//')
  const url = URL.parse(text, isPath ? own : undefined)
  if (url === null) return undefined
  const { href, origin, pathname } = url
  const isOurs = isPath
    ? origin === own
    : // As it is written, and not as a parser mends it: `https:/shop.example`, `blob:https://shop.example`.
      [own, ...allowedOrigins].includes(origin) && text.startsWith(origin)
  return isOurs && !misleading.test(decodeURIComponent(pathname))
    ? { url: href, origin }
    : undefined
}

/** Without spaces, control characters, backslashes and whatever is no ASCII, none of which a URL has. */
const printable = /^[!-[\]-~]+$/
/** What programs that take escapes away too early would read as another host, or as the end of a line. */
const misleading = /^\/[\\/]|[\\\p{Cc}]/u
