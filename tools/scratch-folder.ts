import { chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** Several times what the tests leave there at a time. */
const freeBytesMin = 4 * 1024 ** 3
const memory = '/dev/shm'

/**
 * Where a folder is made for what need not survive a power cut: in memory where Linux has plenty of it, for a database
 * is made there in a tenth of the time. What survives a kill there is what survives it on a disk.
 */
export function scratchParent(): string {
  return process.env['TMPDIR'] === undefined && isRoomy() ? memory : tmpdir()
}

/** The same for all that this process and its children keep. Answers how to remove what is left of it. */
export function keepScratchInMemory(): () => void {
  const folder = mkdtempSync(join(scratchParent(), 'portcullis-tests-'))
  // PostgreSQL does not run as root, and has a folder of its own in it.
  chmodSync(folder, 0o755)
  process.env['TMPDIR'] = folder
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function isRoomy(): boolean {
  try {
    const { bavail, bsize } = statfsSync(memory)
    return bavail * bsize >= freeBytesMin
  } catch {
    return false
  }
}
