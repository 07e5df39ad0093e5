import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryFolder {
  readonly path: string
  readonly remove: () => void
}

/**
 * In memory where Linux has room for it, because waiting for the disk takes longer than everything else;
 * what survives a kill there is what survives it on a disk.
 */
export function createTemporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), 'portcullis-identity-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) }
}

const memory = '/dev/shm'
const roomBytesMin = 256 * 1024 * 1024

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize >= roomBytesMin
  } catch {
    return false
  }
}
