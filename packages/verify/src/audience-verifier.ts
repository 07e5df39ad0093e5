import type { VerificationKey } from '@portcullis/protocol/jws'
import type { ReadToken, SignedToken, TokenFault, TokenRule } from './access-token.ts'
import { checkSignature, faultOfSigned, readAccessToken } from './access-token.ts'
import type { PresentedRequestProof } from './dpop/possession.ts'
import { checkPossession, needsNoProof } from './dpop/possession.ts'
import type { KeyLookup } from './issuer/key-source.ts'
import type { VerifierSettings } from './options.ts'
import { requireText } from './options.ts'
import { invalidToken, keysUnavailable, unfitOwnClaims } from './refusals.ts'
import type { RevocationCheck } from './revocation/revocation.ts'
import type { Watches } from './revocation/watch.ts'
import type { TokenCache } from './token-cache.ts'
import type { VerifiedToken, VerifiedTokenFacts } from './verified-token.ts'
import { createVerifiedToken, signedTokenOf } from './verified-token.ts'
import type { Verifier } from './verifier.ts'
import { VerifyError } from './verify-error.ts'

/** What the verifiers of several audiences share. */
export interface Shared<Own> {
  readonly watches: Watches
  readonly cache: TokenCache<RememberedToken<Own>>
  readonly revocation: RevocationCheck
  readonly ready: () => Promise<void>
  readonly findKey: (kid: string) => Promise<KeyLookup>
  /** Undefined when a request has to wait for the key, or for the first answer of the feed. */
  readonly heldKey: (kid: string) => VerificationKey | undefined
}

/** The audience is judged at every hit, so a token that was let in for one is not in for another. */
export interface RememberedToken<Own> extends VerifiedTokenFacts<Own> {
  readonly answer: VerifiedToken<Own>
}

/** Token, claims and what is needed to judge it again; measured on tokens of 750 characters. */
const bytesHeldPerCharacter = 4

/** The verifier of one issuer for one audience: the way of a token from its text to its claims. */
export function createAudienceVerifier<Own>(
  settings: VerifierSettings<Own>,
  shared: Shared<Own>,
): Verifier<Own> {
  const { expected, dpop } = settings
  const { issuer, audience } = expected
  const { watches, cache, revocation, ready } = shared
  const { recall, verifyNew, refusalOf } = createTokenJudge(settings, shared)

  return Object.freeze({
    issuer,
    audience,
    dpopAlgorithms: dpop?.algorithms ?? [],
    ready,
    verify: async (token: string, proof?: PresentedRequestProof) => {
      const judged = recall(token) ?? (await verifyNew(token))
      const { answer } = judged
      if (needsNoProof(answer.claims, proof)) return answer
      const nonce = await checkPossession(answer.claims, token, proof, dpop, audience)
      return nonce === undefined ? answer : createVerifiedToken(judged, nonce)
    },
    watch: (auth: VerifiedToken) => {
      const signed = signedTokenOf(auth, cache)
      if (signed === undefined) throw new TypeError('this verifier has not verified such a token')
      return watches.open(() => refusalOf(signed))
    },
    revocation: revocation.health,
    withAudience: (other: string) => {
      const changed = Object.freeze({ ...expected, audience: requireText(other, 'audience') })
      return createAudienceVerifier({ ...settings, expected: changed }, shared)
    },
    close: async () => {
      await revocation.close()
      watches.close(new VerifyError('feed-unavailable', 'the verifier was closed'))
    },
  })
}

interface TokenJudge<Own> {
  /** Judges again what was let in before; undefined when the whole way is to be gone. */
  readonly recall: (token: string) => RememberedToken<Own> | undefined
  readonly verifyNew: (token: string) => Promise<RememberedToken<Own>>
  /** What a token that was verified would be answered now. */
  readonly refusalOf: (signed: SignedToken) => VerifyError | undefined
}

function createTokenJudge<Own>(
  { expected, checkOwnClaims }: VerifierSettings<Own>,
  { cache, revocation, findKey, heldKey }: Shared<Own>,
): TokenJudge<Own> {
  const { audience } = expected
  const rule: TokenRule = { expected, revocation: revocation.rule }

  const refusalFor = (fault: TokenFault): VerifyError =>
    (fault === 'stale' ? revocation.clockError() : undefined) ?? invalidToken(fault, audience)

  const refusalOf = (signed: SignedToken): VerifyError | undefined => {
    const fault = faultOfSigned(signed, rule)
    return fault === undefined ? undefined : refusalFor(fault)
  }

  async function waitForKey(kid: string): Promise<VerificationKey> {
    const lookup = await findKey(kid)
    if (lookup.kind === 'unavailable') throw keysUnavailable(lookup)
    if (lookup.kind === 'unknown') throw refusalFor('unknown-key')
    return lookup.key
  }

  function signedBy(key: VerificationKey, read: ReadToken): SignedToken {
    const checked = checkSignature(read, key, rule)
    if (checked.kind === 'refused') throw refusalFor(checked.why)
    const refusal = refusalOf(checked.token)
    if (refusal !== undefined) throw refusal
    return checked.token
  }

  function withAnswer(facts: VerifiedTokenFacts<Own>): RememberedToken<Own> {
    return { ...facts, answer: createVerifiedToken(facts) }
  }

  return {
    refusalOf,
    recall: (token) => {
      const known = typeof token === 'string' ? cache.find(token) : undefined
      // The signature counts only under the very key that it was checked with.
      if (known === undefined || heldKey(known.signed.key.kid) !== known.signed.key)
        return undefined
      const refusal = refusalOf(known.signed)
      if (refusal === undefined) {
        return known.audience === audience ? known : withAnswer({ ...known, audience })
      }
      cache.drop(token)
      throw refusal
    },
    verifyNew: async (token) => {
      const read = readAccessToken(token, expected)
      if (read.kind === 'refused') throw refusalFor(read.why)
      const signed = signedBy(heldKey(read.kid) ?? (await waitForKey(read.kid)), read)
      const judged = checkOwnClaims(signed.claims)
      const own = judged instanceof Promise ? await judged : judged
      if (own.kind === 'refused') throw unfitOwnClaims(own.paths, audience)
      const known = withAnswer({ signed, audience, own: own.own, by: cache })
      cache.offer(token, known, token.length * bytesHeldPerCharacter)
      return known
    },
  }
}
