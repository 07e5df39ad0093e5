import { isJsonObject } from '@portcullis/protocol'
import type { Attributes } from '../domain/attributes.ts'
import type { Row } from './database.ts'

/** Reads one column of a row with the type that the schema gives it. */
export function text(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`)
  return value
}

export function integer(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new TypeError(`column ${column} holds no integer`)
  return value
}

export function optionalInteger(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : integer(row, column)
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column)
}

/** A list of strings, kept as JSON text. */
export function list(row: Row, column: string): readonly string[] {
  const value: unknown = JSON.parse(text(row, column))
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value
  throw new TypeError(`column ${column} holds no list of strings`)
}

export function optionalList(row: Row, column: string): readonly string[] | undefined {
  return row[column] === null ? undefined : list(row, column)
}

/** Strings, numbers and booleans by name, kept as JSON text. */
export function attributes(row: Row): Attributes {
  const value: unknown = JSON.parse(text(row, 'attributes'))
  const isFlat = isJsonObject(value) && Object.values(value).every((one) => typeof one !== 'object')
  if (isFlat) return value as Attributes
  throw new TypeError('column attributes holds no flat object')
}
