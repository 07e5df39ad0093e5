import { DatabaseSync } from 'node:sqlite'
import { redactPassword, StartError } from '@portcullis/runtime'
import type { SqlValue } from '../database.ts'
import type { Query } from '../database.ts'
import { insertRows } from '../inserted-rows.ts'
import { openPostgres, openPostgresReader } from '../postgres.ts'
import type { OnProgress } from './copied-store.ts'
import {
  columnsOf,
  namesOf,
  rememberedTables,
  rowsAtOnce,
  storedTables,
  valuesOf,
} from './stored-tables.ts'

/** A `StartError` when there is a store already, which is left alone. */
export async function requireEmpty(url: string): Promise<void> {
  const { read, close } = await openPostgresReader(url)
  try {
    const [table] = await read("SELECT to_regclass('revocation_head')::text AS name")
    if (table?.['name'] === 'revocation_head') await requireNoRows(read, url)
  } finally {
    await close()
  }
}

/** Fills an empty database from a copy, all or nothing. */
export async function fillPostgres(
  url: string,
  copyPath: string,
  onProgress: OnProgress,
): Promise<void> {
  const database = await openPostgres(url, {})
  const copy = new DatabaseSync(copyPath, { readOnly: true })
  try {
    await database.exclusive(async (query) => {
      await requireNoRows(query, url)
      await fillTables(query, copy, onProgress)
      await goOnNumbering(query, copy)
    })
  } finally {
    copy.close()
    await database.close()
  }
}

async function requireNoRows(query: Query, url: string): Promise<void> {
  for (const table of ['accounts', 'clients', 'signing_keys', 'revocation_head', 'events']) {
    const found = await query(`SELECT 1 AS one FROM ${table} LIMIT 1`)
    if (found.length === 0) continue
    throw new StartError(
      `there is a store in ${redactPassword(url)} already`,
      'Make an empty database beside it, restore into that one, and let every node use it. Nothing was changed.',
    )
  }
}

async function fillTables(query: Query, copy: DatabaseSync, onProgress: OnProgress): Promise<void> {
  let done = 0
  for (const table of storedTables) {
    const into = columnsOf(copy, table)
    // Some are made with a row in them.
    await query(`DELETE FROM ${table}`)
    let rows: (readonly SqlValue[])[] = []
    const flush = async (): Promise<void> => {
      await insertRows(query, into, rows)
      done += rows.length
      rows = []
      onProgress({ done, unit: 'rows' })
    }
    for (const row of copy.prepare(`SELECT ${namesOf(into)} FROM ${table}`).iterate()) {
      rows.push(valuesOf(into, row))
      if (rows.length === rowsAtOnce) await flush()
    }
    await flush()
  }
}

/** Behind every id that was given, also where its row is gone. */
async function goOnNumbering(query: Query, copy: DatabaseSync): Promise<void> {
  const remembered = copy.prepare('SELECT max(seq) AS id FROM sqlite_sequence WHERE name = ?')
  const position = copy.prepare('SELECT max(position) AS id FROM event_streams').get()
  const event = copy.prepare('SELECT max(id) AS id FROM events').get()
  const chained = copy.prepare('SELECT max(max(last_id, pruned_id)) AS id FROM audit_chains').get()
  const given: readonly (readonly [table: string, id: unknown])[] = [
    ['events', event?.['id']],
    ['events', chained?.['id']],
    ['security_events', position?.['id']],
    ...rememberedTables.map((table) => [table, remembered.get(table)?.['id']] as const),
  ]
  for (const table of new Set(given.map(([name]) => name))) {
    const id = Math.max(...given.map(([name, value]) => (name === table ? Number(value) : 0)))
    if (id > 0) await query(`SELECT setval(pg_get_serial_sequence('${table}', 'id'), ${id})`)
  }
}
