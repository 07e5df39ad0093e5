import { existsSync } from 'node:fs'
import { StartError } from '@portcullis/runtime'
import type { StoreReader } from './database.ts'
import { pathOfDatabase } from './open-database.ts'
import { openPostgresReader } from './postgres.ts'
import { openSqliteReader } from './sqlite.ts'

export async function openReader(url: string): Promise<StoreReader> {
  const path = pathOfDatabase(url)
  if (path === undefined) return openPostgresReader(url)
  if (existsSync(path)) return openSqliteReader(path)
  throw new StartError(`there is no store at ${path}`, 'Name the database of the issuer.')
}
