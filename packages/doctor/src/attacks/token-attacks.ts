import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { Vector, VectorRecipe } from '@portcullis/verify/testing'
import { buildVector } from '@portcullis/verify/testing'
import type { Attack, AttackRequest, Unmade } from './attack.ts'
import { CannotForge } from './cannot-forge.ts'
import { classify } from './classification.ts'

/** Makes the text of a token from its recipe; throws a `CannotForge` where that takes a key that is not there. */
export type Forge = Parameters<typeof buildVector>[1]['forge']

/** How recipes of the corpus become requests to this service. */
export interface Making {
  readonly forge: Forge
  readonly adapt: (recipe: VectorRecipe) => VectorRecipe
}

export interface TokenAttacks {
  readonly attacks: readonly Attack[]
  readonly unmade: readonly Unmade[]
}

export interface TokenAttackOptions extends Making {
  readonly corpus: readonly Vector[]
  readonly algorithm: AlgorithmName
  /** Every twin, where no other valid token can be made than this one. */
  readonly plain?: () => AttackRequest
}

/** Every entry of the corpus that can be made with this algorithm and these keys, as requests. */
export function createTokenAttacks(options: TokenAttackOptions): TokenAttacks {
  const attacks: Attack[] = []
  const unmade: Unmade[] = []
  for (const vector of options.corpus) {
    const found = classify(vector)
    if (found === undefined) continue
    const why = whyNot(vector, options)
    if (why === undefined) attacks.push(attackOf(vector, found, options))
    else unmade.push({ id: vector.id, why })
  }
  return { attacks, unmade }
}

export function requestOf(recipe: VectorRecipe, { forge, adapt }: Making): AttackRequest {
  const { token, authorization } = buildVector(adapt(recipe), { forge })
  return { token, headers: authorization.map((value) => ['authorization', value]) }
}

function attackOf(
  vector: Vector,
  found: Pick<Attack, 'weakness' | 'severity'>,
  options: TokenAttackOptions,
): Attack {
  const { id, forges, source, recipe, twin = {} } = vector
  const { plain } = options
  return {
    id,
    forges,
    references: source.split(', '),
    ...found,
    request: () => requestOf(recipe, options),
    twin: plain ?? (() => requestOf(twin, options)),
    twinName: plain === undefined ? JSON.stringify(twin) : '{}',
  }
}

const corpusAlgorithm: AlgorithmName = 'RS256'
/** What entries without an algorithm do with the RSA key of the issuer. */
const needsRsa = /hmac-(?:pem-pkcs1|modulus)|own-key-|<(?:nested)?jwe>/

function whyNot(vector: Vector, options: TokenAttackOptions): string | undefined {
  const { algorithm, plain } = options
  if (vector.carrier === 'call') return 'no header of HTTP can carry it'
  const { algorithm: own = corpusAlgorithm } = vector
  if (own !== algorithm) {
    if (own !== corpusAlgorithm) return `it is for tokens with ${own}`
    if (needsRsa.test(JSON.stringify(vector.recipe))) return 'it is for RSA keys'
  }
  return plain === undefined ? undefined : whyUnforgeable(vector, options)
}

function whyUnforgeable({ recipe }: Vector, making: Making): string | undefined {
  try {
    requestOf(recipe, making)
    return undefined
  } catch (error) {
    if (error instanceof CannotForge) return error.message
    throw error
  }
}
