import { readFileSync } from 'node:fs'
import type { ProblemCode } from '@portcullis/protocol'
import { problemMediaType } from '@portcullis/protocol'
import { createProblem } from '@portcullis/runtime'
import { accountOperations } from './account-operations.ts'
import { adminOperations } from './admin-operations.ts'
import { namedSchemas } from './answers.ts'
import { auditOperations } from './audit-operations.ts'
import { clientOperations } from './client-operations.ts'
import { documentOperations } from './document-operations.ts'
import type { Answer, CallerKind, JsonSchema, Operation, Operations } from './operation.ts'
import { named } from './operation.ts'
import { overviewOperations, overviewSchemas } from './overview-operations.ts'
import { pageOperations } from './page-operations.ts'
import { sessionOperations } from './session-operations.ts'
import { adminStreamOperations, streamOperations, streamSchemas } from './stream-operations.ts'
import { tokenOperations } from './token-operations.ts'

/** A route as the server has it, with the schemas that it checks requests against. */
export interface ServedRoute {
  readonly method: string
  /** Below the issuer, or else below `server`: `/admin/accounts/:id`. */
  readonly path: string
  /** Where the issuer's URL is not what the path stands below. */
  readonly server?: string | undefined
  readonly parameters?: JsonSchema | undefined
  readonly query?: JsonSchema | undefined
  readonly body?: JsonSchema | undefined
}

/** An OpenAPI document, as far as this package reads it again. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

export interface ApiOperation {
  readonly operationId: string
  readonly tags: readonly [string]
  readonly summary: string
  readonly security: readonly JsonSchema[]
  readonly servers?: readonly { readonly url: string }[]
  readonly parameters?: readonly ApiParameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: ApiContent }
  readonly responses: Readonly<Record<string, ApiResponse>>
}

export interface ApiParameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly schema: JsonSchema
}

export interface ApiResponse {
  readonly description: string
  readonly content?: ApiContent
}

type ApiContent = Readonly<Record<string, { readonly schema: JsonSchema }>>

export const operations: Operations = {
  ...sessionOperations,
  ...tokenOperations,
  ...accountOperations,
  ...pageOperations,
  ...adminOperations,
  ...auditOperations,
  ...overviewOperations,
  ...clientOperations,
  ...documentOperations,
  ...streamOperations,
  ...adminStreamOperations,
}

/**
 * Describes these routes by OpenAPI 3.1: what is asked, from the schemas that the server checks; what is
 * answered, from the operations of this folder. Throws a TypeError for a route without an operation.
 */
export function describeApi(issuer: string, routes: readonly ServedRoute[]): ApiDocument {
  const paths: Record<string, Record<string, ApiOperation>> = {}
  for (const route of routes) {
    const operation = operations[`${route.method} ${route.path}`]
    if (operation === undefined)
      throw new TypeError(`${route.method} ${route.path} is not described`)
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(route, operation) }
  }
  const document = {
    openapi: '3.1.1',
    info: {
      title: 'Portcullis identity',
      version: ownVersion(),
      description: 'Signing in, tokens, keys, revocation and their administration.',
    },
    servers: [{ url: issuer }],
    paths,
    components: {
      schemas: { ...namedSchemas, ...overviewSchemas, ...streamSchemas },
      securitySchemes,
    },
  }
  return document
}

function ownVersion(): string {
  const file: unknown = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  )
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : ''
}

const securitySchemes = {
  accessToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token whose only audience is the issuer, unless something else is said',
  },
  refreshCookie: { type: 'apiKey', in: 'cookie', name: '__Host-portcullis_refresh' },
  boundAccessToken: {
    type: 'http',
    scheme: 'dpop',
    description: 'The same, bound to a key, with a proof of that in the field `DPoP` (RFC 9449)',
  },
  client: { type: 'http', scheme: 'basic', description: 'RFC 6749, section 2.3.1' },
}

const ownTokens: readonly JsonSchema[] = [{ accessToken: [] }, { boundAccessToken: [] }]

/** Every one of the alternatives is enough; an empty one needs nothing. */
const securityOf: Readonly<Record<CallerKind, readonly JsonSchema[]>> = {
  anyone: [],
  person: ownTokens,
  administrator: ownTokens,
  session: [...ownTokens, { refreshCookie: [] }, {}],
  browser: [{ refreshCookie: [] }],
  client: [{ client: [] }, { refreshCookie: [] }, {}],
  follower: ownTokens,
  'receipt-reader': ownTokens,
  receiver: ownTokens,
}

const proofProblems: readonly ProblemCode[] = ['invalid-dpop-proof', 'use-dpop-nonce']
const tokenProblems: readonly ProblemCode[] = [
  'missing-token',
  'invalid-request',
  'invalid-token',
  ...proofProblems,
  'proofs-unavailable',
]

const problemsOfCaller: Readonly<Record<CallerKind, readonly ProblemCode[]>> = {
  anyone: [],
  person: tokenProblems,
  administrator: [...tokenProblems, 'insufficient-scope'],
  session: tokenProblems,
  browser: [],
  client: [],
  follower: [...tokenProblems, 'insufficient-scope'],
  'receipt-reader': [...tokenProblems, 'insufficient-scope'],
  receiver: [...tokenProblems, 'insufficient-scope'],
}

const problemsOfAll: readonly ProblemCode[] = ['malformed', 'store-unavailable', 'internal']
const problemsOfBodies: readonly ProblemCode[] = ['too-large', 'unsupported-media-type']

function describe(route: ServedRoute, operation: Operation): ApiOperation {
  const { id, tag, summary, caller, form } = operation
  const parameters = [
    ...parametersOf('path', route.parameters, namesIn(route.path)),
    ...parametersOf('query', route.query, Object.keys(membersOf(route.query?.['properties']))),
  ]
  const hasBody = (form ?? route.body) !== undefined
  return {
    operationId: id,
    tags: [tag],
    summary,
    security: securityOf[caller],
    ...(route.server === undefined ? {} : { servers: [{ url: route.server }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(route.body, form),
    responses: { ...answersOf(operation), ...refusalsOf(operation, hasBody) },
  }
}

function namesIn(path: string): readonly string[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
}

function parametersOf(
  place: ApiParameter['in'],
  schema: JsonSchema | undefined,
  names: readonly string[],
): readonly ApiParameter[] {
  const schemas = membersOf(schema?.['properties'])
  const required: unknown = schema?.['required']
  return names.map((name) => ({
    name,
    in: place,
    required: place === 'path' || (Array.isArray(required) && required.includes(name)),
    schema: membersOf(schemas[name] ?? { type: 'string' }),
  }))
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function bodyOf(
  json: JsonSchema | undefined,
  form: JsonSchema | undefined,
): Pick<ApiOperation, 'requestBody'> | undefined {
  if (form !== undefined) {
    const content = { 'application/x-www-form-urlencoded': { schema: form } }
    return { requestBody: { required: true, content } }
  }
  if (json === undefined) return undefined
  const required = json['type'] === 'object'
  return { requestBody: { required, content: { 'application/json': { schema: json } } } }
}

function answersOf({ answers }: Operation): Readonly<Record<string, ApiResponse>> {
  const entries = Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])
  return Object.fromEntries(entries) as Readonly<Record<string, ApiResponse>>
}

function responseOf({ description, schema, mediaType = 'application/json' }: Answer): ApiResponse {
  return schema === undefined
    ? { description }
    : { description, content: { [mediaType]: { schema } } }
}

function refusalsOf(
  { refusals, caller, problems = [] }: Operation,
  hasBody: boolean,
): Readonly<Record<string, ApiResponse>> {
  if (refusals === 'page') {
    return {
      default: responseOf({
        description: 'A page',
        mediaType: 'text/html',
        schema: { type: 'string' },
      }),
    }
  }
  if (refusals === 'oauth-error') {
    return { default: responseOf({ description: 'Refused', schema: named('OAuthError') }) }
  }
  const codes = [
    ...problems,
    ...problemsOfCaller[caller],
    ...problemsOfAll,
    ...(hasBody ? problemsOfBodies : []),
  ]
  const byStatus = Map.groupBy(new Set(codes), (code) => createProblem(code).status)
  const entries = [...byStatus].map(([status, some]) => [String(status), problemResponse(some)])
  return Object.fromEntries(entries) as Readonly<Record<string, ApiResponse>>
}

function problemResponse(codes: readonly ProblemCode[]): ApiResponse {
  const description = codes.map((code) => `\`${code}\`: ${createProblem(code).title}`).join('; ')
  const code = { properties: { code: { enum: codes } } }
  const schema = { allOf: [named('Problem'), code] }
  return { description, content: { [problemMediaType]: { schema } } }
}
