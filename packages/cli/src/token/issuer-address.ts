import type { FileClient } from '../credentials-file.ts'
import {
  defaultCredentialsFile,
  defaultEndpointsFile,
  readClients,
  readIssuer,
} from '../credentials-file.ts'
import { requireIssuer, usageErrorOf } from '../remote/credentials.ts'

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
  return requireIssuer(issuerOf(options))
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
    throw usageErrorOf(error)
  }
}
