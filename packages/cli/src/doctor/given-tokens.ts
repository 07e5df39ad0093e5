import type { GivenTokens } from '@portcullis/doctor'
import { readKeySet } from '@portcullis/doctor'
import { CommandError } from '../command-error.ts'
import { readClientToken } from '../token/client-token.ts'
import { readToken } from '../token/given-token.ts'
import { issuerOf } from '../token/issuer-address.ts'
import { revocationOf } from '../token/revoke.ts'
import type { TokenChoices } from './options.ts'

/**
 * The tokens of the files, or one that the client of the credentials is given now; none is on the command line, where
 * others could read it.
 */
export async function givenTokens(options: TokenChoices): Promise<GivenTokens> {
  const { tokenFile, takeBack } = options
  // Whoever names no file has named credentials: their issuer is the one of the other commands.
  const issuer = tokenFile === undefined ? issuerOf(options) : options.issuer
  const token =
    tokenFile === undefined ? await readClientToken(options) : await readToken(tokenFile)
  const expired = await fromFile(options.expiredTokenFile)
  const revoked = await fromFile(options.revokedTokenFile)
  const otherAudience = await fromFile(options.otherAudienceTokenFile)
  // Not the development system of this folder by default: this token may be of another.
  if (takeBack === true && issuer === undefined) {
    const remedy =
      'Name where with --issuer, and as which client with --client-id or --credentials.'
    throw new CommandError(2, 'it is not known where to take the token back', remedy)
  }
  const revoke = takeBack === true ? revocationOf(token, revokerOf(options)) : undefined
  return {
    token,
    ...(expired !== undefined && { expired }),
    ...(revoked !== undefined && { revoked }),
    ...(otherAudience !== undefined && { otherAudience }),
    ...(issuer !== undefined && { keySet: await readKeySet(issuer) }),
    ...(revoke !== undefined && { takeBack: async () => void (await revoke()) }),
  }
}

/** A client whose token was asked for has a secret: its id told it apart, and makes it no public one. */
function revokerOf({ clientId, ...asConfidential }: TokenChoices): TokenChoices {
  const isPublic = asConfidential.tokenFile !== undefined && clientId !== undefined
  return isPublic ? { ...asConfidential, clientId } : asConfidential
}

async function fromFile(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readToken(file)
}
