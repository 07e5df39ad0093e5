import { isJsonObject, parseIssuer } from '@portcullis/protocol'
import type { ListenAddress, Mistake, TlsFiles } from '@portcullis/runtime'
import { checkAgainstSchema, readSettingsFile, settingsError } from '@portcullis/runtime'
import type { FromSchema } from 'json-schema-to-ts'

/** What `portcullis.relay.json` says, checked and with every default filled in. */
export interface RelaySettings {
  readonly listen: ListenAddress
  /** Undefined: plain http, which followers take on loopback only. */
  readonly tls: TlsFiles | undefined
  /** Where operators ask for its health; undefined for nowhere. */
  readonly operations: ListenAddress | undefined
  readonly issuer: string
  /** Another relay to read at; undefined for the issuer. */
  readonly upstream: string | undefined
  /** Holds `client_id` and `client_secret`, by which the feed is read. */
  readonly clientFile: string | undefined
  readonly limits: RelayLimits
}

export interface RelayLimits {
  /** Streams at a time, and as many snapshots under way; each stream costs a socket and a few kilobytes. Default 4096. */
  readonly followers: number
  /** Of one client: one that leaks its connections must not shut out the others. Default 1024. */
  readonly followersPerClient: number
}

/** Reads and checks the file. Throws a `StartError` for a file that cannot be read or is mistaken. */
export function readRelayFile(path: string): RelaySettings {
  return parseRelaySettings(readSettingsFile(path), path)
}

/**
 * Checks settings and fills in defaults. Throws a `StartError` that names every mistake with its JSON pointer.
 * `source` names the file in the error. Does NOT look whether the issuer can be reached.
 */
export function parseRelaySettings(
  value: unknown,
  source: string = 'portcullis.relay.json',
): RelaySettings {
  const checked = checkAgainstSchema<RelayFile>(fileSchema, value)
  const bySchema = checked.kind === 'mistaken' ? checked.mistakes : []
  const mistakes = [...bySchema, ...addressMistakes(value, 'issuer', 'upstream')]
  if (checked.kind === 'mistaken' || mistakes.length > 0) throw settingsError(source, mistakes)
  const { listen, operations, issuer, upstream, clientFile, limits } = checked.value
  const { tls, ...address } = listen
  return {
    listen: { host: loopback, ...address },
    tls,
    operations: operations === undefined ? undefined : { host: loopback, ...operations },
    issuer,
    upstream,
    clientFile,
    limits: relayLimitsOf(limits),
  }
}

const loopback = '127.0.0.1'

/** With the defaults for what is not said. */
export function relayLimitsOf(said: Partial<RelayLimits> = {}): RelayLimits {
  return { followers: 4096, followersPerClient: 1024, ...said }
}

/** What the schema says of other values is not said again. */
function addressMistakes(file: unknown, ...names: readonly string[]): readonly Mistake[] {
  return names.flatMap((name) => {
    const text: unknown = isJsonObject(file) ? file[name] : undefined
    const parsed = typeof text === 'string' && text !== '' ? parseIssuer(text) : undefined
    return parsed?.kind === 'malformed' ? [{ path: `/${name}`, message: parsed.why }] : []
  })
}

const textSchema = { type: 'string', minLength: 1 } as const
const addressMembers = {
  host: textSchema,
  port: { type: 'integer', minimum: 0, maximum: 65_535 },
} as const

/** What a file says of `RelayLimits`; the gateway has them in its own. */
export const relayLimitsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    followers: { type: 'integer', minimum: 1, maximum: 9_000 },
    followersPerClient: { type: 'integer', minimum: 1, maximum: 9_000 },
  },
} as const

const fileSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['listen', 'issuer'],
  properties: {
    listen: {
      type: 'object',
      additionalProperties: false,
      required: ['port'],
      properties: {
        ...addressMembers,
        tls: {
          type: 'object',
          additionalProperties: false,
          required: ['certificateFile', 'keyFile'],
          properties: { certificateFile: textSchema, keyFile: textSchema },
        },
      },
    },
    operations: {
      type: 'object',
      additionalProperties: false,
      required: ['port'],
      properties: addressMembers,
    },
    issuer: textSchema,
    upstream: textSchema,
    clientFile: textSchema,
    limits: relayLimitsSchema,
  },
} as const

type RelayFile = FromSchema<typeof fileSchema>
