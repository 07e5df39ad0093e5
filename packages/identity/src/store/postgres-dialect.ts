/** How a statement is sent: one with a name is prepared once on every connection. */
export interface PreparedText {
  readonly name?: string
  readonly text: string
}

/**
 * The store's clock in PostgreSQL. Of a statement that is its own transaction, this is the time from before
 * its rows are read; `statement_timestamp()` is taken again after that, when the statement is executed.
 */
const transactionNow = 'floor(extract(epoch FROM transaction_timestamp()) * 1000)::bigint'
/** Inside a transaction that has waited for a lock, the time at which this statement came. */
const statementNow = 'floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint'

/** The sequence is looked up once, and not for each of them. */
const nextEventIds = `(
  SELECT nextval(name) AS id
  FROM (SELECT pg_get_serial_sequence('events', 'id')::regclass AS name OFFSET 0) AS sequence,
       generate_series(1, $1::bigint))`

/** Puts the clock into statements and names each. A chosen clock makes every text another one. */
export function createStatements(now: (() => number) | undefined): (sql: string) => PreparedText {
  const names = new Map<string, PreparedText>()
  return (sql) => {
    if (now !== undefined) return { text: inPostgres(sql, String(now()), String(now())) }
    const known = names.get(sql)
    if (known !== undefined) return known
    const text = inPostgres(sql, transactionNow, statementNow)
    // Only what has parameters is asked often.
    const prepared = /\$\d/.test(sql) ? { name: `portcullis_${names.size}`, text } : { text }
    names.set(sql, prepared)
    return prepared
  }
}

function inPostgres(sql: string, transaction: string, statement: string): string {
  return sql
    .replaceAll('transaction_now()', transaction)
    .replaceAll('statement_now()', statement)
    .replaceAll('next_event_ids($1)', nextEventIds)
}
