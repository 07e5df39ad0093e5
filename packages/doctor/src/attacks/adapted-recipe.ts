import type { PartRecipe, VectorRecipe } from '@portcullis/verify/testing'

type Members = Readonly<Record<string, unknown>>

/** What the corpus cannot know: for whom tokens are, what else they hold, and where the attacker listens. */
export interface Setting {
  readonly audience: string
  /** What a valid token of this installation has beside the usual claims, or in their place. */
  readonly claims: Members
  /** Where an outbound request is noticed. */
  readonly trapOrigin: string
}

const corpusAudience = 'orders'
const corpusAttacker = 'https://attacker.example'

/** The same recipe for this installation: its audience in the place of `orders`, its claims beneath. */
export function adaptRecipe(recipe: VectorRecipe, setting: Setting): VectorRecipe {
  const { audience, claims, trapOrigin } = setting
  const trapped = replaceTexts(recipe, corpusAttacker, trapOrigin) as VectorRecipe
  const payload = withAudience(trapped.payload ?? {}, audience)
  return { ...trapped, payload: { ...payload, set: { aud: audience, ...claims, ...payload.set } } }
}

/** Only in `aud`: scopes of the corpus begin with the same word, and nobody need know them. */
function withAudience(part: PartRecipe, audience: string): PartRecipe {
  const { set = {}, text } = part
  const aud = 'aud' in set ? { aud: replaceTexts(set['aud'], corpusAudience, audience) } : {}
  const own =
    text === undefined
      ? {}
      : { text: text.replaceAll(`"${corpusAudience}"`, () => JSON.stringify(audience)) }
  return { ...part, ...own, set: { ...set, ...aud } }
}

function replaceTexts(value: unknown, from: string, to: string): unknown {
  if (typeof value === 'string') return value.replaceAll(from, () => to)
  if (Array.isArray(value)) return value.map((entry) => replaceTexts(entry, from, to))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value)
  return Object.fromEntries(members.map(([name, member]) => [name, replaceTexts(member, from, to)]))
}
