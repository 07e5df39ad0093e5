import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PostgresServer } from '../../tools/postgres-server.ts'
import { startPostgres } from '../../tools/postgres-server.ts'
import { scratchParent } from '../../tools/scratch-folder.ts'
import { openDatabase } from '../../packages/identity/src/store/open-database.ts'

/** Empty stores of one engine, all of which go when they are closed. */
export interface Stores {
  readonly create: () => Promise<string>
  /** The server of them, where there is one. */
  readonly server: PostgresServer | undefined
  readonly close: () => Promise<void>
}

export interface StoresOptions {
  /** False flushes no disk, where that can be had. */
  readonly isDurable: boolean
}

export function openSqliteStores({ isDurable }: StoresOptions): Stores {
  const folder = mkdtempSync(join(isDurable ? tmpdir() : scratchParent(), 'portcullis-histories-'))
  return {
    create: async () => `sqlite:${join(folder, randomName(), 'identity.db')}`,
    server: undefined,
    close: async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** Undefined when npm has no PostgreSQL for this machine. */
export async function openPostgresStores(options: StoresOptions): Promise<Stores | undefined> {
  const server = await startPostgres(options)
  if (server === undefined) return undefined
  return {
    create: async () => {
      const name = `histories_${randomName()}`
      const database = await openDatabase(server.url)
      await database.write(`CREATE DATABASE ${name} TEMPLATE template0`)
      await database.close()
      const url = new URL(server.url)
      url.pathname = `/${name}`
      return url.href
    },
    server,
    close: server.remove,
  }
}

function randomName(): string {
  return randomBytes(8).toString('hex')
}
