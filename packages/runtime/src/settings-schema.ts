import type { ErrorObject, SchemaObject } from 'ajv'
import { Ajv } from 'ajv'
import { nearestName } from './nearest-name.ts'
import type { Mistake } from './settings-file.ts'

export type SchemaCheck<Value> =
  | { readonly kind: 'valid'; readonly value: Value }
  | { readonly kind: 'mistaken'; readonly mistakes: readonly Mistake[] }

// Schemas are held against the meta-schema by their types; to do it again at every start takes 40 ms.
const ajv = new Ajv({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  validateSchema: false,
  // With each error comes the schema that was not met, and what does not meet it.
  verbose: true,
})

/**
 * Checks a value against a JSON Schema and reports every mistake at once, each with its JSON pointer.
 * Nothing is coerced, filled in or removed. `Value` is what the schema describes: write
 * `checkAgainstSchema<FromSchema<typeof schema>>(schema, value)`, so that both come from one place.
 */
export function checkAgainstSchema<Value>(
  schema: SchemaObject,
  value: unknown,
): SchemaCheck<Value> {
  const isValid = ajv.compile<Value>(schema)
  if (isValid(value)) return { kind: 'valid', value }
  // Ajv reports a bad property name twice; only the error that carries the name in `params` is kept.
  const errors = (isValid.errors ?? []).filter(({ propertyName }) => propertyName === undefined)
  return { kind: 'mistaken', mistakes: errors.map(mistakeOf) }
}

function mistakeOf(error: ErrorObject): Mistake {
  const { instancePath, params, message = 'is not valid' } = error
  const { additionalProperty, missingProperty, allowedValues, propertyName } = params
  if (typeof additionalProperty === 'string') {
    return {
      path: pointerToMember(instancePath, additionalProperty),
      message: `is not a known setting${whatWasMeant(additionalProperty, error)}`,
    }
  }
  if (typeof missingProperty === 'string') {
    return { path: pointerToMember(instancePath, missingProperty), message: 'is required' }
  }
  if (typeof propertyName === 'string') {
    return { path: pointerToMember(instancePath, propertyName), message: 'is not a valid name' }
  }
  const choices = Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : ''
  return { path: instancePath, message: `${message}${choices}` }
}

/** Not one that stands there already: it was meant there. */
function whatWasMeant(member: string, { parentSchema, data }: ErrorObject): string {
  const known = Object.keys(parentSchema?.['properties'] ?? {})
  const free = known.filter((name) => !Object.hasOwn(Object(data), name))
  const meant = nearestName(member, free)
  return meant === undefined ? '' : `: did you mean ${meant}?`
}

/**
 * The JSON pointer to a member. Tilde and slash mean something in a pointer, so a name that has them
 * is escaped (RFC 6901 section 3).
 */
export function pointerToMember(parent: string, member: string): string {
  return `${parent}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`
}
