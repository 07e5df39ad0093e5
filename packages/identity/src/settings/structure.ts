import type { FromSchema } from 'json-schema-to-ts'
import type { JsonObject } from '@portcullis/protocol'
import { sharedSecretAlgorithm } from '@portcullis/protocol/jws'
import type { Audience, ClientDeclaration, Registry } from '../domain/registry.ts'
import {
  defaultClientName,
  grantNames,
  issuerAudience,
  keyAlgorithms,
  namePattern,
  pagesClientName,
} from '../domain/registry.ts'
import { encryptionSchema, readEncryptionKey } from './encryption-keys.ts'

/*
 * What stands in the file only: audiences, roles and clients, with names of the operator's choice.
 */

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

/** Claim → where its value comes from. */
const claimsSchema = {
  type: 'object',
  // RFC 7519 section 4.2: a name of one's own, or a URI.
  propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_.:/#~-]{0,127}$' },
  additionalProperties: {
    type: 'string',
    pattern: '^account\\.attributes\\.[A-Za-z][A-Za-z0-9_]{0,63}$',
  },
} as const

const algorithmSchema = {
  enum: [...keyAlgorithms, sharedSecretAlgorithm],
} as const

const audienceSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    scopes: scopesSchema,
    roles: namesSchema,
    accessTokenSeconds: { type: 'integer', minimum: 30, maximum: 3600 },
    // Several while one follows another: the first that is ready signs.
    algorithm: {
      oneOf: [
        algorithmSchema,
        { type: 'array', minItems: 1, maxItems: 5, uniqueItems: true, items: algorithmSchema },
      ],
    },
    encryption: encryptionSchema,
    claims: claimsSchema,
    dpop: { const: 'required' },
  },
} as const

const clientSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['public', 'grants', 'audiences'],
  properties: {
    // All others are made by an administrator, so that no secret stands in this file.
    public: { const: true },
    grants: { type: 'array', uniqueItems: true, items: { enum: grantNames } },
    audiences: namesSchema,
  },
} as const

const schema = {
  type: 'object',
  required: ['audiences'],
  properties: {
    audiences: mapOf(audienceSchema),
    roles: mapOf(mapOf(scopesSchema)),
    clients: mapOf(clientSchema),
  },
} as const

type Structure = FromSchema<typeof schema>

export const structureSchema: {
  readonly required: readonly string[]
  readonly properties: Readonly<Record<string, object>>
} = schema

/** Of a file that was checked against the schema. */
export function registryOf(issuer: string, file: unknown): Registry {
  const structure = file as Structure
  const audiences = Object.entries(structure.audiences).map(
    ([name, audience]): [string, Audience] => [
      name,
      {
        scopes: audience.scopes ?? [],
        roles: audience.roles ?? [],
        accessTokenSeconds: audience.accessTokenSeconds ?? issuerAudience.accessTokenSeconds,
        algorithms:
          audience.algorithm === undefined
            ? issuerAudience.algorithms
            : [audience.algorithm].flat(),
        ...encryptionOf(audience.encryption),
        claims: attributesOfClaims(audience.claims),
        requiresDpop: audience.dpop === 'required',
      },
    ],
  )
  const roles = Object.entries(structure.roles ?? {}).map(
    ([role, grants]) => [role, new Map(Object.entries(grants))] as const,
  )
  return {
    issuer,
    audiences: new Map(audiences),
    roles: new Map(roles),
    clients: clientsOf(structure),
  }
}

/** Of a file without mistakes, in which the key was read before. */
function encryptionOf(declared: object | undefined): Pick<Audience, 'encryption'> {
  if (declared === undefined) return {}
  const read = readEncryptionKey(declared as JsonObject)
  if (read?.kind === 'key') return { encryption: read.key }
  throw new TypeError(`an encryption key was readable a moment ago: ${read?.why ?? 'no key'}`)
}

const attributePrefix = 'account.attributes.'

function attributesOfClaims(
  claims: FromSchema<typeof claimsSchema> = {},
): ReadonlyMap<string, string> {
  const entries = Object.entries(claims)
  return new Map(entries.map(([claim, from]) => [claim, from.slice(attributePrefix.length)]))
}

/**
 * The file's clients, the built-in `web` for every audience unless the file says otherwise, and that of our own pages,
 * of which it says nothing.
 */
function clientsOf(structure: Structure): ReadonlyMap<string, ClientDeclaration> {
  const web: ClientDeclaration = {
    isPublic: true,
    grants: ['login', 'refresh_token'],
    audiences: Object.keys(structure.audiences),
    scopes: [],
  }
  const pages: ClientDeclaration = { ...web, audiences: [] }
  const declared = Object.entries(structure.clients ?? {}).map(
    ([name, { grants, audiences }]) =>
      [name, { isPublic: true, grants, audiences, scopes: [] }] as const,
  )
  return new Map<string, ClientDeclaration>([
    [defaultClientName, web],
    ...declared,
    [pagesClientName, pages],
  ])
}
