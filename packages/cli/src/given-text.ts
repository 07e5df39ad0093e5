import { readFileSync } from 'node:fs'
import { systemErrorCode } from '@portcullis/runtime'
import { CommandError } from './command-error.ts'

// What a command is given beside its own line, which other users of the machine can read.

export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = systemErrorCode(error) ?? 'error'
    throw new CommandError(2, `${path} cannot be read (${why})`, 'Name a file that holds it.')
  }
}

/** Names that stand in one option, with spaces or commas between them. */
export function namesIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((name) => name !== '')
}
