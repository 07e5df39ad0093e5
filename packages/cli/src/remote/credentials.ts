import { administratorRole } from '@portcullis/protocol'
import { StartError } from '@portcullis/runtime'
import { CommandError } from '../command-error.ts'
import {
  defaultCredentialsFile,
  defaultEndpointsFile,
  readCredentials,
  readIssuer,
} from '../credentials-file.ts'

/** Where a remote command goes, and as whom. */
export interface RemoteOptions {
  readonly issuer?: string
  readonly credentials?: string
  readonly json?: true
}

export interface DecisionOptions extends RemoteOptions {
  /** Why; it is kept with the event. */
  readonly reason: string
}

export interface Administrator {
  readonly issuer: string
  readonly identifier: string
  readonly password: string
}

/** Reads the files; by default those of the development system in this folder, which only go together. */
export function readAdministrator(options: RemoteOptions): Administrator {
  const { credentials: path = defaultCredentialsFile } = options
  if (options.issuer !== undefined && options.credentials === undefined) {
    const remedy = 'Name the credentials for it with --credentials FILE.'
    throw new CommandError(2, `${path} is not for another issuer, and is not shown to it`, remedy)
  }
  try {
    const account = readCredentials(path).accounts.find(({ roles }) =>
      roles.includes(administratorRole),
    )
    if (account === undefined) {
      const remedy = 'Name the credentials of an administrator with --credentials.'
      throw new StartError(`${path} has no account with the role ${administratorRole}`, remedy)
    }
    const { identifier, password } = account
    return { issuer: options.issuer ?? readIssuer(defaultEndpointsFile), identifier, password }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const remedy = `${error.remedy} Or say where with --issuer URL and --credentials FILE.`
    throw new CommandError(2, error.message, remedy)
  }
}
