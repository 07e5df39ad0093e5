import { StartError } from '@portcullis/runtime'
import type { Database, DatabaseOptions } from './database.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/**
 * Opens the store that `sqlite:PATH` or `postgres://…` names and brings its schema up to date; the file of
 * SQLite is made when it is missing. Everything that an operator can mend is a `StartError`.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const path = pathOfDatabase(url)
  if (path !== undefined) return openSqlite(path, options)
  requireSupported(url)
  return openPostgres(url, options)
}

/** A `StartError` for what is no address of a store. */
export function requireSupported(url: string): void {
  if (pathOfDatabase(url) !== undefined || /^postgres(?:ql)?:\/\//.test(url)) return
  throw new StartError(
    'the address of the database is not supported',
    'Write it as sqlite:PATH, for example sqlite:.portcullis/identity.db, or as postgres://user@host/database.',
  )
}

/** The file that `sqlite:PATH` names; undefined for other addresses. */
export function pathOfDatabase(url: string): string | undefined {
  const [, path] = /^sqlite:(.+)$/.exec(url) ?? []
  return path
}
