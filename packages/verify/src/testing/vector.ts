import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { TokenFault } from '../access-token.ts'
import type { TokenRecipe } from './recipe.ts'
import type { TestIssuer } from './test-issuer.ts'

/** One entry of the corpus in `vectors/access-tokens.json`. */
export interface Vector {
  readonly id: string
  /** What the attacker makes. */
  readonly forges: string
  readonly why: string
  /** The RFC, advisory or entry of the threat list that it comes from. */
  readonly source: string
  readonly recipe: VectorRecipe
  /** The same without the defect, which must be accepted. Default: the plain valid token. */
  readonly twin?: VectorRecipe
  /** The issuer's algorithm, which its verifier allows beside the default ones. Default RS256. */
  readonly algorithm?: AlgorithmName
  /** `call`: no HTTP header field can carry it unchanged, so it is tried on the verifier only. */
  readonly carrier?: 'header' | 'call'
  /** The token itself is good, and `expected` is what the service answers that requires this. */
  readonly requires?: { readonly role: string } | { readonly scope: string }
  readonly expected: ExpectedAnswer
}

/** What a service answers to a request, and for what reason its verifier refuses the token alone. */
export interface ExpectedAnswer {
  readonly status: number
  /** The code of the problem document; none when the request is let in. */
  readonly code?: string
  /** None when the token is good and only the way it is presented is not. */
  readonly reason?: TokenFault
}

/** A token of the corpus, and how the request presents it. */
export interface VectorRecipe extends TokenRecipe {
  /** The values of the Authorization header fields. Default `Bearer <token>`. */
  readonly authorization?: readonly string[]
}

/** A vector as a request would carry it. */
export interface BuiltVector {
  readonly token: string
  /** One entry for each Authorization header field. */
  readonly authorization: readonly string[]
}

/** Executes the recipe of a vector with the issuer's keys. */
export function buildVector(recipe: VectorRecipe, issuer: Pick<TestIssuer, 'forge'>): BuiltVector {
  const { authorization = ['Bearer <token>'], ...tokenRecipe } = recipe
  const token = issuer.forge(tokenRecipe)
  return { token, authorization: authorization.map((value) => value.replaceAll('<token>', token)) }
}
