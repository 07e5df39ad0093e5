import { parseCompactJws } from '@portcullis/protocol/jws'
import type { CompactJws } from '@portcullis/protocol/jws'
import { CommandError } from '../command-error.ts'
import { readStandardInput, readTextFile } from '../given-text.ts'

/** Verifiers take none that is longer, and neither does anything else here. */
export const tokenCharactersMax = 8192

/** The token of a file, or of standard input for `-`; without the white space around it. */
export async function readToken(file: string): Promise<string> {
  if (file === '-' && process.stdin.isTTY) {
    process.stderr.write('Paste the token, then press Enter and Ctrl-D:\n')
  }
  const token = (file === '-' ? await readStandardInput() : readTextFile(file)).trim()
  if (token !== '' && token.length <= tokenCharactersMax && !/\s/.test(token)) return token
  const where = file === '-' ? 'standard input' : file
  throw new CommandError(2, `${where} holds no token`, 'Give one token and nothing else.')
}

/** Undefined for what is no JWT in compact form, such as a refresh token. */
export function decodeJwt(token: string): CompactJws | undefined {
  const jws = parseCompactJws(token)
  return jws.kind === 'malformed' ? undefined : jws
}
