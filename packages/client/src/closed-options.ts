/** The checks behind every object that a caller hands in; each names what is wrong, never its value. */
export function requireObject(value: unknown, name: string): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw new TypeError(`${name} must be an object`)
}

export function requireText(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`${name} must be a text that is not empty`)
}

export function requireFunction<Value>(value: Value, name: string): Value {
  if (typeof value === 'function') return value
  throw new TypeError(`${name} must be a function`)
}

/** An object that has no other members than these; they themselves are for the issuer to judge. */
export function requireMembers(value: unknown, name: string, known: readonly string[]): void {
  requireObject(value, name)
  const unknown = Object.keys(value as object).filter((member) => !known.includes(member))
  rejectUnknown(Object.fromEntries(unknown.map((member) => [member, true])), 'member')
}

export function rejectUnknown(unknown: object, kind: 'option' | 'member'): void {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`unknown ${kind} "${name}"`)
}
