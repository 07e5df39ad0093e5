import { Buffer } from 'node:buffer'
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { StartError, systemErrorCode, writeDurably } from '@portcullis/runtime'

export interface PrivateFile {
  readonly remove: () => void
}

/** Room for a file that is not there yet. */
export interface ReservedFile {
  readonly write: (content: string) => PrivateFile
  /** What was not written leaves nothing behind. */
  readonly release: () => void
}

/**
 * Writes a file that only its owner can read (0600), whole or not at all: a crash leaves the old
 * content or the new, never a part.
 */
export function writePrivateFile(path: string, content: string): PrivateFile {
  const draft = draftOf(path)
  orExplain(path, () => {
    begin(draft, `${content}\n`)
    renameSync(draft, path)
  })
  return { remove: () => rmSync(path, { force: true }) }
}

/** The same in two steps: that it can be written is known, and paid for on the disk, before there is a content. */
export function reservePrivateFile(path: string, bytes: number): ReservedFile {
  const draft = draftOf(path)
  orExplain(path, () => begin(draft, ' '.repeat(bytes)))
  return {
    write: (content) => {
      orExplain(path, () => {
        overwrite(draft, `${content}\n`)
        renameSync(draft, path)
      })
      return { remove: () => rmSync(path, { force: true }) }
    },
    release: () => rmSync(draft, { force: true }),
  }
}

function draftOf(path: string): string {
  return `${path}.${process.pid}.draft`
}

function begin(draft: string, text: string): void {
  mkdirSync(dirname(draft), { recursive: true, mode: 0o700 })
  rmSync(draft, { force: true })
  writeDurably(draft, text)
}

/** In the room that it has: shortened only when all is in it. */
function overwrite(draft: string, text: string): void {
  const file = openSync(draft, 'r+')
  try {
    writeFileSync(file, text)
    ftruncateSync(file, Buffer.byteLength(text))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function orExplain(path: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    removeDraft(draftOf(path))
    throw new StartError(
      `${path} cannot be written (${systemErrorCode(error) ?? 'error'})`,
      'Check that its folder belongs to this user and can be written.',
      { cause: error },
    )
  }
}

function removeDraft(draft: string): void {
  try {
    rmSync(draft, { force: true })
  } catch {
    // Where nothing can be written, nothing may be there to remove.
  }
}
