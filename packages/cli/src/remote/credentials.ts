import { existsSync } from 'node:fs'
import { administratorRole, parseIssuer } from '@portcullis/protocol'
import { StartError } from '@portcullis/runtime'
import { CommandError } from '../command-error.ts'
import {
  dataFolderName,
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
  if (options.issuer !== undefined) requireIssuer(options.issuer)
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
    throw usageErrorOf(error)
  }
}

/** An issuer as it must be written, which is said before a file is looked for. */
export function requireIssuer(text: string): string {
  const parsed = parseIssuer(text)
  if (parsed.kind === 'issuer') return parsed.issuer
  const remedy = 'Write --issuer as identity has it in its settings.'
  throw new CommandError(2, `this is not the URL of an issuer: ${parsed.why}`, remedy)
}

/** A file that cannot be used; most often there is no development system in this folder at all. */
export function usageErrorOf(error: unknown): unknown {
  if (!(error instanceof StartError)) return error
  const where =
    'say where identity is, and as whom to ask, with --issuer URL and --credentials FILE.'
  // A file that was named is missing for a reason of its own.
  return existsSync(dataFolderName) || !error.message.includes(dataFolderName)
    ? new CommandError(2, error.message, `${error.remedy} Or ${where}`)
    : new CommandError(
        2,
        `there is no development system in this folder: ${error.message}`,
        `Run \`portcullis dev\` here (in a checkout: npm start), or ${where}`,
      )
}
