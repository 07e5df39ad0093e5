import { closeSync, openSync, statSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { StartError } from '@portcullis/runtime'
import type { CopiedStore, OnProgress } from './copied-store.ts'
import { factsOf, isOfAnother, megabytes, noStore } from './copied-store.ts'
import { synchronise } from './drafts.ts'
import { mendable } from './failures.ts'

/** Some 8 MB, which take some ten milliseconds. */
const pagesAtOnce = 2000
const busyMs = 5000

/** Copies a file that may be in use: as it is at one moment, and holding nobody up. */
export async function copySqlite(
  path: string,
  copyPath: string,
  onProgress: OnProgress,
): Promise<CopiedStore> {
  const source = openSource(path)
  // Made here and not by SQLite, which would let others read it.
  closeSync(openSync(copyPath, 'wx', 0o600))
  try {
    const pageBytes = openSnapshot(source, path)
    await backup(source, copyPath, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) =>
        onProgress({
          done: megabytes((totalPages - remainingPages) * pageBytes),
          total: megabytes(totalPages * pageBytes),
          unit: 'MB',
        }),
    })
  } finally {
    source.close()
  }
  return finishCopy(copyPath, path)
}

function openSource(path: string): DatabaseSync {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
      throw new StartError(`there is no store at ${path}`, 'Name the database of the issuer.')
    }
    return new DatabaseSync(path, { readOnly: true })
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): unknown {
  return mendable(`the store ${path} cannot be read`, error)
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
    throw isOfAnother(error) ? noStore(path, error) : unreadable(path, error)
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
