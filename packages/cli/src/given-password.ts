import { CommandError } from './command-error.ts'
import { readStandardInput, readTextFile } from './given-text.ts'

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
  if (passwordStdin === true) return passwordIn(await readStandardInput(), 'standard input')
  return passwordFile === undefined
    ? undefined
    : passwordIn(readTextFile(passwordFile), passwordFile)
}

function passwordIn(text: string, where: string): string {
  const password = withoutLineBreak(text)
  if (password !== '') return password
  throw new CommandError(2, `${where} holds no password`, 'Give one, and nothing else.')
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}
