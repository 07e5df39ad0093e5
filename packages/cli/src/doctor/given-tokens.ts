import type { GivenTokens } from '@portcullis/doctor'
import { readKeySet } from '@portcullis/doctor'
import { CommandError } from '../command-error.ts'
import { readToken } from '../token/given-token.ts'
import { revocationOf } from '../token/revoke.ts'
import type { TokenChoices } from './options.ts'

/** The tokens of the files; none is on the command line, where others could read it. */
export async function givenTokens(tokenFile: string, options: TokenChoices): Promise<GivenTokens> {
  const { issuer, takeBack } = options
  const token = await readToken(tokenFile)
  const expired = await fromFile(options.expiredTokenFile)
  const revoked = await fromFile(options.revokedTokenFile)
  const otherAudience = await fromFile(options.otherAudienceTokenFile)
  // Not the development system of this folder by default: this token may be of another.
  if (takeBack === true && issuer === undefined) {
    const remedy =
      'Name where with --issuer, and as which client with --client-id or --credentials.'
    throw new CommandError(2, 'it is not known where to take the token back', remedy)
  }
  const revoke = takeBack === true ? revocationOf(token, options) : undefined
  return {
    token,
    ...(expired !== undefined && { expired }),
    ...(revoked !== undefined && { revoked }),
    ...(otherAudience !== undefined && { otherAudience }),
    ...(issuer !== undefined && { keySet: await readKeySet(issuer) }),
    ...(revoke !== undefined && { takeBack: async () => void (await revoke()) }),
  }
}

async function fromFile(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readToken(file)
}
