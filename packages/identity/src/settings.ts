import type { Environment, ListenAddress } from '@portcullis/runtime'
import {
  checkAgainstSchema,
  readSecret,
  readSettingsFile,
  settingsError,
  StartError,
} from '@portcullis/runtime'
import type { FromSchema } from 'json-schema-to-ts'
import type { Audience, ClientDeclaration, Registry } from './domain/registry.ts'
import { defaultClientName, grantNames, issuerAudience } from './domain/registry.ts'
import type { RefreshPeppers } from './domain/refresh-tokens.ts'
import { createPepper } from './domain/refresh-tokens.ts'
import { parseSecretKey } from './domain/secret-key.ts'
import { mistakesBeyondSchema } from './settings-mistakes.ts'

export interface IdentitySettings {
  readonly registry: Registry
  readonly listen: ListenAddress
  readonly operations: ListenAddress
  /** `sqlite:PATH` or `postgres://…` */
  readonly database: string
  /** How long others may keep the published keys. */
  readonly jwksMaxAgeSeconds: number
  /** How long a key signs before the next one follows it. */
  readonly keyRotationDays: number
  /** A token larger than this is refused when it would be minted. */
  readonly tokenBytesMax: number
  /** How long racing tabs and lost answers get the same successor of a refresh token. */
  readonly refreshGraceSeconds: number
}

/** Reads and checks `portcullis.identity.json`. All mistakes are reported in one `StartError`. */
export function readIdentityFile(path: string): IdentitySettings {
  return parseIdentitySettings(readSettingsFile(path), path)
}

/** Checks the content of a settings file; `source` names it in the error. */
export function parseIdentitySettings(value: unknown, source: string): IdentitySettings {
  const checked = checkAgainstSchema<IdentityFile>(fileSchema, value)
  const bySchema = checked.kind === 'mistaken' ? checked.mistakes : []
  const mistakes = [...bySchema, ...mistakesBeyondSchema(value)]
  if (checked.kind === 'mistaken' || mistakes.length > 0) throw settingsError(source, mistakes)
  return settingsOf(checked.value)
}

export interface IdentitySecrets {
  readonly sealingKey: Buffer
  readonly peppers: RefreshPeppers
}

const pepperName = 'PORTCULLIS_REFRESH_PEPPER'

/**
 * Reads the sealing key and the refresh pepper from the environment or the files it names. There are
 * no defaults. `PORTCULLIS_REFRESH_PEPPER_PREVIOUS` is accepted as well while the pepper is rolled.
 */
export function readSecrets(environment: Environment): IdentitySecrets {
  const sealingKey = requireKey(environment, 'PORTCULLIS_SEALING_KEY')
  const previous = `${pepperName}_PREVIOUS`
  const pepper = createPepper(requireKey(environment, pepperName))
  const older = readSecret(environment, previous)
  return {
    sealingKey,
    peppers:
      older === undefined ? [pepper] : [pepper, createPepper(requireKey(environment, previous))],
  }
}

function requireKey(environment: Environment, name: string): Buffer {
  const text = readSecret(environment, name)
  const remedy =
    `Set ${name}, or ${name}_FILE to a file that only this user can read, ` +
    'to 32 random bytes in base64, for example from: openssl rand -base64 32'
  if (text === undefined) throw new StartError(`${name} is not set`, remedy)
  const parsed = parseSecretKey(text)
  if (parsed.kind === 'malformed') throw new StartError(`${name} ${parsed.why}`, remedy)
  return parsed.key
}

const namePattern = '^[A-Za-z0-9._-]{1,64}$'
const namesSchema = {
  type: 'array',
  uniqueItems: true,
  items: { type: 'string', pattern: namePattern },
} as const
const scopesSchema = {
  type: 'array',
  uniqueItems: true,
  // RFC 6749 section 3.3, without the characters that our lists are joined with.
  items: { type: 'string', pattern: '^[A-Za-z0-9._:/-]{1,128}$' },
} as const

/** An object with names of the operator's choice. */
function mapOf<const Schema>(schema: Schema): {
  readonly type: 'object'
  readonly propertyNames: { readonly pattern: string }
  readonly additionalProperties: Schema
} {
  return { type: 'object', propertyNames: { pattern: namePattern }, additionalProperties: schema }
}

const listenSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: { type: 'string', minLength: 1 },
    port: { type: 'integer', minimum: 0, maximum: 65_535 },
  },
} as const

const audienceSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    scopes: scopesSchema,
    roles: namesSchema,
    accessTokenSeconds: { type: 'integer', minimum: 30, maximum: 3600 },
    algorithm: { enum: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  },
} as const

const clientSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['public', 'grants', 'audiences'],
  properties: {
    // Clients with a secret are made by command, so that no secret stands in this file.
    public: { const: true },
    grants: { type: 'array', uniqueItems: true, items: { enum: grantNames } },
    audiences: namesSchema,
  },
} as const

const fileSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['issuer', 'audiences'],
  properties: {
    issuer: { type: 'string' },
    audiences: mapOf(audienceSchema),
    roles: mapOf(mapOf(scopesSchema)),
    clients: mapOf(clientSchema),
    listen: listenSchema,
    operations: listenSchema,
    database: { type: 'string' },
    jwksMaxAgeSeconds: { type: 'integer', minimum: 1, maximum: 3600 },
    keyRotationDays: { type: 'integer', minimum: 1, maximum: 365 },
    // Verifiers refuse beyond 8 KiB; half of that leaves the other headers their room.
    tokenBytesMax: { type: 'integer', minimum: 512, maximum: 4096 },
    // Longer than five minutes, and a thief would have all the time he needs.
    refreshGraceSeconds: { type: 'integer', minimum: 0, maximum: 300 },
  },
} as const

type IdentityFile = FromSchema<typeof fileSchema>

const loopback = '127.0.0.1'
const defaultPort = 4000
const defaultOperationsPort = 4004
const defaultJwksMaxAgeSeconds = 300
const defaultKeyRotationDays = 30
const defaultTokenBytesMax = 1800
const defaultRefreshGraceSeconds = 30

function settingsOf(file: IdentityFile): IdentitySettings {
  return {
    registry: registryOf(file),
    listen: { host: loopback, port: defaultPort, ...file.listen },
    operations: { host: loopback, port: defaultOperationsPort, ...file.operations },
    database: file.database ?? 'sqlite:.portcullis/identity.db',
    jwksMaxAgeSeconds: file.jwksMaxAgeSeconds ?? defaultJwksMaxAgeSeconds,
    keyRotationDays: file.keyRotationDays ?? defaultKeyRotationDays,
    tokenBytesMax: file.tokenBytesMax ?? defaultTokenBytesMax,
    refreshGraceSeconds: file.refreshGraceSeconds ?? defaultRefreshGraceSeconds,
  }
}

function registryOf(file: IdentityFile): Registry {
  const audiences = Object.entries(file.audiences).map(([name, audience]): [string, Audience] => [
    name,
    {
      scopes: audience.scopes ?? [],
      roles: audience.roles ?? [],
      accessTokenSeconds: audience.accessTokenSeconds ?? issuerAudience.accessTokenSeconds,
      algorithm: audience.algorithm ?? issuerAudience.algorithm,
    },
  ])
  const roles = Object.entries(file.roles ?? {}).map(
    ([role, grants]) => [role, new Map(Object.entries(grants))] as const,
  )
  return {
    issuer: file.issuer,
    audiences: new Map(audiences),
    roles: new Map(roles),
    clients: clientsOf(file),
  }
}

/** The file's clients, and the built-in `web` for every audience unless the file says otherwise. */
function clientsOf(file: IdentityFile): ReadonlyMap<string, ClientDeclaration> {
  const web: ClientDeclaration = {
    isPublic: true,
    grants: ['login', 'refresh_token'],
    audiences: Object.keys(file.audiences),
    scopes: [],
  }
  const declared = Object.entries(file.clients ?? {}).map(
    ([name, { grants, audiences }]) =>
      [name, { isPublic: true, grants, audiences, scopes: [] }] as const,
  )
  return new Map<string, ClientDeclaration>([[defaultClientName, web], ...declared])
}
