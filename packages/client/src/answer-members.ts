import type { JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'

/*
 * Members of the issuer's answers. Each is what it has to be, or undefined.
 */

/** RFC 3339. */
export function parseTime(value: JsonValue | undefined): Date | undefined {
  if (typeof value !== 'string') return undefined
  const time = new Date(value)
  return Number.isNaN(time.getTime()) ? undefined : time
}

export function parseText(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A whole number that is not negative. */
export function parseCount(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

export function parseTexts(value: JsonValue | undefined): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined
  const texts = value.filter((one) => typeof one === 'string')
  return texts.length === value.length ? texts : undefined
}

/** All of a list, or nothing. */
export function parseList<Entry>(
  value: JsonValue | undefined,
  parse: (entry: JsonValue) => Entry | undefined,
): readonly Entry[] | undefined {
  if (!Array.isArray(value)) return undefined
  const entries = value.map(parse).filter((entry) => entry !== undefined)
  return entries.length === value.length ? entries : undefined
}

/** What is a number of an object, by its name. */
export function parseCountsByName(value: JsonValue | undefined): Readonly<Record<string, number>> {
  const members = isJsonObject(value) ? Object.entries(value) : []
  return Object.fromEntries(
    members.flatMap(([name, count]) => (typeof count === 'number' ? [[name, count]] : [])),
  )
}

/** Without the members that are not there, which an optional property must not have as undefined. */
export function present<Members extends object>(
  members: Members,
): { [Name in keyof Members]?: Exclude<Members[Name], undefined> } {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as {
    [Name in keyof Members]?: Exclude<Members[Name], undefined>
  }
}
