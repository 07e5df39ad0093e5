import { METHODS } from 'node:http'
import type { ListenAddress } from '@portcullis/runtime'
import { checkAgainstSchema, readSettingsFile, settingsError } from '@portcullis/runtime'
import type { VerifierOptions } from '@portcullis/verify'
import type { FromSchema } from 'json-schema-to-ts'
import type { DialectName } from './forward-auth/dialects.ts'
import type { RelayLimits } from './relay/settings.ts'
import { relayLimitsOf } from './relay/settings.ts'
import type { RouteMatch } from './route-match.ts'
import { parseRouteMatch } from './route-match.ts'
import { maxStalenessSecondsDefault, mistakesBeyondSchema } from './settings-mistakes.ts'

/** What `portcullis.gateway.json` says, checked and with every default filled in. */
export interface GatewaySettings {
  readonly listen: ListenAddress
  /** Where operators ask for its health; undefined for nowhere. */
  readonly operations: ListenAddress | undefined
  readonly issuer: string
  /** Holds `client_id` and `client_secret`, by which the revocation feed is read. */
  readonly clientFile: string | undefined
  readonly revocation: RevocationSettings
  /** The feed is handed on at `/_portcullis`; undefined where it is not. */
  readonly relay: RelayLimits | undefined
  /** Questions of proxies are answered at `/_portcullis/authorize`; undefined where they are not. */
  readonly forwardAuth: ForwardAuthSettings | undefined
  readonly routes: readonly Route[]
  readonly identityHeaders: IdentityHeaderNames
  readonly limits: Limits
}

export interface ForwardAuthSettings {
  readonly dialect: DialectName
  /** Addresses and networks (CIDR) of those who may ask. */
  readonly proxies: readonly string[]
}

export interface Route {
  readonly match: RouteMatch
  /** Undefined: every method except CONNECT and TRACE. */
  readonly methods: readonly string[] | undefined
  /** Origins, taken in turn; none for a route that only proxies ask about. */
  readonly to: readonly string[]
  readonly auth: RouteAuth
}

export type RouteAuth =
  | { readonly mode: 'none' }
  | {
      readonly mode: 'required' | 'optional'
      readonly audience: string
      /** All of these. */
      readonly scope: readonly string[]
      /** At least one of these; an empty list asks for none. */
      readonly roles: readonly string[]
      /** How old the issuer's last word may be here, where that is less than elsewhere. */
      readonly maxStalenessSeconds?: number
    }

/** Whether and how closely the revocation feed is followed; see `@portcullis/verify`. */
export type RevocationSettings = NonNullable<VerifierOptions['revocation']>

/** The header that carries each claim to the service; a claim without a name is not carried. */
export interface IdentityHeaderNames {
  readonly subject?: string
  readonly roles?: string
  readonly scope?: string
  readonly session?: string
}

export interface Limits {
  /** Request line and headers together; more is 431. Default 16384. */
  readonly headerBytes: number
  /** More is 413. Default 10485760. */
  readonly bodyBytes: number
  /** From the first byte of a request to the end of the headers. Default 10. */
  readonly headersTimeoutSeconds: number
  /** How long client or service may be silent before they are given up. Default 60. */
  readonly idleTimeoutSeconds: number
}

/**
 * Reads and checks the file. Throws a `StartError` for a file that cannot be read or is mistaken.
 */
export function readGatewayFile(path: string): GatewaySettings {
  return parseGatewaySettings(readSettingsFile(path), path)
}

/**
 * Checks settings and fills in defaults. Throws a `StartError` that names every mistake with its
 * JSON pointer: unknown members, wrong types, and what only shows when members are seen together.
 * `source` names the file in the error.
 *
 * Does NOT look whether the issuer or any upstream can be reached.
 */
export function parseGatewaySettings(
  value: unknown,
  source: string = 'portcullis.gateway.json',
): GatewaySettings {
  const checked = checkAgainstSchema<GatewayFile>(fileSchema, value)
  const bySchema = checked.kind === 'mistaken' ? checked.mistakes : []
  const mistakes = [...bySchema, ...mistakesBeyondSchema(value)]
  if (checked.kind === 'mistaken' || mistakes.length > 0) throw settingsError(source, mistakes)

  const {
    listen,
    operations,
    issuer,
    clientFile,
    revocation = {},
    relay,
    trustedProxies = [],
    forwardAuth,
    auth = {},
    routes,
    identityHeaders = {},
    limits,
  } = checked.value
  return {
    listen: { host: loopback, ...listen },
    operations: operations === undefined ? undefined : { host: loopback, ...operations },
    issuer,
    clientFile,
    revocation: followed(revocation),
    relay: relay && relayLimitsOf(relay),
    forwardAuth: forwardAuth && { ...forwardAuth, proxies: trustedProxies },
    routes: routes.map((route) => ({
      match: routeMatch(route.match),
      methods: route.methods,
      to: route.to ?? [],
      auth: routeAuth({ ...auth, ...route.auth }),
    })),
    identityHeaders,
    limits: { ...defaultLimits, ...limits },
  }
}

/** The default is named, so that a route is held against the same one that counts. */
function followed(revocation: RevocationSettings): RevocationSettings {
  if (revocation === 'untilExpiry') return revocation
  return { maxStalenessSeconds: maxStalenessSecondsDefault, ...revocation }
}

const loopback = '127.0.0.1'

const defaultLimits: Limits = {
  headerBytes: 16_384,
  bodyBytes: 10_485_760,
  headersTimeoutSeconds: 10,
  idleTimeoutSeconds: 60,
}

const textSchema = { type: 'string', minLength: 1 } as const

const addressSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['port'],
  properties: { host: textSchema, port: { type: 'integer', minimum: 0, maximum: 65_535 } },
} as const

const maxStalenessSeconds = { type: 'integer', minimum: 3, maximum: 3600 } as const

const authSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    mode: { enum: ['required', 'optional', 'none'] },
    audience: { type: 'string', minLength: 1, maxLength: 512 },
    // RFC 6749 section 3.3: what a scope claim can hold, so that no route asks for what no token
    // has.
    scope: { type: 'array', items: { type: 'string', pattern: '^[!#-\\[\\]-~]+$' } },
    roles: { type: 'array', items: textSchema },
    maxStalenessSeconds,
  },
} as const

const revocationSchema = {
  oneOf: [
    { const: 'untilExpiry' },
    {
      type: 'object',
      additionalProperties: false,
      properties: {
        maxStalenessSeconds,
        whenStale: { enum: ['refuse', 'accept'] },
        stateFile: textSchema,
        relay: textSchema,
      },
    },
  ],
} as const

const followersSchema = { type: 'integer', minimum: 1, maximum: 9_000 } as const

const relaySchema = {
  type: 'object',
  additionalProperties: false,
  properties: { followers: followersSchema, followersPerClient: followersSchema },
} as const

const forwardAuthSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['dialect'],
  properties: { dialect: { enum: ['nginx', 'caddy', 'traefik', 'envoy'] } },
} as const

const routeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['match'],
  properties: {
    match: textSchema,
    methods: {
      type: 'array',
      minItems: 1,
      uniqueItems: true,
      items: {
        type: 'string',
        enum: METHODS.filter((name) => !['CONNECT', 'TRACE'].includes(name)),
      },
    },
    to: { type: 'array', minItems: 1, uniqueItems: true, items: textSchema },
    auth: authSchema,
  },
} as const

const fileSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['listen', 'issuer', 'routes'],
  properties: {
    listen: addressSchema,
    operations: addressSchema,
    issuer: textSchema,
    clientFile: textSchema,
    revocation: revocationSchema,
    relay: relaySchema,
    trustedProxies: { type: 'array', minItems: 1, uniqueItems: true, items: textSchema },
    forwardAuth: forwardAuthSchema,
    auth: authSchema,
    routes: { type: 'array', minItems: 1, items: routeSchema },
    identityHeaders: {
      type: 'object',
      additionalProperties: false,
      properties: {
        subject: textSchema,
        roles: textSchema,
        scope: textSchema,
        session: textSchema,
      },
    },
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: {
        headerBytes: { type: 'integer', minimum: 1024, maximum: 1_048_576 },
        bodyBytes: { type: 'integer', minimum: 0, maximum: 1_099_511_627_776 },
        headersTimeoutSeconds: { type: 'integer', minimum: 1, maximum: 120 },
        idleTimeoutSeconds: { type: 'integer', minimum: 1, maximum: 3600 },
      },
    },
  },
} as const

type GatewayFile = FromSchema<typeof fileSchema>

function routeMatch(match: string): RouteMatch {
  const parsed = parseRouteMatch(match)
  if (parsed.kind === 'malformed') throw new TypeError('a malformed match was let through')
  return parsed.match
}

function routeAuth(auth: FromSchema<typeof authSchema>): RouteAuth {
  const { mode = 'required', audience, scope = [], roles = [], ...fresh } = auth
  if (mode === 'none') return { mode }
  if (audience === undefined) throw new TypeError('a missing audience was let through')
  return { mode, audience, scope, roles, ...fresh }
}
