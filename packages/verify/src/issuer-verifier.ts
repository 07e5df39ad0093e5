import type { VerificationKey } from '@portcullis/protocol/jws'
import type { RememberedToken } from './audience-verifier.ts'
import { createAudienceVerifier } from './audience-verifier.ts'
import type { IssuerDocuments } from './issuer/documents.ts'
import { createIssuerDocuments } from './issuer/documents.ts'
import { createIssuerClock } from './issuer/issuer-clock.ts'
import { createKeySetFile } from './issuer/key-set-file.ts'
import type { KeyLookup, KeySource } from './issuer/key-source.ts'
import { createKeySource } from './issuer/key-source.ts'
import { createSharedKeySource } from './issuer/shared-key.ts'
import type { VerifierOptions, VerifierSettings } from './options.ts'
import { parseOptions } from './options.ts'
import { keysUnavailable } from './refusals.ts'
import { followedRevocation, untilExpiry } from './revocation/revocation.ts'
import { createWatches } from './revocation/watch.ts'
import { createTokenCache } from './token-cache.ts'
import { signedTokenOf } from './verified-token.ts'
import type { Verifier } from './verifier.ts'

/** The verifier of one issuer: wires the parts together; what they do is theirs. */
export function createIssuerVerifier<Own>(options: VerifierOptions<Own>): Verifier<Own> {
  const settings = parseOptions(options)
  const { now, expected } = settings
  const clock = createIssuerClock(now)
  const fetch = clock.watch(settings.fetch)
  const documents = createIssuerDocuments(expected.issuer, fetch)
  const keys = keySourceOf(settings, documents)
  const watches = createWatches()
  const cache = createTokenCache<RememberedToken<Own>>(settings.tokenCacheBytesMax)
  const family = Object.freeze({})
  const revocation =
    settings.revocation === undefined
      ? untilExpiry(now)
      : followedRevocation({
          issuer: expected.issuer,
          client: settings.client,
          now,
          onRevoked: settings.onRevoked,
          whenStale: settings.revocation.whenStale,
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
          signedTokenOf: (auth) => signedTokenOf(auth, family),
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

  const shared = { family, watches, cache, revocation, ready, findKey, heldKey }
  return createAudienceVerifier(settings, shared)
}

function keySourceOf(
  { sharedKey, keySetFile: path, expected: { issuer }, now }: VerifierSettings<unknown>,
  documents: IssuerDocuments,
): KeySource {
  if (sharedKey !== undefined) return createSharedKeySource(sharedKey)
  const file = path === undefined ? undefined : createKeySetFile({ path, issuer, now })
  return createKeySource({ fetchKeySet: documents.keySet, now, file })
}
