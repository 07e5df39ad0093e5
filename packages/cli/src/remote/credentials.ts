import { join } from 'node:path'
import { administratorRole } from '@portcullis/protocol'
import type { SchemaCheck } from '@portcullis/runtime'
import {
  checkAgainstSchema,
  readSettingsFile,
  settingsError,
  StartError,
} from '@portcullis/runtime'
import type { FromSchema } from 'json-schema-to-ts'
import { CommandError } from '../command-error.ts'

/** Where a remote command goes, and as whom. */
export interface RemoteOptions {
  readonly issuer?: string
  readonly credentials?: string
  readonly json?: true
}

export interface Administrator {
  readonly issuer: string
  readonly identifier: string
  readonly password: string
}

const dataFolder = '.portcullis'

const endpointsSchema = {
  type: 'object',
  required: ['identity'],
  properties: { identity: { type: 'string', minLength: 1 } },
} as const

const credentialsSchema = {
  type: 'object',
  required: ['accounts'],
  properties: {
    accounts: {
      type: 'array',
      items: {
        type: 'object',
        required: ['identifier', 'password', 'roles'],
        properties: {
          identifier: { type: 'string', minLength: 1 },
          password: { type: 'string', minLength: 1 },
          roles: { type: 'array', items: { type: 'string' } },
        },
      },
    },
  },
} as const

/** Reads the files; by default those of the development system in this folder. */
export function readAdministrator({ issuer, credentials }: RemoteOptions): Administrator {
  const path = credentials ?? join(dataFolder, 'credentials.json')
  const { accounts } = read(path, (value) =>
    checkAgainstSchema<FromSchema<typeof credentialsSchema>>(credentialsSchema, value),
  )
  const account = accounts.find(({ roles }) => roles.includes(administratorRole))
  if (account === undefined) {
    throw new CommandError(
      2,
      `${path} has no account with the role ${administratorRole}`,
      'Name the credentials of an administrator with --credentials.',
    )
  }
  const { identifier, password } = account
  return { issuer: issuer ?? issuerOfDevelopment(), identifier, password }
}

function issuerOfDevelopment(): string {
  const path = join(dataFolder, 'endpoints.json')
  return read(path, (value) =>
    checkAgainstSchema<FromSchema<typeof endpointsSchema>>(endpointsSchema, value),
  ).identity
}

function read<Content>(path: string, check: (value: unknown) => SchemaCheck<Content>): Content {
  try {
    const checked = check(readSettingsFile(path))
    if (checked.kind === 'mistaken') throw settingsError(path, checked.mistakes)
    return checked.value
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const remedy = 'Say where with --issuer URL and --credentials FILE.'
    throw new CommandError(2, error.message, remedy)
  }
}
