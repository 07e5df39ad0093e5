import type { VerificationKey } from '@portcullis/protocol/jws'
import type { SignedToken } from './access-token.ts'
import type { RememberedToken } from './audience-verifier.ts'
import { createAudienceVerifier } from './audience-verifier.ts'
import type { FetchedKeySet, IssuerDocuments } from './issuer/documents.ts'
import { createIssuerDocuments } from './issuer/documents.ts'
import type { DocumentFailure, Fetch } from './issuer/http-json.ts'
import { createIssuerClock } from './issuer/issuer-clock.ts'
import { createKeySetFile } from './issuer/key-set-file.ts'
import type { KeyLookup, KeySource } from './issuer/key-source.ts'
import { createKeySource } from './issuer/key-source.ts'
import { createSharedKeySource } from './issuer/shared-keys.ts'
import type { VerifierOptions, VerifierSettings } from './options.ts'
import { parseOptions } from './options.ts'
import { invalidToken, keysUnavailable } from './refusals.ts'
import type { NewsOptions } from './revocation/news.ts'
import type { RevocationCheck } from './revocation/revocation.ts'
import { followedRevocation } from './revocation/revocation.ts'
import type { StateFile, StateFileOptions } from './revocation/state-file.ts'
import { createStateFile } from './revocation/state-file.ts'
import { untilExpiry } from './revocation/until-expiry.ts'
import type { Watches } from './revocation/watch.ts'
import { createWatches } from './revocation/watch.ts'
import type { Timers } from './timers.ts'
import { processTimers } from './timers.ts'
import type { TokenCache } from './token-cache.ts'
import { createTokenCache } from './token-cache.ts'
import type { TokenFamily } from './verified-token.ts'
import { signedTokenOf } from './verified-token.ts'
import type { Verifier } from './verifier.ts'

/** Where a verifier lives, beside the clock and the `fetch` of its options. */
export interface VerifierWorld {
  readonly timers: Timers
  readonly stateFileOf: (options: StateFileOptions) => StateFile
  readonly documentsOf: (issuer: string, fetch: Fetch, wall: () => number) => IssuerDocuments
}

export function createIssuerVerifier<Own>(options: VerifierOptions<Own>): Verifier<Own> {
  return wireVerifier(parseOptions(options), {
    timers: processTimers,
    documentsOf: createIssuerDocuments,
    stateFileOf: createStateFile,
  })
}

/** The verifier of one issuer: wires the parts together; what they do is theirs. */
export function wireVerifier<Own>(
  settings: VerifierSettings<Own>,
  { timers, documentsOf, stateFileOf }: VerifierWorld,
): Verifier<Own> {
  const { now, expected } = settings
  const clock = createIssuerClock(now)
  const fetch = clock.watch(settings.fetch)
  const documents = documentsOf(expected.issuer, fetch, now)
  const noteKeySet: RevocationCheck['noteKeySet'] = (keySet) => revocation.noteKeySet(keySet)
  const fetchKeySet = noting(documents.keySet, noteKeySet, settings.revocation !== undefined)
  const keys = keySourceOf(settings, fetchKeySet, timers)
  const watches = createWatches(timers)
  const cache = createTokenCache<RememberedToken<Own>>(settings.tokenCacheBytesMax)
  const family = familyOf(settings, () => revocation)
  const news = newsOptionsOf(settings, family, watches, cache)
  const revocation =
    settings.revocation === undefined
      ? untilExpiry(news)
      : followedRevocation({
          ...news,
          client: settings.client,
          ...settings.revocation,
          stateFileOf,
          documents,
          fetch,
          relayFetch: settings.fetch,
          clock,
          tokenKeys: keys,
          timers,
          maxStalenessMs: settings.revocation.maxStalenessSeconds * 1000,
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
  const { join, rule } = revocation
  const { isWithdrawn } = rule
  settings.events?.bind({ ...expected, now, findKey, isWithdrawn, join, warn: news.warn })
  const shared = { family, watches, cache, revocation, ready, findKey, heldKey }
  return createAudienceVerifier(settings, shared)
}

function newsOptionsOf<Own>(
  { expected, now, onRevoked, onWarning }: VerifierSettings<Own>,
  family: TokenFamily,
  watches: Watches,
  cache: TokenCache<RememberedToken<Own>>,
): NewsOptions {
  return {
    issuer: expected.issuer,
    now,
    onRevoked,
    warn: onWarning,
    onApplied: (withdrawnKids) => {
      watches.recheck()
      if (withdrawnKids.length === 0) return
      cache.dropWhere(({ signed }) => withdrawnKids.includes(signed.key.kid))
    },
    signedTokenOf: (auth) => signedTokenOf(auth, family),
  }
}

function familyOf(
  { expected, revocation: followed, onWarning }: VerifierSettings<unknown>,
  revocationOf: () => RevocationCheck,
): TokenFamily {
  const ownSeconds = followed?.whenStale === 'refuse' ? followed.maxStalenessSeconds : Infinity
  let hasTold = false
  return Object.freeze({
    staleError: ({ iat }: SignedToken, audience: string, maxAgeMs: number) => {
      // A requirement knows no verifier until the first token comes.
      if (maxAgeMs > ownSeconds * 1000 && !hasTold) {
        hasTold = true
        const message = `requireFresh({ maxStalenessSeconds: ${maxAgeMs / 1000} }) changes nothing: tokens of ${expected.issuer} are refused as stale after ${ownSeconds} s everywhere`
        onWarning({ code: 'PORTCULLIS_REQUIRE_FRESH', message })
      }
      const { rule, clockError } = revocationOf()
      if (!rule.isOlderThan(maxAgeMs, iat * 1000, rule.moment())) return undefined
      return clockError() ?? invalidToken('stale', audience)
    },
  })
}

function noting(
  fetchKeySet: IssuerDocuments['keySet'],
  note: RevocationCheck['noteKeySet'],
  isFollowed: boolean,
): IssuerDocuments['keySet'] {
  return async () => {
    const fetched = await fetchKeySet()
    if (fetched.kind === 'key-set') note(fetched)
    return isFollowed ? fetched : asIssued(fetched)
  }
}

/** An issuer without a feed decides by itself for how long a cache may answer for it. */
function asIssued(fetched: FetchedKeySet | DocumentFailure): FetchedKeySet | DocumentFailure {
  return fetched.kind === 'failed' || fetched.isExpired === true
    ? fetched
    : { ...fetched, ageMs: 0 }
}

function keySourceOf(
  settings: VerifierSettings<unknown>,
  fetchKeySet: IssuerDocuments['keySet'],
  timers: Timers,
): KeySource {
  const { sharedKeys, keySetFile: path, revocation, now, onWarning: warn } = settings
  const { issuer } = settings.expected
  if (sharedKeys !== undefined) return createSharedKeySource(sharedKeys, now, revocation)
  const file = path === undefined ? undefined : createKeySetFile({ path, issuer, now, warn })
  return createKeySource({ fetchKeySet, now, timers, file })
}
