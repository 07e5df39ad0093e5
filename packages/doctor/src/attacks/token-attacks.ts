import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Vector, VectorRecipe } from '@portcullis/verify/testing'
import { buildVector } from '@portcullis/verify/testing'
import type { Setting } from './adapted-recipe.ts'
import { adaptRecipe } from './adapted-recipe.ts'
import type { Attack, AttackRequest, Unmade } from './attack.ts'
import { classify } from './classification.ts'

/** Makes the text of a token from its recipe. */
export type Forge = Parameters<typeof buildVector>[1]['forge']

export interface TokenAttacks {
  readonly attacks: readonly Attack[]
  readonly unmade: readonly Unmade[]
}

export interface TokenAttackOptions extends Setting {
  readonly corpus: readonly Vector[]
  readonly algorithm: AlgorithmName
  readonly forge: Forge
}

/** Every entry of the corpus that an issuer with this algorithm can send, as requests. */
export function createTokenAttacks(options: TokenAttackOptions): TokenAttacks {
  const attacks: Attack[] = []
  const unmade: Unmade[] = []
  for (const vector of options.corpus) {
    const found = classify(vector)
    if (found === undefined) continue
    const why = whyNot(vector, options.algorithm)
    if (why === undefined) attacks.push(attackOf(vector, found, options))
    else unmade.push({ id: vector.id, why })
  }
  return { attacks, unmade }
}

/** The valid token of this installation, as every plain twin is. */
export function plainRequest(options: Setting & { readonly forge: Forge }): AttackRequest {
  return requestOf({}, options)
}

function attackOf(
  vector: Vector,
  found: Pick<Attack, 'weakness' | 'severity'>,
  options: TokenAttackOptions,
): Attack {
  const { id, forges, source, recipe, twin = {} } = vector
  return {
    id,
    forges,
    references: source.split(', '),
    ...found,
    request: () => requestOf(recipe, options),
    twin: () => requestOf(twin, options),
    twinName: JSON.stringify(twin),
  }
}

function requestOf(
  recipe: VectorRecipe,
  options: Setting & { readonly forge: Forge },
): AttackRequest {
  const { token, authorization } = buildVector(adaptRecipe(recipe, options), options)
  return { token, headers: authorization.map((value) => ['authorization', value]) }
}

const corpusAlgorithm: AlgorithmName = 'RS256'
/** What entries without an algorithm do with the RSA key of the issuer. */
const needsRsa = /hmac-(?:pem-pkcs1|modulus)|own-key-|<(?:nested)?jwe>/

function whyNot(vector: Vector, algorithm: AlgorithmName): string | undefined {
  if (vector.carrier === 'call') return 'no header of HTTP can carry it'
  const { algorithm: own = corpusAlgorithm } = vector
  if (own === algorithm) return undefined
  if (own !== corpusAlgorithm) return `it is for tokens with ${own}`
  return needsRsa.test(JSON.stringify(vector.recipe)) ? 'it is for RSA keys' : undefined
}
