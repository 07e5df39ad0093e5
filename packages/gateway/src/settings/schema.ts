import { METHODS } from 'node:http'
import type { SchemaCheck } from '@portcullis/runtime'
import { checkAgainstSchema } from '@portcullis/runtime'
import type { FromSchema } from 'json-schema-to-ts'
import type { DialectName } from '../forward-auth/dialects.ts'
import type { RelayLimits } from '../relay/settings.ts'
import { relayLimitsSchema } from '../relay/settings.ts'
import type {
  Balance,
  BrowserSettings,
  IdentityHeaderNames,
  Limits,
  ProxyHeaders,
  RevocationSettings,
  RouteAuth,
  RouteLimits,
  StopSettings,
} from './settings.ts'

const textSchema = { type: 'string', minLength: 1 } as const

const addressSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['port'],
  properties: { host: textSchema, port: { type: 'integer', minimum: 0, maximum: 65_535 } },
} as const

const pairMembers = { cert: textSchema, key: textSchema } as const

const tlsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['cert', 'key'],
  properties: {
    ...pairMembers,
    further: {
      type: 'array',
      minItems: 1,
      maxItems: 100,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['cert', 'key'],
        properties: pairMembers,
      },
    },
    hsts: {
      type: 'object',
      additionalProperties: false,
      required: ['maxAgeSeconds'],
      properties: {
        maxAgeSeconds: { type: 'integer', minimum: 0, maximum: 315_360_000 },
        includeSubDomains: { type: 'boolean' },
      },
    },
  },
} as const

const listenSchema = {
  ...addressSchema,
  properties: { ...addressSchema.properties, tls: tlsSchema },
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
    recentAuthSeconds: { type: 'integer', minimum: 1, maximum: 31_536_000 },
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

const forwardAuthSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['dialect'],
  properties: { dialect: { enum: ['nginx', 'caddy', 'traefik', 'envoy'] } },
} as const

const browserSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    client: { type: 'string', minLength: 1, maxLength: 64 },
    clientFile: textSchema,
    audiences: { type: 'array', minItems: 1, maxItems: 16, uniqueItems: true, items: textSchema },
    sessions: { type: 'integer', minimum: 1, maximum: 1_000_000 },
  },
} as const

const bodyBytes = { type: 'integer', minimum: 0, maximum: 1_099_511_627_776 } as const
const stopSeconds = { type: 'integer', minimum: 0, maximum: 600 } as const
const perSecond = { type: 'number', minimum: 0.01, maximum: 1_000_000 } as const
const burst = { type: 'integer', minimum: 1, maximum: 1_000_000 } as const
const atATime = { type: 'integer', minimum: 1, maximum: 1_000_000 } as const
const idleTimeoutSeconds = { type: 'integer', minimum: 1, maximum: 3600 } as const
const totalTimeoutSeconds = { type: 'integer', minimum: 2, maximum: 604_800 } as const

const routeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['match'],
  properties: {
    host: textSchema,
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
    rewrite: textSchema,
    balance: { enum: ['round-robin', 'least-busy'] },
    auth: authSchema,
    limits: {
      type: 'object',
      additionalProperties: false,
      properties: { bodyBytes, idleTimeoutSeconds, totalTimeoutSeconds },
    },
    upgrade: { type: 'array', uniqueItems: true, items: { enum: ['websocket'] } },
    allowedOrigins: { type: 'array', uniqueItems: true, items: textSchema },
  },
} as const

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['listen', 'issuer', 'routes'],
  properties: {
    $schema: { type: 'string' },
    listen: listenSchema,
    operations: addressSchema,
    issuer: textSchema,
    clientFile: textSchema,
    revocation: revocationSchema,
    relay: relayLimitsSchema,
    trustedProxies: { type: 'array', minItems: 1, uniqueItems: true, items: textSchema },
    upstreamTls: {
      type: 'object',
      additionalProperties: false,
      properties: { ca: textSchema },
    },
    proxyHeaders: { enum: ['x-forwarded', 'forwarded'] },
    forwardAuth: forwardAuthSchema,
    browser: browserSchema,
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
        headerCount: { type: 'integer', minimum: 10, maximum: 10_000 },
        bodyBytes,
        headersTimeoutSeconds: { type: 'integer', minimum: 1, maximum: 120 },
        idleTimeoutSeconds,
        requestTimeoutSeconds: { type: 'integer', minimum: 1, maximum: 86_400 },
        totalTimeoutSeconds,
        connections: atATime,
        requests: atATime,
        requestsPerService: atATime,
      },
    },
    rateLimits: {
      type: 'object',
      additionalProperties: false,
      properties: {
        perSubjectPerSecond: perSecond,
        perSubjectBurst: burst,
        perClientPerSecond: perSecond,
        perClientBurst: burst,
        perNetworkPerSecond: perSecond,
        perNetworkBurst: burst,
      },
    },
    tracing: {
      type: 'object',
      additionalProperties: false,
      required: ['endpoint'],
      properties: { endpoint: textSchema, sampleRatio: { type: 'number', minimum: 0, maximum: 1 } },
    },
    stop: {
      type: 'object',
      additionalProperties: false,
      properties: { notReadySeconds: stopSeconds, drainSeconds: stopSeconds },
    },
  },
} as const

/** JSON Schema of `portcullis.gateway.json`; with the words of the README it is published beside it. */
export const fileSchema: Readonly<Record<string, unknown>> = schema

/** Holds a value against the schema. */
export function checkGatewayFile(value: unknown): SchemaCheck<GatewayFile> {
  return checkAgainstSchema<FromSchema<typeof schema>>(schema, value)
}

/** What the schema describes; the compiler holds one against the other, above. */
export interface GatewayFile {
  readonly $schema?: string
  readonly listen: AddressMembers & { readonly tls?: TlsMembers }
  readonly operations?: AddressMembers
  readonly issuer: string
  readonly clientFile?: string
  readonly revocation?: RevocationSettings
  readonly relay?: Partial<RelayLimits>
  readonly trustedProxies?: readonly string[]
  readonly upstreamTls?: { readonly ca?: string }
  readonly proxyHeaders?: ProxyHeaders
  readonly forwardAuth?: { readonly dialect: DialectName }
  readonly browser?: Partial<BrowserSettings>
  readonly auth?: AuthMembers
  readonly routes: readonly RouteMembers[]
  readonly identityHeaders?: IdentityHeaderNames
  readonly limits?: Partial<Limits>
  readonly rateLimits?: RateLimitMembers
  readonly tracing?: { readonly endpoint: string; readonly sampleRatio?: number }
  readonly stop?: Partial<StopSettings>
}

export interface RateLimitMembers {
  readonly perSubjectPerSecond?: number
  readonly perSubjectBurst?: number
  readonly perClientPerSecond?: number
  readonly perClientBurst?: number
  readonly perNetworkPerSecond?: number
  readonly perNetworkBurst?: number
}

interface AddressMembers {
  readonly host?: string
  readonly port: number
}

export interface TlsMembers extends PairMembers {
  readonly further?: readonly PairMembers[]
  readonly hsts?: { readonly maxAgeSeconds: number; readonly includeSubDomains?: boolean }
}

interface PairMembers {
  readonly cert: string
  readonly key: string
}

export interface AuthMembers {
  readonly mode?: RouteAuth['mode']
  readonly audience?: string
  readonly scope?: readonly string[]
  readonly roles?: readonly string[]
  readonly maxStalenessSeconds?: number
  readonly recentAuthSeconds?: number
}

export interface RouteMembers {
  readonly host?: string
  readonly match: string
  readonly methods?: readonly string[]
  readonly to?: readonly string[]
  readonly rewrite?: string
  readonly balance?: Balance
  readonly auth?: AuthMembers
  readonly limits?: Partial<RouteLimits>
  readonly upgrade?: readonly 'websocket'[]
  readonly allowedOrigins?: readonly string[]
}
