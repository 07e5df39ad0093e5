import type { VerificationKey } from '@portcullis/protocol/jws'
import type { ReadToken, SignedToken, TokenFault, TokenRule } from './access-token.ts'
import { checkSignature, faultOfSigned, readAccessToken } from './access-token.ts'
import type { PresentedRequestProof } from './dpop/proof-claims.ts'
import { checkPossession } from './dpop/possession.ts'
import type { KeyLookup } from './issuer/key-source.ts'
import { requireText } from './option-checks.ts'
import type { VerifierSettings } from './options.ts'
import type { JudgedOwnClaims } from './own-claims.ts'
import { invalidToken, keysUnavailable, malformedClaim, unfitOwnClaims } from './refusals.ts'
import type { Requirement } from './requirements.ts'
import { meet } from './requirements.ts'
import type { RevocationCheck } from './revocation/revocation.ts'
import type { Watches } from './revocation/watch.ts'
import type { TokenCache } from './token-cache.ts'
import type { Remembered } from './token-slots.ts'
import type { TokenFamily, VerifiedToken, VerifiedTokenFacts } from './verified-token.ts'
import { createVerifiedToken, signedTokenOf } from './verified-token.ts'
import type { Verifier } from './verifier.ts'
import { VerifyError } from './verify-error.ts'

/** What the verifiers of several audiences share. */
export interface Shared<Own> {
  /** By it they know what one of them has verified. */
  readonly family: TokenFamily
  readonly watches: Watches
  readonly cache: TokenCache<RememberedToken<Own>>
  readonly revocation: RevocationCheck
  readonly ready: () => Promise<void>
  readonly findKey: (kid: string) => Promise<KeyLookup>
  /** Undefined when a request has to wait for the key, or for the first answer of the feed. */
  readonly heldKey: (kid: string) => VerificationKey | undefined
}

/** What was let in for one audience is judged anew for another. */
export interface RememberedToken<Own> extends VerifiedTokenFacts<Own>, Remembered {
  readonly answer: VerifiedToken<Own>
  readonly isBound: boolean
}

/** Measured on tokens of many sizes, with claims and all that it takes to judge them again. */
const bytesHeldPerCharacter = 3
const bytesHeldPerMember = 64

function bytesHeld(token: string, { claims }: SignedToken): number {
  const members = Object.keys(claims).length
  return token.length * bytesHeldPerCharacter + members * bytesHeldPerMember
}

/** The verifier of one issuer for one audience: the way of a token from its text to its claims. */
export function createAudienceVerifier<Own>(
  settings: VerifierSettings<Own>,
  shared: Shared<Own>,
): Verifier<Own> {
  const { expected, dpop, decryption } = settings
  const { issuer, audience } = expected
  const { family, watches, revocation, ready } = shared
  const { recall, verifyNew, throwRefusal } = createTokenJudge(settings, shared)
  // What cannot be opened is refused as what is no token inside: anybody can encrypt to a public key.
  const openAndVerify = async (token: string): Promise<RememberedToken<Own>> =>
    verifyNew(token, await decryption?.open(token))

  return Object.freeze({
    issuer,
    audience,
    dpopAlgorithms: dpop?.algorithms ?? [],
    ready,
    verify: async (token: string, proof?: PresentedRequestProof) => {
      const judged =
        recall(token) ?? (decryption === undefined ? verifyNew(token, token) : openAndVerify(token))
      // What need not wait does not: a promise more costs a twentieth of the signature.
      const known = judged instanceof Promise ? await judged : judged
      if (proof === undefined && !known.isBound) return known.answer
      requireProof(proof)
      const nonce = await checkPossession(known.signed.claims, token, proof, dpop, audience)
      throwRefusal(known.signed)
      return nonce === undefined ? known.answer : createVerifiedToken(known, nonce)
    },
    watch: (auth: VerifiedToken, ...requirements: readonly Requirement[]) => {
      const signed = signedTokenOf(auth, family)
      return watches.open(() => {
        try {
          throwRefusal(signed)
          for (const requirement of requirements) meet(requirement, auth, {})
          return undefined
        } catch (error) {
          // Of a clock that answers no time: nobody waits for it here.
          return error instanceof VerifyError ? error : noTime(error, audience)
        }
      })
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

function noTime(cause: unknown, realm: string): VerifyError {
  const facts = cause instanceof Error ? { realm, cause } : { realm }
  return new VerifyError('clocks-disagree', 'the clock of this service answers no time', facts)
}

/** From JavaScript anything may come, such as the index that `map` passes. */
function requireProof(proof: PresentedRequestProof | undefined): void {
  if (proof === undefined) return
  if (Array.isArray(proof?.proofs) && typeof proof.method === 'string') return
  throw new TypeError('the second argument of verify must be { proofs, method, url }')
}

interface TokenJudge<Own> {
  /** Judges again what was let in before; undefined when the whole way is to be gone. */
  readonly recall: (token: string) => RememberedToken<Own> | undefined
  /** `signed` is the token itself, or what was encrypted in it. */
  readonly verifyNew: (
    token: string,
    signed: string | undefined,
  ) => RememberedToken<Own> | Promise<RememberedToken<Own>>
  /** Throws what a token that was verified would be answered now. Also asked after what was waited for: a schema or a store of proofs may take its time. */
  readonly throwRefusal: (signed: SignedToken) => void
}

function createTokenJudge<Own>(
  { expected, checkOwnClaims }: VerifierSettings<Own>,
  { family, cache, revocation, findKey, heldKey }: Shared<Own>,
): TokenJudge<Own> {
  const { audience } = expected
  const rule: TokenRule = { expected, revocation: revocation.rule }

  const { refusalFor, refusalOf, throwRefusal } = createRefusals(rule, revocation)

  async function waitForKey(kid: string): Promise<VerificationKey> {
    const lookup = await findKey(kid)
    if (lookup.kind === 'unavailable') throw keysUnavailable(lookup)
    if (lookup.kind === 'unknown') throw refusalFor('unknown-key')
    return lookup.key
  }

  function verifyWith(
    key: VerificationKey,
    token: string,
    read: ReadToken,
  ): RememberedToken<Own> | Promise<RememberedToken<Own>> {
    const signed = requireSignature(read, key, rule, refusalFor)
    throwRefusal(signed)
    const owned = checkOwnClaims(signed.claims)
    if (!(owned instanceof Promise)) return remember(token, signed, owned)
    return owned.then((judged) => {
      throwRefusal(signed)
      return remember(token, signed, judged)
    })
  }

  function remember(
    token: string,
    signed: SignedToken,
    owned: JudgedOwnClaims<Own>,
  ): RememberedToken<Own> {
    if (owned.kind === 'refused') throw unfitOwnClaims(owned.paths, audience)
    const known = rememberedToken(token, { signed, audience, own: owned.own, verifiedBy: family })
    // What cannot be frozen would be shared by all requests that bring the token.
    if (owned.isFrozen) cache.offer(known)
    return known
  }

  return {
    throwRefusal,
    recall: (token) => {
      const known = typeof token === 'string' ? cache.find(token) : undefined
      // The signature counts only under the very key that it was checked with.
      if (known === undefined || heldKey(known.signed.key.kid) !== known.signed.key)
        return undefined
      const refusal = refusalOf(known.signed)
      if (refusal === undefined)
        return known.audience === audience ? known : answeredFor(audience, known)
      if (isFinal(refusal)) cache.drop(token)
      throw refusal
    },
    verifyNew: (token, signed) => {
      const read = requireRead(signed, expected, refusalFor, signed !== token)
      const key = heldKey(read.kid)
      return key === undefined
        ? waitForKey(read.kid).then((found) => verifyWith(found, token, read))
        : verifyWith(key, token, read)
    },
  }
}

function requireRead(
  signed: unknown,
  expected: TokenRule['expected'],
  refusalFor: Refusals['refusalFor'],
  wasEncrypted: boolean,
): ReadToken {
  const read = readAccessToken(signed, expected)
  if (read.kind === 'refused') throw refusalFor(read.why)
  // One key may be registered at several issuers: no key of one is looked for at another.
  if (wasEncrypted && read.jws.payload['iss'] !== expected.issuer) throw refusalFor('wrong-issuer')
  return read
}

function requireSignature(
  read: ReadToken,
  key: VerificationKey,
  rule: TokenRule,
  refusalFor: Refusals['refusalFor'],
): SignedToken {
  const checked = checkSignature(read, key, rule)
  if (checked.kind === 'signed') return checked.token
  const { why, claim } = checked
  throw claim === undefined ? refusalFor(why) : malformedClaim(claim, rule.expected.audience)
}

type Refusals = Pick<TokenJudge<unknown>, 'throwRefusal'> & {
  readonly refusalFor: (fault: TokenFault) => VerifyError
  readonly refusalOf: (signed: SignedToken) => VerifyError | undefined
}

function createRefusals(
  rule: TokenRule,
  { clockError, closedError, refused }: RevocationCheck,
): Refusals {
  const refusalFor = (fault: TokenFault): VerifyError => {
    refused(fault)
    return (
      (fault === 'stale' ? clockError() : undefined) ?? invalidToken(fault, rule.expected.audience)
    )
  }
  const refusalOf = (signed: SignedToken): VerifyError | undefined => {
    const closed = closedError()
    if (closed !== undefined) return closed
    const fault = faultOfSigned(signed, rule)
    return fault === undefined ? undefined : refusalFor(fault)
  }
  return {
    refusalFor,
    refusalOf,
    throwRefusal: (signed) => {
      const refusal = refusalOf(signed)
      if (refusal !== undefined) throw refusal
    },
  }
}

/** Staleness and early times pass by themselves, and another audience may ask for the same token. */
function isFinal({ reason }: VerifyError): boolean {
  return reason === 'expired' || reason === 'revoked' || reason === 'key-withdrawn'
}

/** What another audience's was remembered with, for this one, for which the token is judged by now. */
function answeredFor<Own>(audience: string, known: RememberedToken<Own>): RememberedToken<Own> {
  const here = { ...known, audience }
  return { ...here, answer: createVerifiedToken(here) }
}

function rememberedToken<Own>(token: string, facts: VerifiedTokenFacts<Own>): RememberedToken<Own> {
  const { signed } = facts
  return {
    ...facts,
    token,
    bytes: bytesHeld(token, signed),
    wasAsked: false,
    // A confirmation in a form that is not known here (RFC 7800) is still a confirmation.
    isBound: Object.hasOwn(signed.claims, 'cnf'),
    answer: createVerifiedToken(facts),
  }
}
