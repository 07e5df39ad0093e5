export { createVerifier } from './create-verifier.ts'
export type { SeveralVerifiers, Verifier } from './verifier.ts'
export type { VerifiedToken } from './verified-token.ts'
export type { RevocationOptions, SharedSecret, VerifierOptions } from './options.ts'
export type { StandardSchemaV1 } from './own-claims.ts'
export type { PresentedRequestProof } from './dpop/proof-claims.ts'
export type { ProofFault } from './dpop/proof-fault.ts'
export type { RevocationFault } from './revocation/rule.ts'
export type { NewRevocation } from './revocation/news.ts'
export type { RevocationHealth } from './revocation/revocation.ts'
export type { TokenWatch } from './revocation/watch.ts'
export type { VerifierWarning } from './warnings.ts'
export type { ClientCredential } from './issuer/client-credential.ts'
export type { Fetch } from './issuer/http-json.ts'
export { authenticateRequest } from './authenticate-request.ts'
export type { AuthenticateOptions } from './authenticate-request.ts'
export { authenticateHeader, authorizationFields } from './authorization-header.ts'
export type { Auth, RequestVerifier } from './authorization-header.ts'
export { rawFieldValues } from './presented-request.ts'
export type { PresentedRequest } from './presented-request.ts'
export type { CookieOptions } from './token-cookie.ts'
export {
  hasRole,
  hasScope,
  requireFresh,
  requireRecentAuth,
  requireRole,
  requireScope,
} from './requirements.ts'
export type { FreshOptions, RecentAuthOptions, Requirement } from './requirements.ts'
export { resourceMetadata } from './resource-metadata.ts'
export type { ResourceMetadata, ResourceMetadataOptions } from './resource-metadata.ts'
export { problemOf, responseHeadersOf, VerifyError } from './verify-error.ts'
export type { VerifyErrorCode, VerifyErrorFacts } from './verify-error.ts'
export type { ClaimsFault, TokenFault } from './access-token.ts'
