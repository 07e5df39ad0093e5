import { open } from 'node:fs/promises'
import { systemErrorCode } from '@portcullis/runtime'
import { CommandError } from '../command-error.ts'

/** A file, or standard input for `-`. One that cannot be read is told before anything is asked. */
export async function openSource(path: string): Promise<AsyncIterable<Uint8Array>> {
  if (path === '-') return readable(process.stdin, path)
  try {
    return readable((await open(path)).createReadStream(), path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function* readable(
  source: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): CommandError {
  const why = systemErrorCode(error) ?? 'error'
  return new CommandError(2, `${path} cannot be read (${why})`, 'Name a file with the accounts.')
}
