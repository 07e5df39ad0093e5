import { isScopeToken } from '@portcullis/protocol'
import { demand, rejectUnknown, requireExactUrl, requireObject } from './option-checks.ts'

/** What the metadata of a service is made of. */
export interface ResourceMetadataOptions {
  /** The address of this service as clients know it: an https URL, http on loopback only. */
  readonly resource: string
  /** Whose tokens count here: a verifier of one issuer or of several, or what names issuers as one does. */
  readonly verifier: IssuerOf | readonly IssuerOf[]
  /** Scopes that clients may want for this service; not necessarily all. */
  readonly scopes?: readonly string[]
}

/** The part of a verifier that the metadata needs. */
export type IssuerOf = ({ readonly issuer: string } | { readonly issuers: readonly string[] }) & {
  /** What DPoP proofs may be signed with. Default: none are taken. */
  readonly dpopAlgorithms?: readonly string[]
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
    readonly dpop_signing_alg_values_supported?: readonly string[]
  }
}

/**
 * The metadata of a protected resource (RFC 9728 section 2), which tells a client where to get a token
 * for it. Served as JSON under `path`, without authentication. Throws a TypeError for an option that
 * is unknown or wrong.
 */
export function resourceMetadata(options: ResourceMetadataOptions): ResourceMetadata {
  const { resource, verifier, scopes, ...unknown } = requireObject(options, 'options')
  rejectUnknown(unknown)
  const { origin, pathname } = new URL(requireExactUrl(resource, 'resource'))
  // Section 3.1: between the host and the path of the resource.
  const path = `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
  const verifiers = [verifier].flat()
  const issuers = listOf(verifiers.flatMap(issuersOf))
  demand(issuers.length > 0, 'verifier', 'must name a verifier')
  const areScopes = scopes === undefined || (Array.isArray(scopes) && scopes.every(isScopeToken))
  demand(areScopes, 'scopes', 'must be a list of scopes without spaces and quotes')
  const algorithms = listOf(verifiers.flatMap(({ dpopAlgorithms = [] }) => dpopAlgorithms))
  const document = Object.freeze({
    resource,
    authorization_servers: issuers,
    ...(scopes === undefined ? {} : { scopes_supported: Object.freeze([...scopes]) }),
    bearer_methods_supported: Object.freeze(['header']),
    ...(algorithms.length === 0 ? {} : { dpop_signing_alg_values_supported: algorithms }),
  })
  return Object.freeze({ url: `${origin}${path}`, path, document })
}

function issuersOf(verifier: IssuerOf): readonly string[] {
  requireObject(verifier, 'option "verifier"')
  const issuers: unknown = 'issuers' in verifier ? verifier.issuers : [verifier.issuer]
  const areTexts = Array.isArray(issuers) && issuers.every(isText)
  demand(areTexts, 'verifier', 'must name its issuer, or its issuers, as texts')
  return issuers
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Each once. */
function listOf(names: readonly string[]): readonly string[] {
  return Object.freeze([...new Set(names)])
}
