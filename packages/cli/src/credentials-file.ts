import { join } from 'node:path'
import { isJsonObject } from '@portcullis/protocol'
import type { SchemaCheck } from '@portcullis/runtime'
import { checkAgainstSchema, readSettingsFile, settingsError } from '@portcullis/runtime'

/** The folder of a development system, where remote commands look when they are told nothing else. */
export const dataFolderName = '.portcullis'
export const defaultCredentialsFile: string = join(dataFolderName, 'credentials.json')
export const defaultEndpointsFile: string = join(dataFolderName, 'endpoints.json')

const fileClientSchema = {
  type: 'object',
  required: ['client_id', 'client_secret', 'scope'],
  properties: {
    client_id: { type: 'string', minLength: 1 },
    client_secret: { type: 'string', minLength: 1 },
    scope: { type: 'string', minLength: 1 },
  },
} as const

const credentialsSchema = {
  type: 'object',
  required: ['accounts', 'clients'],
  properties: {
    accounts: {
      type: 'array',
      items: {
        type: 'object',
        required: ['identifier', 'password', 'roles'],
        properties: {
          // In a development system it becomes a part of a file name.
          identifier: { type: 'string', pattern: '^[^/\\\\]{1,320}$' },
          password: { type: 'string', minLength: 8 },
          roles: { type: 'array', items: { type: 'string' } },
        },
      },
    },
    clients: { type: 'array', items: fileClientSchema },
  },
} as const

/** Accounts and clients with their secrets, as `bootstrap` and `dev` write them. */
export interface Credentials {
  readonly accounts: readonly {
    readonly identifier: string
    readonly password: string
    readonly roles: readonly string[]
  }[]
  readonly clients: readonly FileClient[]
}
export interface FileClient {
  readonly client_id: string
  readonly client_secret: string
  readonly scope: string
}

/** Throws a `StartError` that names every mistake and repeats no secret. */
export function readCredentials(path: string): Credentials {
  return read(path, (value) => checkAgainstSchema<Credentials>(credentialsSchema, value))
}

export function readFileClient(path: string): FileClient {
  return read(path, (value) => checkAgainstSchema<FileClient>(fileClientSchema, value))
}

/** Those of a credentials file, or the one of a file that `clients create` has written. */
export function readClients(path: string): readonly FileClient[] {
  const content = readSettingsFile(path, 'the file')
  const isOne = isJsonObject(content) && Object.hasOwn(content, 'client_id')
  return isOne ? [readFileClient(path)] : readCredentials(path).clients
}

const endpointsSchema = {
  type: 'object',
  required: ['identity'],
  properties: { identity: { type: 'string', minLength: 1 } },
} as const

/** Where the development system of this folder has its issuer. */
export function readIssuer(path: string): string {
  const endpoints = read(path, (value) =>
    checkAgainstSchema<{ readonly identity: string }>(endpointsSchema, value),
  )
  return endpoints.identity
}

function read<Content>(path: string, check: (value: unknown) => SchemaCheck<Content>): Content {
  const checked = check(readSettingsFile(path, 'the file'))
  if (checked.kind === 'mistaken') throw settingsError(path, checked.mistakes)
  return checked.value
}
