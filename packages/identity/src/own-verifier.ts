import { issuerMetadataUrl, parseAccessTokenClaims } from '@portcullis/protocol'
import { parseCompactJws, sharedSecretAlgorithm } from '@portcullis/protocol/jws'
import type { Verifier } from '@portcullis/verify'
import { createVerifier, VerifyError } from '@portcullis/verify'
import type { ProofJudge } from '@portcullis/verify/dpop'
import type { IssuedToken, ReadIssuedToken } from './domain/issued-tokens.ts'
import type { Keyring } from './domain/keyring.ts'
import type { SharedSecrets } from './domain/shared-secrets.ts'
import { isEncryptedToken } from './domain/token-encryption.ts'
import type { TokenVerifier } from './http/callers.ts'

/** How identity checks its own tokens: as every service does, with keys that come without a network. */
export interface OwnVerifier {
  /** For tokens that are meant for identity itself. */
  readonly ownTokens: TokenVerifier
  /** The same, for requests that are looked at again and whose proof counted when they came. */
  readonly provenTokens: TokenVerifier
  /** For a token of any audience that identity mints for. */
  readonly anyTokens: TokenVerifier
  readonly readIssuedToken: ReadIssuedToken
}

export interface OwnVerifierParts {
  readonly issuer: string
  readonly keyring: Pick<Keyring, 'publicJwks'>
  readonly sharedSecrets: SharedSecrets | undefined
  readonly now: () => number
  readonly proofJudge: ProofJudge
}

/**
 * What was taken back is not looked for here, keys included: whoever uses it asks the store, which knows it first
 * (`domain/callers`).
 */
export function createOwnVerifier(parts: OwnVerifierParts): OwnVerifier {
  const { issuer, proofJudge } = parts
  const own = createKeyVerifier(parts, proofJudge)
  const { algorithms } = proofJudge
  const provenTokens = createKeyVerifier(parts, { algorithms, judge: async () => alreadyProven })
  const shared = createSharedVerifier(parts)
  const anyTokens: TokenVerifier = {
    audience: issuer,
    dpopAlgorithms: own.dpopAlgorithms,
    verify: async (token, proof) => {
      if (isEncryptedToken(token)) {
        throw new VerifyError('invalid-token', cannotDecrypt, { realm: issuer })
      }
      const claimed = claimsToRead(token)
      const isShared = claimed?.algorithm === sharedSecretAlgorithm
      const verifier = isShared ? (shared ?? own) : own
      return verifier.withAudience(claimed?.audience ?? issuer).verify(token, proof)
    },
  }
  return {
    ownTokens: own,
    provenTokens,
    anyTokens,
    readIssuedToken: (text) => readIssuedToken(anyTokens, text),
  }
}

const alreadyProven = { kind: 'proven', nextNonce: undefined } as const

function createKeyVerifier({ issuer, keyring, now }: OwnVerifierParts, dpop: ProofJudge): Verifier {
  const jwksUri = `${issuer}/.well-known/jwks.json`
  return createVerifier({
    issuer,
    audience: issuer,
    revocation: 'untilExpiry',
    now,
    dpop,
    fetch: async (url) => {
      const isMetadata = url === issuerMetadataUrl(issuer)
      const document = isMetadata ? { issuer, jwks_uri: jwksUri } : keyring.publicJwks()
      return Response.json(document, { headers: { 'cache-control': 'max-age=1' } })
    },
  })
}

/** HS256 and the public keys have a verifier each, so that neither kind of key is ever tried for the other. */
function createSharedVerifier({
  issuer,
  sharedSecrets,
  proofJudge,
  now,
}: OwnVerifierParts): Verifier | undefined {
  if (sharedSecrets === undefined) return undefined
  return createVerifier({
    issuer,
    audience: issuer,
    algorithms: ['HS256'],
    sharedSecret: sharedSecrets,
    revocation: 'untilExpiry',
    dpop: proofJudge,
    now,
  })
}

async function readIssuedToken(
  { verify }: TokenVerifier,
  text: string,
): Promise<IssuedToken | undefined> {
  try {
    await verify(text)
  } catch (error) {
    if (!(error instanceof VerifyError) || error.status !== 401) throw error
    // All else was good by then. Who presents the token need not be who may use it.
    if (error.reason !== 'bound-to-a-key') return undefined
  }
  const jws = parseCompactJws(text)
  if (jws.kind === 'malformed') return undefined
  const parsed = parseAccessTokenClaims(jws.payload)
  const kid = jws.header['kid']
  return parsed.kind === 'claims' && typeof kid === 'string'
    ? { claims: parsed.claims, kid }
    : undefined
}

/** Only the service has the key for it. */
const cannotDecrypt = 'an encrypted token cannot be read here: send the refresh token instead'

/** What the token says it is: believed only by a verifier that then checks all of it. */
function claimsToRead(
  token: string,
): { readonly algorithm: unknown; readonly audience: string | undefined } | undefined {
  const jws = parseCompactJws(token)
  if (jws.kind === 'malformed') return undefined
  const [first]: unknown[] = [jws.payload['aud']].flat()
  const audience = typeof first === 'string' && first !== '' ? first : undefined
  return { algorithm: jws.header['alg'], audience }
}
