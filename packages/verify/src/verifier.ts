import type { AccessTokenClaims } from '@portcullis/protocol'
import { accessTokenType } from '@portcullis/protocol'
import type { TokenFault, TokenRule } from './access-token.ts'
import { judgeAccessToken, judgeClaims } from './access-token.ts'
import { createIssuerDocuments } from './issuer/documents.ts'
import type { KeysUnavailable } from './issuer/held-key-set.ts'
import { createIssuerClock } from './issuer/issuer-clock.ts'
import { createKeySetFile } from './issuer/key-set-file.ts'
import type { KeyLookup } from './issuer/key-source.ts'
import { createKeySource } from './issuer/key-source.ts'
import type { VerifierOptions, VerifierSettings } from './options.ts'
import { parseOptions, requireText } from './options.ts'
import type { RevocationCheck, RevocationHealth } from './revocation/revocation.ts'
import { followedRevocation, untilExpiry } from './revocation/revocation.ts'
import type { TokenWatch, Watches } from './revocation/watch.ts'
import { createWatches } from './revocation/watch.ts'
import { VerifyError } from './verify-error.ts'

export interface VerifiedToken {
  /** Frozen, at every depth. */
  readonly claims: AccessTokenClaims
  /** The audience under which the token was accepted; it may have others. */
  readonly audience: string
}

export interface Verifier {
  readonly issuer: string
  readonly audience: string
  /**
   * Resolves when requests may be sent here: the issuer's keys are at hand, and so is its feed since
   * the first snapshot. Otherwise it rejects with a `VerifyError`: `keys-unavailable`,
   * `feed-unavailable` (also after `close()`), `client-refused`, `issuer-unreachable` or
   * `clocks-disagree`. It waits only for the first attempt, so health checks may call it often.
   * Calling it is optional, and after a rejection the verifier recovers by itself.
   *
   * Does NOT reject because the feed is lost later: that happens to a whole fleet at once, which is not
   * to be taken out of service while young tokens pass. `revocation().isFresh` tells of it.
   */
  readonly ready: () => Promise<void>
  /**
   * Verifies one access token (RFC 9068) and resolves to its claims. Checks form, header, signature,
   * issuer, audience, lifetime and revocation, in this order, without a network call while the key is
   * known.
   *
   * Does NOT check permissions (see `requireScope`) or how recently the person authenticated.
   *
   * Rejects with a `VerifyError`: `invalid-token` 401, `keys-unavailable` 503 when the key of a token
   * that may be good cannot be had, or `clocks-disagree` 503.
   */
  readonly verify: (token: string) => Promise<VerifiedToken>
  /**
   * Watches a token that this verifier has verified, for a connection or a job that outlives the
   * request. Does NOT look at the key set again: a key taken out of it is seen only where the feed
   * is followed.
   */
  readonly watch: (auth: VerifiedToken) => TokenWatch
  /** What is known about revocation, for health checks and metrics. */
  readonly revocation: () => RevocationHealth
  /** The same issuer, keys, feed and settings for another audience. */
  readonly withAudience: (audience: string) => Verifier
  /**
   * Stops following the feed, for this verifier and those that share it, and ends every watch. The
   * stream's socket is closed, which lets the process end. What is verified afterwards is judged by
   * what is known, until that is too old.
   */
  readonly close: () => Promise<void>
}

/**
 * Builds a verifier for the tokens of one issuer to one audience. Nothing is fetched yet; the feed is
 * followed from the first `ready()` or `verify()` on, until `close()`.
 * Throws a TypeError that names the option when one is unknown, missing or wrong.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const settings = parseOptions(options)
  const { now, expected } = settings
  const clock = createIssuerClock(now)
  const fetch = clock.watch(settings.fetch)
  const documents = createIssuerDocuments(expected.issuer, fetch)
  const { keySetFile: path } = settings
  const file =
    path === undefined ? undefined : createKeySetFile({ path, issuer: expected.issuer, now })
  const keys = createKeySource({ fetchKeySet: documents.keySet, now, file })
  const watches = createWatches()
  const kids = new WeakMap<AccessTokenClaims, string>()
  const revocation =
    settings.revocation === undefined
      ? untilExpiry(now)
      : followedRevocation({
          ...settings,
          ...settings.revocation,
          issuer: expected.issuer,
          documents,
          fetch,
          clock,
          tokenKeys: keys,
          monotonic: () => performance.now(),
          maxStalenessMs: settings.revocation.maxStalenessSeconds * 1000,
          onApplied: watches.recheck,
          kidOf: (claims) => kids.get(claims),
        })

  async function ready(): Promise<void> {
    revocation.start()
    const found = await keys.ready()
    if (found.kind === 'unavailable') throw keysUnavailable(found)
    await revocation.attempted
    const error = revocation.readinessError()
    if (error !== undefined) throw error
  }

  async function findKey(kid: string): Promise<KeyLookup> {
    revocation.start()
    // The first answer of the feed is waited for like the first key; later ones are not.
    const [lookup] = await Promise.all([keys.find(kid), revocation.attempted])
    return lookup
  }

  return forAudience(settings, { kids, watches, revocation, ready, findKey })
}

/** What the verifiers of several audiences share. */
interface Shared {
  /** Which key has signed what was verified; claims are frozen, so they stand for their token. */
  readonly kids: WeakMap<AccessTokenClaims, string>
  readonly watches: Watches
  readonly revocation: RevocationCheck
  readonly ready: () => Promise<void>
  readonly findKey: (kid: string) => Promise<KeyLookup>
}

function forAudience(settings: VerifierSettings, shared: Shared): Verifier {
  const { expected, now } = settings
  const { issuer, audience } = expected
  const { kids, watches, revocation, ready, findKey } = shared
  const rule: TokenRule = { expected, wall: now, revocation: revocation.rule }

  const refusalFor = (fault: TokenFault): VerifyError =>
    (fault === 'stale' ? revocation.clockError() : undefined) ?? invalidToken(fault, audience)

  return Object.freeze({
    issuer,
    audience,
    ready,
    verify: async (token: string) => {
      const judged = await judgeAccessToken(token, rule, findKey)
      switch (judged.kind) {
        case 'accepted':
          kids.set(judged.claims, judged.kid)
          return Object.freeze({ claims: judged.claims, audience })
        case 'refused':
          throw refusalFor(judged.why)
        case 'unavailable':
          throw keysUnavailable(judged)
      }
    },
    watch: ({ claims }: VerifiedToken) => {
      const kid = kids.get(claims)
      if (kid === undefined) throw new TypeError('this verifier has not verified such a token')
      return watches.open(() => {
        const fault = judgeClaims(claims, kid, rule)
        return fault === undefined ? undefined : refusalFor(fault)
      })
    },
    revocation: revocation.health,
    withAudience: (other: string) => {
      const changed = Object.freeze({ ...expected, audience: requireText(other, 'audience') })
      return forAudience({ ...settings, expected: changed }, shared)
    },
    close: async () => {
      await revocation.close()
      watches.close(new VerifyError('feed-unavailable', 'the verifier was closed'))
    },
  })
}

const descriptions: Readonly<Record<TokenFault, string>> = {
  malformed: 'the token is not a compact JWS with one JSON object in header and payload',
  'wrong-type': `the typ of the token is not ${accessTokenType}`,
  'algorithm-not-allowed': 'the algorithm of the token is not allowed',
  'unsupported-extension': 'the token asks for a JWS extension that is not supported',
  'missing-key-id': 'the token names no key',
  'unknown-key': 'the key of the token is not one of the issuer',
  'key-does-not-fit': 'the key of the token is for another algorithm',
  'bad-signature': 'the signature of the token is wrong',
  'key-withdrawn': 'the key of the token was withdrawn by the issuer',
  'malformed-claims': 'a claim of the token is missing or has a wrong form',
  'wrong-issuer': 'the token is from another issuer',
  'wrong-audience': 'the token is for another audience',
  revoked: 'the token was revoked',
  stale: 'nobody has vouched for the token recently; refresh it',
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
