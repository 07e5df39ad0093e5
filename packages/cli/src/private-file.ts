import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartError, systemErrorCode, writeDurably } from '@portcullis/runtime'

export interface PrivateFile {
  readonly remove: () => void
}

/**
 * Writes a file that only its owner can read (0600), whole or not at all: a crash leaves the old
 * content or the new, never a part.
 */
export function writePrivateFile(path: string, content: string): PrivateFile {
  const draft = `${path}.${process.pid}.draft`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    rmSync(draft, { force: true })
    writeDurably(draft, `${content}\n`)
    renameSync(draft, path)
  } catch (error) {
    throw new StartError(
      `${path} cannot be written (${systemErrorCode(error) ?? 'error'})`,
      'Check that its folder belongs to this user and can be written.',
      { cause: error },
    )
  }
  return { remove: () => rmSync(path, { force: true }) }
}
