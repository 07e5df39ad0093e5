import type { DatabaseSync } from 'node:sqlite'

/**
 * PostgreSQL's words in those of SQLite: parameters are numbered with a question mark, and there are no
 * locks of rows, because whoever writes holds the only lock there is.
 */
export function inSqlite(sql: string): string {
  return sql
    .replaceAll(/\$(?=\d)/g, '?')
    .replaceAll(/\sFOR UPDATE(?: OF \w+)?(?: SKIP LOCKED)?/g, '')
}

/** Teaches a connection the functions that SQLite lacks. `clock` answers the time of the statement. */
export function teachFunctions(connection: DatabaseSync, clock: () => number): void {
  connection.function('transaction_now', clock)
  connection.function('statement_now', clock)
  const options = { deterministic: true, varargs: true }
  connection.function('greatest', options, (...values) => Math.max(...values.map(Number)))
  connection.function('least', options, (...values) => Math.min(...values.map(Number)))
}
