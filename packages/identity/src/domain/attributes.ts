import type { JsonValue } from '@portcullis/protocol'

/** What an operator keeps of an account for services to know, such as its tenant. No secrets. */
export type Attributes = Readonly<Record<string, AttributeValue>>

export type AttributeValue = string | number | boolean

/** As RFC 7396 has it: what is named replaces, null takes away, what is not named stays. */
export type AttributeChanges = Readonly<Record<string, AttributeValue | null>>

/** Attributes may become claims, and a whole token has 1,800 bytes by default. */
const attributesMax = 32
const bytesMax = 2048
const valueCharactersMax = 256
const namePattern = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

export type ParsedAttributeChanges =
  | { readonly kind: 'changes'; readonly changes: AttributeChanges }
  | { readonly kind: 'malformed'; readonly name: string; readonly why: string }

/** Reads one flat object. Null is for changes only: a new account has nothing to take away. */
export function parseAttributeChanges(
  members: Readonly<Record<string, JsonValue | undefined>>,
): ParsedAttributeChanges {
  const changes: [string, AttributeValue | null][] = []
  for (const [name, value] of Object.entries(members)) {
    if (!namePattern.test(name)) {
      return malformed(name, 'is not a name: a letter, then up to 63 letters, digits and _')
    }
    if (typeof value === 'string' && value.length > valueCharactersMax) {
      return malformed(name, `must not have more than ${valueCharactersMax} characters`)
    }
    if (typeof value === 'object' && value !== null) {
      return malformed(name, 'must be a string, a number, true, false or null')
    }
    if (value !== undefined) changes.push([name, value])
  }
  return { kind: 'changes', changes: Object.fromEntries(changes) }
}

/** Undefined when there would be more than fits. */
export function applyAttributeChanges(
  attributes: Attributes,
  changes: AttributeChanges,
): Attributes | undefined {
  const merged = Object.entries({ ...attributes, ...changes }).filter(
    (entry): entry is [string, AttributeValue] => entry[1] !== null,
  )
  const next: Attributes = Object.fromEntries(merged)
  const fits = merged.length <= attributesMax && Buffer.byteLength(JSON.stringify(next)) <= bytesMax
  return fits ? next : undefined
}

export const attributesTooLarge: string = `there may be ${attributesMax} attributes with ${bytesMax} bytes together`

/** Attributes that had a value and have another one now, or none. */
export function lostAttributes(before: Attributes, after: Attributes): readonly string[] {
  return Object.keys(before).filter((name) => before[name] !== after[name])
}

function malformed(name: string, why: string): ParsedAttributeChanges {
  return { kind: 'malformed', name, why }
}
