export { hasAudience, isScopeToken, parseAccessTokenClaims, scopesOf } from './claims.ts'
export type { AccessTokenClaims, ParsedClaims } from './claims.ts'
export { isJsonObject, parseJsonObject } from './json.ts'
export type { JsonFault, JsonLimits, JsonObject, JsonValue, ParsedJsonObject } from './json.ts'
export { problemCreator, problemMediaType, serviceProblems } from './problems.ts'
export type {
  CreateProblem,
  FieldError,
  Problem,
  ProblemCode,
  ProblemTable,
  ServerProblemCode,
  ServiceProblemCode,
} from './problems.ts'
export { issuerMetadataUrl, parseIssuer } from './issuer.ts'
export type { ParsedIssuer } from './issuer.ts'
export type { RevocationPosition } from './revocations/position.ts'
export { accessTokenType, administratorRole, revocationsScope } from './wire-names.ts'
