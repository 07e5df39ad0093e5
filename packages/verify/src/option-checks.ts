import { parseIssuer } from '@portcullis/protocol'

/** Options are closed: a name that is not known is a mistake, and never silently ignored. */
export function rejectUnknown(unknown: object, prefix = ''): void {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`unknown option "${prefix}${name}"`)
}

/** `name` as a sentence begins with it: `options`, or `option "cookie"`. */
export function requireObject<Value extends object>(value: Value, name: string): Value {
  const given: unknown = value
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return value
  throw new TypeError(`${name} must be an object`)
}

export function requireText(value: unknown, option: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`option "${option}" must be a text that is not empty`)
}

export function requireFunction<Value>(value: Value, option: string): Value {
  if (typeof value === 'function') return value
  throw new TypeError(`option "${option}" must be a function`)
}

/** A clock of somebody's own. A time that is no number would be neither before nor after anything. */
export function requireClock(now: () => number): () => number {
  requireFunction(now, 'now')
  return () => {
    const ms = now()
    if (Number.isFinite(ms)) return ms
    throw new TypeError('option "now" must answer milliseconds since 1970')
  }
}

export interface WholeRange {
  readonly min: number
  readonly max: number
  readonly unit: string
}

/** Checkpoints come every second; below three of them a late one would refuse everybody. */
export const maxStalenessRange: WholeRange = { min: 3, max: 3_600, unit: 'seconds' }

export function requireWhole(
  value: unknown,
  option: string,
  { min, max, unit }: WholeRange,
): number {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return Number(value)
  throw new TypeError(`option "${option}" must be whole ${unit} from ${min} to ${max}`)
}

/**
 * An address written exactly as it will be compared, under the rules for issuers: https, or http on
 * loopback, without user info, query, fragment and final slash.
 */
export function requireExactUrl(value: unknown, option: string): string {
  const parsed = typeof value === 'string' ? parseIssuer(value) : undefined
  if (parsed?.kind === 'issuer') return parsed.issuer
  throw new TypeError(`option "${option}" must be a URL: ${parsed?.why ?? 'it is not a text'}`)
}

/** What browsers send as `Origin` (RFC 6454 section 6.2), under the same rules. */
export function requireOrigin(value: unknown, option: string): string {
  const url = requireExactUrl(value, option)
  if (new URL(url).origin === url && !url.includes('*')) return url
  throw new TypeError(`option "${option}" must be an origin without a path or a pattern`)
}

export function requireWholeSeconds(value: unknown, option: string): number {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value)
  throw new TypeError(`option "${option}" must be whole seconds, 1 or more`)
}
