import { readFileSync } from 'node:fs'
import { systemErrorCode } from '@portcullis/runtime'
import { CommandError } from './command-error.ts'

/** Where a command may get a password from; never from its own line, which other users can read. */
export interface PasswordOptions {
  readonly passwordStdin?: true
  readonly passwordFile?: string
}

/** Undefined when neither is named. The final line break is not a part of it. */
export async function readPassword(options: PasswordOptions): Promise<string | undefined> {
  const { passwordStdin, passwordFile } = options
  if (passwordStdin === true && passwordFile !== undefined) {
    throw new CommandError(2, 'the password comes from two places', 'Name one of them.')
  }
  if (passwordStdin === true) return withoutLineBreak(await readStandardInput())
  return passwordFile === undefined ? undefined : withoutLineBreak(readTextFile(passwordFile))
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = systemErrorCode(error) ?? 'error'
    throw new CommandError(2, `${path} cannot be read (${why})`, 'Name a file that holds it.')
  }
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}
