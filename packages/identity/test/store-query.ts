import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import type { Row } from '../src/store/database.ts'
import { pathOfDatabase } from '../src/store/open-database.ts'

/**
 * Any statement on a store, behind the program's back: through a connection of its own. Integers of
 * PostgreSQL come as text.
 */
export async function queryStore(url: string, sql: string): Promise<readonly Row[]> {
  const path = pathOfDatabase(url)
  return path === undefined ? queryPostgres(url, sql) : querySqlite(path, sql)
}

function querySqlite(path: string, sql: string): readonly Row[] {
  const database = new DatabaseSync(path)
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

async function queryPostgres(url: string, sql: string): Promise<readonly Row[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** Of the events those that tell what became of people, and not when nodes and stores began. */
export const aboutPeople = '(account_id IS NOT NULL OR actor IS NOT NULL)'
