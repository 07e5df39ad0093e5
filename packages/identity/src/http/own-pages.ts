import type { IncomingMessage } from 'node:http'
import { rawFieldValues } from '@portcullis/verify'

/** Whose pages may call with the cookie: the issuer's own, and those of origins that the operator names. */
export function originsOfOwnPages(
  issuer: string,
  allowedOrigins: readonly string[],
): ReadonlySet<string> {
  return new Set([new URL(issuer).origin, ...allowedOrigins])
}

/**
 * Whether a page of these origins has sent the request. `SameSite` alone would let in every host of the
 * site. Browsers add both fields by themselves, and no page can change them: the `Origin` (RFC 6454
 * section 7) has to be listed, and where there is none, it is the browser that calls the request
 * same-origin (W3C Fetch Metadata). What says neither is no page that we know.
 */
export function isFromOwnPage(
  { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>,
  origins: ReadonlySet<string>,
): boolean {
  const fieldValues = rawFieldValues(rawHeaders)
  const [origin, ...otherOrigins] = fieldValues('origin')
  const [site, ...otherSites] = fieldValues('sec-fetch-site')
  if (otherOrigins.length > 0 || otherSites.length > 0) return false
  if (origin === undefined) return site === 'same-origin'
  // A browser sends no cookie of ours across sites, so whoever claims to is none.
  return origins.has(origin) && (site === undefined || ownSites.has(site))
}

const ownSites: ReadonlySet<string> = new Set(['same-origin', 'same-site'])
