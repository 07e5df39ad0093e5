import { isJsonObject, parseIssuer } from '@portcullis/protocol'

/** Options are closed: a name that is not known is a mistake, and never silently ignored. */
export function rejectUnknown(unknown: object, prefix = ''): void {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`unknown option "${prefix}${name}"`)
}

/** The mistake is told in one sentence, which ends with `rule`: `must be a function`. */
export function demand(isRight: boolean, option: string, rule: string): asserts isRight {
  if (!isRight) throw new TypeError(`option "${option}" ${rule}`)
}

/** `name` as a sentence begins with it: `options`, or `option "cookie"`. */
export function requireObject<Value extends object>(value: Value, name: string): Value {
  if (isJsonObject(value)) return value
  throw new TypeError(`${name} must be an object`)
}

export function requireText(value: unknown, option: string): string {
  demand(typeof value === 'string' && value !== '', option, 'must be a text that is not empty')
  return value
}

export function requireFunction<Value>(value: Value, option: string): Value {
  demand(typeof value === 'function', option, 'must be a function')
  return value
}

/** A clock of somebody's own. A time that is no number would be neither before nor after anything. */
export function requireClock(now: () => number): () => number {
  requireFunction(now, 'now')
  return () => {
    const ms = now()
    demand(Number.isFinite(ms), 'now', 'must answer milliseconds since 1970')
    return ms
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
  const isWithin = Number.isInteger(value) && Number(value) >= min && Number(value) <= max
  demand(isWithin, option, `must be whole ${unit} from ${min} to ${max}`)
  return Number(value)
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
  const isOrigin = new URL(url).origin === url && !url.includes('*')
  demand(isOrigin, option, 'must be an origin without a path or a pattern')
  return url
}

export function requireWholeSeconds(value: unknown, option: string): number {
  const isWhole = Number.isSafeInteger(value) && Number(value) >= 1
  demand(isWhole, option, 'must be whole seconds, 1 or more')
  return Number(value)
}
