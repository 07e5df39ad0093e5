import { parseCompactJws } from '@portcullis/protocol/jws'
import { invalidToken } from './refusals.ts'
import { createTokenCache } from './token-cache.ts'
import type { Remembered } from './token-slots.ts'
import type { VerifiedToken } from './verified-token.ts'
import type { SeveralVerifiers, Verifier } from './verifier.ts'
import { VerifyError } from './verify-error.ts'

/**
 * One verifier out of those of several issuers, for one audience. A token goes to the verifier of the
 * issuer that it names, and to no other: keys, revocations and outages of one issuer never reach the
 * tokens of another. A token of an issuer that is not among them is refused as `wrong-issuer`, and
 * nothing is fetched for it.
 *
 * Subjects, roles and scopes are those of their issuer: two issuers may call two people `alice`, so
 * a service that looks at `sub` looks at `iss` too.
 *
 * Throws a TypeError for an empty list, for two verifiers of one issuer, and for two audiences.
 */
export function composeVerifiers<Own>(verifiers: readonly Verifier<Own>[]): SeveralVerifiers<Own> {
  const [first, ...others] = verifiers
  if (first === undefined) throw new TypeError('verifiers of at least one issuer are needed')
  const { audience } = first
  if (verifiers.some((verifier) => verifier.audience !== audience)) {
    throw new TypeError('the verifiers of several issuers must have the same audience')
  }
  const choice = createIssuerChoice(verifiers)
  // Whose a token is hangs on its text alone, so what came before need not be parsed for it again.
  const chosenBefore = createTokenCache<ChosenBefore<Own>>(chosenBytesMax)

  return Object.freeze({
    issuers: Object.freeze(verifiers.map(({ issuer }) => issuer)),
    audience,
    // Who shows a proof is judged by the verifier of the token's issuer, and by what that one takes.
    dpopAlgorithms: [...new Set(verifiers.flatMap((verifier) => verifier.dpopAlgorithms))],
    verify: async (token, proof) => {
      const before = typeof token === 'string' ? chosenBefore.find(token) : undefined
      if (before !== undefined) return before.verifier.verify(token, proof)
      const verifyBy = async (verifier: Verifier<Own>): Promise<VerifiedToken<Own>> => {
        const answer = await verifier.verify(token, proof)
        // Only what is good: anybody can invent tokens that are not.
        chosenBefore.offer({ token, bytes: token.length, wasAsked: false, verifier })
        return answer
      }
      const judged = choice.forToken(token)
      switch (judged.kind) {
        case 'chosen':
          return verifyBy(judged.chosen)
        case 'malformed':
          // An encrypted token names its issuer inside. What is no token at all is refused by all alike.
          return firstThatReads(first, others, verifyBy)
        case 'wrong-issuer':
          throw invalidToken('wrong-issuer', audience)
      }
    },
    watch: (auth, ...requirements) => {
      const verifier = choice.forIssuer(auth.claims.iss)
      if (verifier === undefined) throw new TypeError('no verifier here has verified such a token')
      return verifier.watch(auth, ...requirements)
    },
    ready: async () => {
      const outcomes = await Promise.allSettled(verifiers.map(({ ready }) => ready()))
      const failure = outcomes.find(({ status }) => status === 'rejected')
      if (failure?.status === 'rejected') throw failure.reason
    },
    revocation: () => new Map(verifiers.map(({ issuer, revocation }) => [issuer, revocation()])),
    withAudience: (other: string) =>
      composeVerifiers(verifiers.map((verifier) => verifier.withAudience(other))),
    close: async () => {
      await Promise.all(verifiers.map(({ close }) => close()))
    },
  } satisfies SeveralVerifiers<Own>)
}

/** What the first answers to which the token is not unreadable, or one of another issuer. */
async function firstThatReads<Own>(
  first: Verifier<Own>,
  [second, ...others]: readonly Verifier<Own>[],
  verifyBy: (verifier: Verifier<Own>) => Promise<VerifiedToken<Own>>,
): Promise<VerifiedToken<Own>> {
  return verifyBy(first).catch((error: unknown) => {
    const isElsewhere =
      error instanceof VerifyError && /^(?:malformed|wrong-issuer)$/.test(String(error.reason))
    if (isElsewhere && second !== undefined) return firstThatReads(second, others, verifyBy)
    throw error
  })
}

interface ChosenBefore<Own> extends Remembered {
  readonly verifier: Verifier<Own>
}

/** For some 10,000 tokens, as the verifiers themselves remember. */
const chosenBytesMax = 2 ** 23

export interface IssuerChoice<Chosen> {
  /**
   * Reads the issuer out of a token of which nothing is believed yet. It chooses among those that are
   * configured, and does nothing else: the chosen one judges the whole token, its issuer included.
   */
  readonly forToken: (token: unknown) =>
    | { readonly kind: 'chosen'; readonly chosen: Chosen }
    /** Not a compact JWS. */
    | { readonly kind: 'malformed' }
    /** It names no issuer, or one that is not known here. */
    | { readonly kind: 'wrong-issuer' }
  readonly forIssuer: (issuer: unknown) => Chosen | undefined
}

/** By exact equality, out of a Map. Throws a TypeError for two of the same issuer. */
export function createIssuerChoice<Chosen extends { readonly issuer: string }>(
  issuers: readonly Chosen[],
): IssuerChoice<Chosen> {
  const byIssuer = new Map<unknown, Chosen>(issuers.map((entry) => [entry.issuer, entry]))
  if (byIssuer.size < issuers.length) throw new TypeError('two verifiers are for the same issuer')

  return {
    forToken: (token) => {
      const jws = parseCompactJws(token)
      if (jws.kind === 'malformed') return { kind: 'malformed' }
      const chosen = byIssuer.get(jws.payload['iss'])
      return chosen === undefined ? { kind: 'wrong-issuer' } : { kind: 'chosen', chosen }
    },
    forIssuer: (issuer) => byIssuer.get(issuer),
  }
}
