import type { Buffer } from 'node:buffer'
import { rememberedByName } from './by-name.ts'

export interface HeaderField {
  /** Lower case. */
  readonly name: string
  /** As it came. */
  readonly spelling: string
  readonly value: string
}

/** A flat list of octets, one character each. RFC 9110 section 5.5: outside ASCII they mean nothing here. */
export function receivedFields(rawHeaders: readonly (Buffer | string)[]): HeaderField[] {
  return headerFields(
    rawHeaders.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))),
  )
}

/** Node's flat list as fields, in order, with repeats. */
export function headerFields(rawHeaders: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const spelling = rawHeaders[at] ?? ''
    fields.push({ spelling, name: lowerCase(spelling), value: rawHeaders[at + 1] ?? '' })
  }
  return fields
}

/** `name` is in lower case. */
export function valuesOf(fields: readonly HeaderField[], name: string): string[] {
  return fields.filter((field) => field.name === name).map(({ value }) => value)
}

const lowerCase = rememberedByName((spelling) => spelling.toLowerCase())
