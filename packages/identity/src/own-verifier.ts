import { issuerMetadataUrl } from '@portcullis/protocol'
import { parseCompactJws } from '@portcullis/protocol/jws'
import type { VerifiedToken } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import type { Keyring } from './domain/keyring.ts'
import type { TokenVerifier } from './http/callers.ts'

/** How identity checks its own tokens: as every service does, with keys that come without a network. */
export interface OwnVerifier {
  /** For tokens that are meant for identity itself. */
  readonly ownTokens: TokenVerifier
  /** For a token of any audience that identity mints for. */
  readonly anyTokens: TokenVerifier
}

export interface OwnVerifierParts {
  readonly issuer: string
  readonly keyring: Pick<Keyring, 'publicJwks'>
  readonly now: () => number
}

/**
 * What was taken back is not looked for here: whoever uses it asks the store, which knows it first
 * (`domain/callers`).
 */
export function createOwnVerifier({ issuer, keyring, now }: OwnVerifierParts): OwnVerifier {
  const jwksUri = `${issuer}/.well-known/jwks.json`
  const own = createVerifier({
    issuer,
    audience: issuer,
    revocation: 'untilExpiry',
    now,
    fetch: async (url) => {
      const isMetadata = url === issuerMetadataUrl(issuer)
      const document = isMetadata ? { issuer, jwks_uri: jwksUri } : keyring.publicJwks()
      return Response.json(document, { headers: { 'cache-control': 'max-age=1' } })
    },
  })
  const verifyForAny = (token: string): Promise<VerifiedToken> =>
    own.withAudience(claimedAudience(token) ?? issuer).verify(token)
  return { ownTokens: own, anyTokens: { audience: issuer, verify: verifyForAny } }
}

/** One that the token says it is for: believed only by a verifier that then checks all the rest. */
function claimedAudience(token: string): string | undefined {
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') return undefined
  const [first]: unknown[] = [jws.payload['aud']].flat()
  return typeof first === 'string' && first !== '' ? first : undefined
}
