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
const corpusHost = 'attacker.example'
/** Nobody but the doctor is to be asked for anything, and certainly not the host that the service runs on. */
const attackerOrigins = [`https://${corpusHost}`, 'http://169.254.169.254']

/** The same recipe for this installation: its audience in the place of `orders`, its claims beneath. */
export function adaptRecipe(setting: Setting, recipe: VectorRecipe): VectorRecipe {
  const { audience, claims, trapOrigin } = setting
  const trapped = adaptToTrap(trapOrigin, recipe)
  const payload = withAudience(trapped.payload ?? {}, audience)
  return { ...trapped, payload: { ...payload, set: { aud: audience, ...claims, ...payload.set } } }
}

/** The same recipe for an attacker who listens there. */
export function adaptToTrap(trapOrigin: string, recipe: VectorRecipe): VectorRecipe {
  const trapped = attackerOrigins.reduce<unknown>(
    (replaced, origin) => replaceTexts(replaced, origin, trapOrigin),
    recipe,
  ) as VectorRecipe
  // Behind the user info of a URL it is the host alone.
  const { header } = trapped
  const host = new URL(trapOrigin).host
  return header === undefined
    ? trapped
    : { ...trapped, header: replaceTexts(header, `@${corpusHost}`, `@${host}`) as PartRecipe }
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
