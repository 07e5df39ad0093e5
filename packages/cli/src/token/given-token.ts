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

export interface DecodedJwt extends Pick<CompactJws, 'header' | 'payload'> {
  readonly isSigned: boolean
}

/**
 * Undefined for what is no JWT in compact form, such as a refresh token. One without a signature is shown like any
 * other, which no verifier would do: whoever was sent one wants to see what it says.
 */
export function decodeJwt(token: string): DecodedJwt | undefined {
  const isSigned = !token.endsWith('.')
  // RFC 7519 section 6: there the last part is empty. Any other one has the same header and payload.
  const jws = parseCompactJws(isSigned ? token : `${token}AA`)
  return jws.kind === 'malformed'
    ? undefined
    : { header: jws.header, payload: jws.payload, isSigned }
}

/** Why nothing can be read in it, and what to do with it. */
export function unreadable(token: string): CommandError {
  if (token.startsWith('prt_')) {
    const message = 'this is a refresh token, which says nothing by itself'
    return new CommandError(1, message, 'Use `token revoke` to end its session.')
  }
  return token.split('.').length === 5
    ? new CommandError(
        1,
        'this token is encrypted (JWE)',
        'Only the service that it is for can read it.',
      )
    : new CommandError(
        1,
        'this is not a JWT in compact form',
        'Give the token alone, without "Bearer" and without quotes.',
      )
}
