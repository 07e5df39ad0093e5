import { issuerMetadataUrl } from '@portcullis/protocol'
import { algorithms } from '@portcullis/protocol/jws'
import type { Keyring } from '../domain/keyring.ts'
import type { Registry } from '../domain/registry.ts'
import { issuerAudience } from '../domain/registry.ts'
import { clientAuthenticationMethods } from './client-authentication.ts'
import type { KeyProofJudge } from '@portcullis/verify/dpop'
import { sendDocument } from './cacheable-document.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { ssfConfigurationOf, ssfConfigurationPath } from './ssf-configuration.ts'
import { supportedGrantTypes } from './token.ts'
import type { HttpServer } from './server.ts'

export interface DocumentParts {
  readonly registry: Registry
  readonly keyring: Pick<Keyring, 'publicJwks' | 'publicFeedJwks'>
  readonly jwksMaxAgeSeconds: number
  readonly proofJudge: Pick<KeyProofJudge, 'algorithms'>
}

/**
 * The public documents: the key set (RFC 7517), that of the revocation feed, which is apart so that
 * neither kind of key verifies what the other has signed, the issuer's metadata (RFC 8414), and that of its security
 * events (SSF 1.0 section 7).
 */
export function addDocuments(app: HttpServer, parts: DocumentParts): void {
  const { registry, keyring, jwksMaxAgeSeconds, proofJudge } = parts
  const metadata = metadataOf(registry, proofJudge)
  const add = (path: string, documentOf: () => object): void => {
    app.get(path, { config: { requestHeaders: ['if-none-match'] } }, (request, reply) =>
      sendDocument(request, reply, documentOf(), jwksMaxAgeSeconds),
    )
  }
  add(pathAtIssuer(registry.issuer, '/.well-known/jwks.json'), keyring.publicJwks)
  add(pathAtIssuer(registry.issuer, '/.well-known/revocation-keys.json'), keyring.publicFeedJwks)
  add(new URL(issuerMetadataUrl(registry.issuer)).pathname, () => metadata)
  const ssfConfiguration = ssfConfigurationOf(registry.issuer)
  add(ssfConfigurationPath(registry.issuer), () => ssfConfiguration)
}

/** It names exactly what exists: a client that finds it here can use it. */
function metadataOf(
  registry: Registry,
  { algorithms: proofAlgorithms }: Pick<KeyProofJudge, 'algorithms'>,
): object {
  const { issuer } = registry
  const scopes = [...registry.audiences.values(), issuerAudience].flatMap(
    (audience) => audience.scopes,
  )
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    revocation_feed: {
      snapshot: `${issuer}/revocations/snapshot`,
      stream: `${issuer}/revocations/stream`,
      keys: `${issuer}/.well-known/revocation-keys.json`,
      positions: `${issuer}/revocations/positions`,
    },
    grant_types_supported: supportedGrantTypes,
    // Required by RFC 8414 section 2, and empty without an authorization endpoint.
    response_types_supported: [],
    scopes_supported: [...new Set(scopes)],
    // `none`: public clients refresh and revoke without a secret.
    ...authenticationAt('token', [...clientAuthenticationMethods, 'none']),
    ...authenticationAt('revocation', [...clientAuthenticationMethods, 'none']),
    ...authenticationAt('introspection', clientAuthenticationMethods),
    // RFC 9449 section 5.1.
    dpop_signing_alg_values_supported: proofAlgorithms,
  }
}

/** RFC 8414 section 2 wants the algorithms wherever assertions are taken. */
function authenticationAt(
  endpoint: 'token' | 'revocation' | 'introspection',
  methods: readonly string[],
): object {
  return {
    [`${endpoint}_endpoint_auth_methods_supported`]: methods,
    [`${endpoint}_endpoint_auth_signing_alg_values_supported`]: [...algorithms.keys()],
  }
}
