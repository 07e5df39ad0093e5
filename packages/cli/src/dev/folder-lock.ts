import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StartError } from '@portcullis/runtime'

/**
 * Makes sure that one system runs in a folder at a time. The lock is one of the operating system, held
 * through an open SQLite file, so it goes with the process, however that ends.
 */
export function lockFolder(path: string): { readonly release: () => void } {
  closeSync(openSync(path, 'a', 0o600))
  const lock = new DatabaseSync(path)
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new StartError(
      'a system is already running in this folder',
      'Stop it first, or start this one in another folder.',
      { cause: error },
    )
  }
  return { release: () => lock.close() }
}
