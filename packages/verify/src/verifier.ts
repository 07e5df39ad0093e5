import type { PresentedRequestProof } from './dpop/proof-claims.ts'
import type { Requirement } from './requirements.ts'
import type { RevocationHealth } from './revocation/revocation.ts'
import type { TokenWatch } from './revocation/watch.ts'
import type { VerifiedToken } from './verified-token.ts'

/** `Own`: what the option `claims` makes of the claims of the service's own. */
export interface Verifier<Own = unknown> {
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
  /** What DPoP proofs may be signed with; none without the option `dpop`. */
  readonly dpopAlgorithms: readonly string[]
  /**
   * Verifies one access token (RFC 9068) and resolves to what it says. Checks form, header, signature,
   * issuer, audience, lifetime and revocation, in this order, without a network call while the key is
   * known; then your own claims by the option `claims`, and the proof of a token that is bound to a key.
   * Of a token that came before, what cannot change is not checked again (see `tokenCacheBytesMax`).
   *
   * `proof` is what came with a token under the scheme `DPoP`; without it the token came as a plain
   * bearer token, and then one that is bound to a key is refused.
   *
   * Does NOT check permissions (see `requireScope`), how recently the person authenticated (see
   * `requireRecentAuth`), or more freshness than `maxStalenessSeconds` (see `requireFresh`).
   *
   * Rejects with a `VerifyError`: `invalid-token` 401, `invalid-dpop-proof` and `use-dpop-nonce` 401,
   * `keys-unavailable` 503 when the key of a token that may be good cannot be had, `clocks-disagree` 503,
   * or `proofs-unavailable` 503. What the schema or the store of proofs throws by mistake goes through.
   */
  readonly verify: (token: string, proof?: PresentedRequestProof) => Promise<VerifiedToken<Own>>
  /**
   * Watches a token that this verifier has verified, for a connection or a job that outlives the
   * request. Takes what `verify` has answered, and throws a TypeError for a copy of it. It also ends as soon as one
   * of the requirements refuses the token. Does NOT look at the key set again: a key taken out of it is seen only
   * where the feed is followed.
   */
  readonly watch: (auth: VerifiedToken, ...requirements: readonly Requirement[]) => TokenWatch
  /** What is known about revocation, for health checks and metrics. */
  readonly revocation: () => RevocationHealth
  /** The same issuer, keys, feed and settings for another audience. */
  readonly withAudience: (audience: string) => Verifier<Own>
  /**
   * Stops following the feed, for this verifier and those that share it, and ends every watch. The
   * stream's socket is closed, which lets the process end. What is verified afterwards is judged by
   * what is known, until that is too old.
   */
  readonly close: () => Promise<void>
}

/** The verifiers of several issuers as one, for services that take tokens of each. */
export interface SeveralVerifiers<Own = unknown> extends Pick<
  Verifier<Own>,
  'audience' | 'dpopAlgorithms' | 'verify' | 'watch' | 'close'
> {
  readonly issuers: readonly string[]
  /** Resolves when every issuer's verifier is ready; rejects, when all have answered, as the first that is not. */
  readonly ready: () => Promise<void>
  /** By issuer. */
  readonly revocation: () => ReadonlyMap<string, RevocationHealth>
  readonly withAudience: (audience: string) => SeveralVerifiers<Own>
}
