import type { SqlValue } from './database.ts'

/** What rows must be like, one condition after the other, with the values apart from the text. */
export interface Conditions {
  /** A question mark for each value. Nothing that somebody has typed belongs into the text. */
  readonly add: (text: string, ...values: readonly SqlValue[]) => void
  readonly text: () => string
  readonly values: () => readonly SqlValue[]
  /** The place of one more value of the statement, behind the conditions. */
  readonly place: (value: SqlValue) => string
}

export function createConditions(): Conditions {
  const texts: string[] = []
  const values: SqlValue[] = []
  const place = (value: SqlValue): string => `$${values.push(value)}`
  return {
    add: (text, ...added) => {
      const [first = '', ...others] = text.split('?')
      texts.push(others.reduce((sql, part, at) => sql + place(added[at] ?? null) + part, first))
    },
    text: () => texts.join(' AND '),
    values: () => values,
    place,
  }
}
