import { parseIssuer } from '@portcullis/protocol'
import { StartError } from '@portcullis/runtime'
import { CommandError } from '../command-error.ts'
import type { FileClient } from '../credentials-file.ts'
import {
  defaultCredentialsFile,
  defaultEndpointsFile,
  readClients,
  readIssuer,
} from '../credentials-file.ts'

export interface IssuerOptions {
  readonly issuer?: string
  readonly credentials?: string
  readonly json?: true
}

/** By default the development system of this folder. */
export function issuerOf({ issuer }: IssuerOptions): string {
  return issuer ?? orUsage(() => readIssuer(defaultEndpointsFile))
}

/** The same, where a token or a secret is sent to it: over https, or not beyond this machine. */
export function confidentialIssuerOf(options: IssuerOptions): string {
  const parsed = parseIssuer(issuerOf(options))
  if (parsed.kind === 'issuer') return parsed.issuer
  const remedy = 'Write --issuer as identity has it in its settings.'
  throw new CommandError(2, `this is not the URL of an issuer: ${parsed.why}`, remedy)
}

/**
 * The clients of the file; none when no file was named and another issuer was: the clients of this folder are
 * not shown to it.
 */
export function clientsOf({ issuer, credentials }: IssuerOptions): readonly FileClient[] {
  if (credentials === undefined && issuer !== undefined) return []
  return orUsage(() => readClients(credentials ?? defaultCredentialsFile))
}

function orUsage<Result>(read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const remedy = `${error.remedy} Or say where with --issuer URL and --credentials FILE.`
    throw new CommandError(2, error.message, remedy)
  }
}
