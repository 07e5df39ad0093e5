import type { DatabaseSync } from 'node:sqlite'

/** Whoever writes is alone, so what is free now stays free. */
const nextEventIds = `(
  WITH RECURSIVE ids (id) AS (
    SELECT coalesce(max(id), 0) + 1 FROM events UNION ALL SELECT id + 1 FROM ids LIMIT ?1
  ) SELECT id FROM ids)`

/**
 * PostgreSQL's words in those of SQLite: parameters are numbered with a question mark, and there are no
 * locks of rows, because whoever writes holds the only lock there is. A list comes as one parameter,
 * as JSON, in both; and texts are compared octet by octet here without being told.
 */
export function inSqlite(sql: string): string {
  return sql
    .replaceAll(/\$(?=\d)/g, '?')
    .replaceAll(/\sFOR UPDATE(?: OF \w+)?(?: SKIP LOCKED)?/g, '')
    .replaceAll(/\bjsonb?_array_elements(?:_text)?\((\?\d+)::jsonb?\)/g, 'json_each($1)')
    .replaceAll(' COLLATE "C"', '')
    .replaceAll(' OVERRIDING SYSTEM VALUE', '')
    .replaceAll('next_event_ids(?1)', nextEventIds)
}

/** Teaches a connection the functions that SQLite lacks. `clock` answers the time of the statement. */
export function teachFunctions(connection: DatabaseSync, clock: () => number): void {
  connection.function('transaction_now', clock)
  connection.function('statement_now', clock)
  const options = { deterministic: true, varargs: true }
  connection.function('greatest', options, (...values) => Math.max(...values.map(Number)))
  connection.function('least', options, (...values) => Math.min(...values.map(Number)))
}
