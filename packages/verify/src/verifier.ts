import type { AccessTokenClaims } from '@portcullis/protocol'
import type { TokenFault } from './access-token.ts'
import { judgeAccessToken } from './access-token.ts'
import { checkCredential } from './issuer/client-credential.ts'
import { createIssuerDocuments } from './issuer/documents.ts'
import type { KeysUnavailable } from './issuer/held-key-set.ts'
import type { KeySource } from './issuer/key-source.ts'
import { createKeySource } from './issuer/key-source.ts'
import type { VerifierOptions, VerifierSettings } from './options.ts'
import { parseOptions, requireText } from './options.ts'
import { VerifyError } from './verify-error.ts'

export interface VerifiedToken {
  /** Frozen, at every depth. */
  readonly claims: AccessTokenClaims
  /** The audience under which the token was accepted; it may have others. */
  readonly audience: string
}

export interface TokenWatch {
  /** Aborts with a `VerifyError` as its reason as soon as `verify` would refuse the token. */
  readonly signal: AbortSignal
  /** Stops watching. */
  readonly close: () => void
}

export interface Verifier {
  readonly issuer: string
  readonly audience: string
  /**
   * Fetches the issuer's metadata and keys, and proves the client credential where there is one.
   * Tries once and rejects with a `VerifyError`: `keys-unavailable`, `client-refused` or
   * `issuer-unreachable`. Calling it is optional, and after a rejection the verifier recovers by
   * itself: keys are fetched whenever they are needed.
   */
  readonly ready: () => Promise<void>
  /**
   * Verifies one access token (RFC 9068) and resolves to its claims. Checks form, header, signature,
   * issuer, audience and lifetime, in this order, without a network call while the key is known.
   *
   * Does NOT check permissions (see `requireScope`), revocation (a token is good until `exp` in this
   * release) or how recently the person authenticated.
   *
   * Rejects with a `VerifyError`: `invalid-token` 401, or `keys-unavailable` 503 when the key of a
   * token that may be good cannot be had.
   */
  readonly verify: (token: string) => Promise<VerifiedToken>
  /** Watches a verified token until it expires. */
  readonly watch: (auth: VerifiedToken) => TokenWatch
  /** The same issuer, keys and settings for another audience. */
  readonly withAudience: (audience: string) => Verifier
  readonly close: () => Promise<void>
}

/**
 * Builds a verifier for the tokens of one issuer to one audience. Nothing is fetched yet.
 * Throws a TypeError that names the option when one is unknown, missing or wrong.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const settings = parseOptions(options)
  const { fetch, now, client } = settings
  const documents = createIssuerDocuments(settings.expected.issuer, fetch)
  const keys = createKeySource({ fetchKeySet: documents.keySet, now })
  let isProven = client === undefined

  async function ready(): Promise<void> {
    const found = await keys.ready()
    if (found.kind === 'unavailable') throw keysUnavailable(found)
    if (client === undefined || isProven) return
    const checked = await checkCredential(client, documents, fetch)
    if (checked.kind === 'refused') {
      throw new VerifyError('client-refused', `the issuer refuses this client: ${checked.why}`)
    }
    if (checked.kind === 'unreachable') {
      throw new VerifyError('issuer-unreachable', `the client cannot be proven: ${checked.why}`)
    }
    isProven = true
  }

  return forAudience(settings, keys, ready)
}

function forAudience(
  settings: VerifierSettings,
  keys: KeySource,
  ready: () => Promise<void>,
): Verifier {
  const { expected, now } = settings
  const { issuer, audience } = expected
  return Object.freeze({
    issuer,
    audience,
    ready,
    verify: async (token: string) => {
      const judged = await judgeAccessToken(token, expected, keys.find, now)
      switch (judged.kind) {
        case 'accepted':
          return Object.freeze({ claims: judged.claims, audience })
        case 'refused':
          throw invalidToken(judged.why, audience)
        case 'unavailable':
          throw keysUnavailable(judged)
      }
    },
    watch: ({ claims }: VerifiedToken) => {
      const controller = new AbortController()
      const remainingMs = (claims.exp + expected.leewaySeconds) * 1000 - now()
      const timer = setTimeout(
        () => controller.abort(invalidToken('expired', audience)),
        remainingMs,
      )
      return { signal: controller.signal, close: () => clearTimeout(timer) }
    },
    close: () => Promise.resolve(),
    withAudience: (other: string) => {
      const changed = Object.freeze({ ...expected, audience: requireText(other, 'audience') })
      return forAudience({ ...settings, expected: changed }, keys, ready)
    },
  })
}

const descriptions: Readonly<Record<TokenFault, string>> = {
  malformed: 'the token is not a compact JWS with one JSON object in header and payload',
  'wrong-type': 'the typ of the token is not at+jwt',
  'algorithm-not-allowed': 'the algorithm of the token is not allowed',
  'unsupported-extension': 'the token asks for a JWS extension that is not supported',
  'missing-key-id': 'the token names no key',
  'unknown-key': 'the key of the token is not one of the issuer',
  'key-does-not-fit': 'the key of the token is for another algorithm',
  'bad-signature': 'the signature of the token is wrong',
  'malformed-claims': 'a claim of the token is missing or has a wrong form',
  'wrong-issuer': 'the token is from another issuer',
  'wrong-audience': 'the token is for another audience',
  expired: 'the token has expired',
  'not-yet-valid': 'the token is not valid yet',
  'lives-too-long': 'the token lives longer than is believed here',
  'bound-to-a-key': 'the token is bound to a key and cannot be used as a plain bearer token',
}

function invalidToken(reason: TokenFault, realm: string): VerifyError {
  return new VerifyError('invalid-token', descriptions[reason], { reason, realm })
}

function keysUnavailable({ why, retryAfterSeconds }: KeysUnavailable): VerifyError {
  const description = 'the keys of the issuer cannot be had at the moment'
  const cause = new Error(why)
  return new VerifyError('keys-unavailable', description, { retryAfterSeconds, cause })
}
