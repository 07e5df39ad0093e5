import type { VerificationKey } from '@portcullis/protocol/jws'
import type { ReadToken, SignedToken, TokenFault, TokenRule } from './access-token.ts'
import { checkSignature, faultOfSigned, readAccessToken } from './access-token.ts'
import { createIssuerDocuments } from './issuer/documents.ts'
import { createIssuerClock } from './issuer/issuer-clock.ts'
import { createKeySetFile } from './issuer/key-set-file.ts'
import type { KeyLookup } from './issuer/key-source.ts'
import { createKeySource } from './issuer/key-source.ts'
import type { VerifierOptions, VerifierSettings } from './options.ts'
import { parseOptions, requireText } from './options.ts'
import { invalidToken, keysUnavailable } from './refusals.ts'
import type { RevocationCheck, RevocationHealth } from './revocation/revocation.ts'
import { followedRevocation, untilExpiry } from './revocation/revocation.ts'
import type { TokenWatch, Watches } from './revocation/watch.ts'
import { createWatches } from './revocation/watch.ts'
import type { TokenCache } from './token-cache.ts'
import { createTokenCache } from './token-cache.ts'
import type { VerifiedToken } from './verified-token.ts'
import { createVerifiedToken, signedTokenOf } from './verified-token.ts'
import { VerifyError } from './verify-error.ts'

/** Token, claims and what is needed to judge it again; measured on tokens of 750 characters. */
const bytesHeldPerCharacter = 4

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
   * request. Takes what `verify` has answered, and throws a TypeError for a copy of it. Does NOT look at the key set again: a key taken out of it is seen only where the feed
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
  const cache = createTokenCache<RememberedToken>(settings.tokenCacheBytesMax)
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
          onApplied: (withdrawnKids) => {
            watches.recheck()
            if (withdrawnKids.length === 0) return
            cache.dropWhere(({ signed }) => withdrawnKids.includes(signed.key.kid))
          },
          signedTokenOf: (auth) => signedTokenOf(auth, cache),
        })
  // The first answer of the feed is waited for like the first key; later ones are not.
  let hasAttempted = false

  async function ready(): Promise<void> {
    revocation.start()
    const found = await keys.ready()
    if (found.kind === 'unavailable') throw keysUnavailable(found)
    await revocation.attempted
    hasAttempted = true
    const error = revocation.readinessError()
    if (error !== undefined) throw error
  }

  async function findKey(kid: string): Promise<KeyLookup> {
    revocation.start()
    const [lookup] = await Promise.all([keys.find(kid), revocation.attempted])
    hasAttempted = true
    return lookup
  }

  const heldKey = (kid: string): VerificationKey | undefined =>
    hasAttempted ? keys.held(kid) : undefined

  return forAudience(settings, { watches, cache, revocation, ready, findKey, heldKey })
}

/** What the verifiers of several audiences share. */
interface Shared {
  readonly watches: Watches
  readonly cache: TokenCache<RememberedToken>
  readonly revocation: RevocationCheck
  readonly ready: () => Promise<void>
  readonly findKey: (kid: string) => Promise<KeyLookup>
  /** Undefined when a request has to wait for the key, or for the first answer of the feed. */
  readonly heldKey: (kid: string) => VerificationKey | undefined
}

/** The audience is judged at every hit, so a token that was let in for one is not in for another. */
interface RememberedToken {
  readonly signed: SignedToken
  readonly answer: VerifiedToken
}

function forAudience(settings: VerifierSettings, shared: Shared): Verifier {
  const { expected } = settings
  const { issuer, audience } = expected
  const { watches, cache, revocation, ready, findKey, heldKey } = shared
  const rule: TokenRule = { expected, revocation: revocation.rule }

  const refusalFor = (fault: TokenFault): VerifyError =>
    (fault === 'stale' ? revocation.clockError() : undefined) ?? invalidToken(fault, audience)

  function verifyRemembered(token: string): VerifiedToken | undefined {
    const { signed, answer } = cache.find(token) ?? {}
    if (signed === undefined || answer === undefined) return undefined
    // The signature counts only under the very key that it was checked with.
    if (heldKey(signed.key.kid) !== signed.key) return undefined
    const fault = faultOfSigned(signed, rule)
    if (fault === undefined)
      return answer.audience === audience ? answer : createVerifiedToken(signed, audience, cache)
    cache.drop(token)
    throw refusalFor(fault)
  }

  function verifyNew(token: string, read: ReadToken, key: VerificationKey): VerifiedToken {
    const checked = checkSignature(read, key, rule)
    if (checked.kind === 'refused') throw refusalFor(checked.why)
    const { token: signed } = checked
    const fault = faultOfSigned(signed, rule)
    if (fault !== undefined) throw refusalFor(fault)
    const answer = createVerifiedToken(signed, audience, cache)
    cache.offer(token, { signed, answer }, token.length * bytesHeldPerCharacter)
    return answer
  }

  async function waitForKey(kid: string): Promise<VerificationKey> {
    const lookup = await findKey(kid)
    if (lookup.kind === 'unavailable') throw keysUnavailable(lookup)
    if (lookup.kind === 'unknown') throw refusalFor('unknown-key')
    return lookup.key
  }

  return Object.freeze({
    issuer,
    audience,
    ready,
    verify: async (token: string) => {
      const remembered = typeof token === 'string' ? verifyRemembered(token) : undefined
      if (remembered !== undefined) return remembered
      const read = readAccessToken(token, expected)
      if (read.kind === 'refused') throw refusalFor(read.why)
      const key = heldKey(read.kid) ?? (await waitForKey(read.kid))
      return verifyNew(token, read, key)
    },
    watch: (auth: VerifiedToken) => {
      const signed = signedTokenOf(auth, cache)
      if (signed === undefined) throw new TypeError('this verifier has not verified such a token')
      return watches.open(() => {
        const fault = faultOfSigned(signed, rule)
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
