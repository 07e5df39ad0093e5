import { closeSync, existsSync, openSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { StartError } from '@portcullis/runtime'
import type { CopiedStore, OnProgress } from './copied-store.ts'
import { factsOf, noStore } from './copied-store.ts'
import { synchronise } from './drafts.ts'

/** Some 8 MB, which take some ten milliseconds. */
const pagesAtOnce = 2000
const busyMs = 5000
const octetsOfMegabyte = 1_000_000

/** Copies a file that may be in use: as it is at one moment, and holding nobody up. */
export async function copySqlite(
  path: string,
  copyPath: string,
  onProgress: OnProgress,
): Promise<CopiedStore> {
  if (!existsSync(path)) {
    throw new StartError(`there is no store at ${path}`, 'Name the database of the issuer.')
  }
  // Made here and not by SQLite, which would let others read it.
  closeSync(openSync(copyPath, 'wx', 0o600))
  const source = new DatabaseSync(path, { readOnly: true })
  try {
    const pageBytes = openSnapshot(source, path)
    await backup(source, copyPath, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) =>
        onProgress({
          done: ((totalPages - remainingPages) * pageBytes) / octetsOfMegabyte,
          total: (totalPages * pageBytes) / octetsOfMegabyte,
          unit: 'MB',
        }),
    })
  } finally {
    source.close()
  }
  return finishCopy(copyPath, path)
}

/**
 * What others commit from here on is not seen over this connection. Without it the copy would begin anew at each of
 * their commits, and never end where there are many. Answers the octets of a page.
 */
function openSnapshot(source: DatabaseSync, path: string): number {
  try {
    source.exec(`PRAGMA busy_timeout = ${busyMs}; BEGIN`)
    source.prepare('SELECT epoch FROM revocation_head').get()
    return Number(source.prepare('PRAGMA page_size').get()?.['page_size'])
  } catch (error) {
    throw noStore(path, error)
  }
}

function finishCopy(copyPath: string, path: string): CopiedStore {
  const copy = new DatabaseSync(copyPath)
  try {
    // One file then, which can be read where nothing can be written.
    copy.exec('PRAGMA journal_mode = DELETE')
    const [fault] = copy.prepare('PRAGMA quick_check(1)').all()
    if (fault?.['quick_check'] !== 'ok') {
      throw new StartError(
        `the database ${path} is damaged: ${String(fault?.['quick_check'])}`,
        'Keep your earlier backups, and restore the latest one.',
      )
    }
    return factsOf(copy, path)
  } finally {
    copy.close()
    synchronise(copyPath)
  }
}
