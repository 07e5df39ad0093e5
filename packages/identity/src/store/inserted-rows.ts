import type { Query, SqlValue } from './database.ts'

/** A table, and which of its columns are given, in the order of the values. */
export interface InsertedColumns {
  readonly table: string
  readonly columns: readonly (readonly [name: string, type: 'text' | 'bigint'])[]
  /** Among them is the id that the engine would have given otherwise. */
  readonly hasOwnId?: boolean
}

/** Fewer go one by one, by a statement that is prepared already. */
const manyMin = 10
/** Some tens of milliseconds, in which nobody else is served on SQLite. */
const atOnceMax = 1000

/** Inserts rows in their order. */
export async function insertRows(
  query: Query,
  into: InsertedColumns,
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  const isMany = rows.length >= manyMin
  const text = `${beginningOf(into)} ${isMany ? valuesOfMany(into) : valuesOfOne(into)}`
  const step = isMany ? atOnceMax : 1
  for (let from = 0; from < rows.length; from += step) {
    const group = rows.slice(from, from + step)
    await query(text, isMany ? [JSON.stringify(group)] : group.flat())
  }
}

function beginningOf({ table, columns, hasOwnId = false }: InsertedColumns): string {
  const names = columns.map(([name]) => name).join(', ')
  return `INSERT INTO ${table} (${names})${hasOwnId ? ' OVERRIDING SYSTEM VALUE' : ''}`
}

function valuesOfOne({ columns }: InsertedColumns): string {
  return `VALUES (${columns.map((_, index) => `$${index + 1}`).join(', ')})`
}

/** One parameter, which takes PostgreSQL a third of the time that thousands of them do. */
function valuesOfMany({ columns }: InsertedColumns): string {
  const values = columns.map(([, type], index) => `CAST(value ->> ${index} AS ${type})`)
  return `SELECT ${values.join(', ')} FROM jsonb_array_elements($1::jsonb)`
}
