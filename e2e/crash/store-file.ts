import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RevocationPosition } from '@portcullis/protocol/revocations'
import type { StoreView } from './store-view.ts'
import { viewOf } from './store-view.ts'

/**
 * Reads a copy. To open the files themselves would recover them, and that is for the next identity to
 * do. The shared-memory file is left out: SQLite makes it anew from the write-ahead log.
 */
export async function readStoreFile(path: string): Promise<StoreView> {
  const folder = mkdtempSync(`${path}-copy-`)
  try {
    const copy = join(folder, 'copy.db')
    copyFileSync(path, copy)
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`)
    const database = new DatabaseSync(copy)
    try {
      const [integrity] = database.prepare('PRAGMA integrity_check').all()
      assert.equal(integrity?.['integrity_check'], 'ok')
      const view = await viewOf(async (sql) => database.prepare(sql).all())
      return { ...view, highWater: readHighWater(`${path}.high-water`) }
    } finally {
      database.close()
    }
  } finally {
    rmSync(folder, { recursive: true, maxRetries: 5 })
  }
}

function readHighWater(path: string): RevocationPosition {
  const [epoch = '', , seq] = readFileSync(path, 'utf8').trim().split(' ')
  return { epoch, seq: Number(seq) }
}
