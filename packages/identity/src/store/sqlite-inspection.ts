import type { DatabaseSync as Connection } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { TableFault } from './database.ts'

/*
 * Reads tables and each of their indexes to the end. That takes seconds where there are a million rows, so it happens in
 * a thread of its own, which loads this file and no other of ours.
 */

/** Tables, and of each what has to be found by `describeTable`. */
export type ExpectedTables = Readonly<Record<string, readonly string[]>>

interface Inspection {
  readonly inspected: string
  readonly expected: ExpectedTables
}

export function inspectFile(
  path: string,
  expected: ExpectedTables,
): Promise<TableFault | undefined> {
  const asked: Inspection = { inspected: path, expected }
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: asked })
    thread.once('message', resolve)
    thread.once('error', reject)
    thread.once('exit', () => reject(new Error('the tables were not looked at to the end')))
  })
}

if (!isMainThread && isInspection(workerData)) {
  // A port of Node, whose messages go to no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(inspect(workerData))
}

/** Other threads may load this file too. */
function isInspection(data: unknown): data is Inspection {
  return typeof data === 'object' && data !== null && 'inspected' in data && 'expected' in data
}

function inspect({ inspected, expected }: Inspection): TableFault | undefined {
  const file = new DatabaseSync(inspected, { readOnly: true })
  try {
    for (const [table, facts] of Object.entries(expected)) {
      const found = new Set(describeTable(file, table))
      // A later release may have added columns.
      if (!facts.every((fact) => found.has(fact))) return { what: 'table' }
      const fault = indexFault(file, table)
      if (fault !== undefined) return fault
    }
    return undefined
  } catch (error) {
    if (!isCorrupt(error)) throw error
    return { what: 'table' }
  } finally {
    file.close()
  }
}

/** Whether it is a table, and what its columns are. */
export function describeTable(connection: Connection, table: string): readonly string[] {
  const kinds = connection
    .prepare('SELECT type, wr, strict FROM pragma_table_list WHERE schema = ? AND name = ?')
    .all('main', table)
  const columns = connection
    .prepare('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
    .all(table)
  return [...kinds, ...columns].map((fact) => JSON.stringify(fact))
}

/** Each row in each index, in order, and no other (sqlite.org/pragma.html#pragma_integrity_check). */
function indexFault(file: Connection, table: string): TableFault | undefined {
  const found = file
    .prepare(`PRAGMA integrity_check(${table})`)
    .all()
    .map((row) => String(row['integrity_check']))
  if (found.length === 1 && found[0] === 'ok') return undefined
  const [, place] =
    found.map((fault) => /\brow (\d+)\b/.exec(fault)).find((row) => row !== null) ?? []
  const id = place === undefined ? undefined : idAt(file, table, Number(place))
  return id === undefined ? { what: 'index' } : { what: 'index', id }
}

/** It counts the rows and does not tell their ids. */
function idAt(file: Connection, table: string, place: number): number | undefined {
  const sql = `SELECT rowid AS id FROM ${table} NOT INDEXED ORDER BY rowid LIMIT 1 OFFSET ?`
  const id = file.prepare(sql).get(place - 1)?.['id']
  return typeof id === 'number' ? id : undefined
}

/** SQLITE_CORRUPT (sqlite.org/rescode.html), of a schema as well. */
function isCorrupt(error: unknown): boolean {
  const corrupt = 11
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === corrupt
  )
}
