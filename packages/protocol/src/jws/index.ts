export { algorithmNamed, algorithms, isAlgorithmName } from './algorithms.ts'
export type { Algorithm, AlgorithmName } from './algorithms.ts'
export { parseCompactJws } from './compact.ts'
export type { CompactJws, JwsFault, MalformedJws } from './compact.ts'
export { judgeHeader, judgeKeylessHeader, kidCharactersMax } from './header.ts'
export type { HeaderExpectation, HeaderFault, JudgedHeader, JudgedKeylessHeader } from './header.ts'
export { parsePublicKey, parseVerificationKey, publicJwk, thumbprintOf } from './jwk.ts'
export type { ParsedJwk, ParsedPublicKey, PublicJwk, VerificationKey } from './jwk.ts'
export {
  sharedSecretAlgorithm,
  sharedSecretBytesMin,
  sharedSecretKey,
  sharedSecretKid,
} from './shared-secret.ts'
