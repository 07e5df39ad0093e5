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

/** Ample for a page of an application; the schemas of the queries say the same. */
const returnTargetCharactersMax = 2048

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
  const base = text.startsWith('/') && !text.startsWith('//') ? own : undefined
  const origin = base ?? [own, ...allowedOrigins].find((one) => isAt(one, text))
  if (origin === undefined) return undefined
  const url = URL.parse(text, base)
  if (url?.origin !== origin || misleading.test(decodeURIComponent(url.pathname))) return undefined
  return { url: url.href, origin }
}

/** Without spaces, control characters, backslashes and whatever is no ASCII, none of which a URL has. */
const printable = /^[!-[\]-~]+$/
/** What programs that take escapes away too early would read as another host, or as the end of a line. */
const misleading = /^\/[\\/]|[\\\p{Cc}]/u

/** Letter by letter: `https://shop.example` and not `https://shop.example.evil` or `https:shop.example`. */
function isAt(origin: string, text: string): boolean {
  return text === origin || ['/', '?', '#'].some((next) => text.startsWith(`${origin}${next}`))
}
