import { existsSync } from 'node:fs'
import { CommandError } from './command-error.ts'
import type { FileClient } from './credentials-file.ts'
import type { PrivateFile } from './private-file.ts'
import { writePrivateFile } from './private-file.ts'

/** Id and secret of a client, as services read them; nobody else can (0600). */
export function writeClientFile(path: string, client: FileClient): PrivateFile {
  return writePrivateFile(path, JSON.stringify(client, undefined, 2))
}

export function refuseExisting(path: string): void {
  if (!existsSync(path)) return
  const remedy = 'Name another file; this one may hold the only copy.'
  throw new CommandError(1, `${path} is there already`, remedy)
}
