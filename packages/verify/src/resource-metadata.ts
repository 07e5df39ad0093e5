import { isScopeToken } from '@portcullis/protocol'
import type { Auth } from './authorization-header.ts'
import { rejectUnknown, requireExactUrl } from './closed-options.ts'

/** What the metadata of a service is made of. */
export interface ResourceMetadataOptions {
  /** The address of this service as clients know it: an https URL, http on loopback only. */
  readonly resource: string
  /** Whose tokens count here. */
  readonly verifier: IssuerOf | readonly IssuerOf[]
  /** Scopes that clients may want for this service; not necessarily all. */
  readonly scopes?: readonly string[]
}

export interface IssuerOf {
  readonly issuer: string
}

/** The metadata of a service (RFC 9728 section 2), and where it belongs. */
export interface ResourceMetadata {
  /** Where the document belongs, for the option `resourceMetadata` of `authenticate`. */
  readonly url: string
  /** The path of that address. */
  readonly path: string
  readonly document: {
    readonly resource: string
    readonly authorization_servers: readonly string[]
    readonly scopes_supported?: readonly string[]
    readonly bearer_methods_supported: readonly string[]
  }
}

/**
 * The metadata of a protected resource (RFC 9728 section 2), which tells a client where to get a token
 * for it. Served as JSON under `path`, without authentication. Throws a TypeError for an option that
 * is unknown or wrong.
 */
export function resourceMetadata({
  resource,
  verifier,
  scopes,
  ...unknown
}: ResourceMetadataOptions): ResourceMetadata {
  rejectUnknown(unknown)
  const { origin, pathname } = new URL(requireExactUrl(resource, 'resource'))
  // Section 3.1: between the host and the path of the resource.
  const path = `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
  const issuers = new Set([verifier].flat().map(({ issuer }) => issuer))
  if (issuers.size === 0) throw new TypeError('option "verifier" must name a verifier')
  if (scopes !== undefined && !scopes.every(isScopeToken)) {
    throw new TypeError('option "scopes" must be scopes without spaces, quotes or backslashes')
  }
  return {
    url: `${origin}${path}`,
    path,
    document: {
      resource,
      authorization_servers: [...issuers],
      ...(scopes === undefined ? {} : { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
    },
  }
}

/** Requirements know only who calls; their challenges need the address too (section 5.1). */
const metadataUrls = new WeakMap<Auth, string>()

export function rememberMetadataUrl(auth: Auth, url: string): void {
  metadataUrls.set(auth, url)
}

export function metadataUrlOf(auth: Auth): string | undefined {
  return metadataUrls.get(auth)
}
