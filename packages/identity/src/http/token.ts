import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type {
  ClientCredentialsParts,
  ClientCredentialsRefusal,
} from '../domain/client-credentials.ts'
import { grantClientCredentials } from '../domain/client-credentials.ts'
import type { RefreshParts, RefreshRefusal } from '../domain/refresh.ts'
import { refresh } from '../domain/refresh.ts'
import type { RequestedAccess } from '../domain/registry.ts'
import { acceptForms } from './bodies.ts'
import { readClientCredential } from './client-authentication.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { presentedRefreshToken } from './presented-refresh-token.ts'
import { logFault, problemOf, storeRetryAfterSeconds } from './problems.ts'
import type { HttpServer } from './server.ts'
import { accessTokenMembers, sessionTokenFields, sessionTokenMembers } from './token-members.ts'

export type TokenParts = ClientCredentialsParts &
  RefreshParts & {
    /** Whose pages may refresh by the cookie. */
    readonly ownOrigins: ReadonlySet<string>
  }

/** The OAuth token endpoint (RFC 6749 section 3.2). It speaks RFC 6749 and no problem documents. */
export function addToken(app: HttpServer, parts: TokenParts): void {
  app.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler(answerOAuthError)
    scope.post(pathAtIssuer(parts.issuer, '/token'), async (request, reply) => {
      const { body, log } = request
      const form: Form = body instanceof Map ? body : new Map()
      const grantType = form.get('grant_type')
      if (grantType === undefined) {
        return sendOAuthError(reply, { error: 'invalid_request', why: 'grant_type is required' })
      }
      const grant = grants.get(grantType)
      if (grant === undefined) {
        const why = `use one of: ${[...grants.keys()].join(', ')}`
        return sendOAuthError(reply, { error: 'unsupported_grant_type', why })
      }
      const answer = await grant(parts, form, request)
      log.info({ grantType, ...answer.facts }, 'token')
      if (answer.kind === 'refused') return sendOAuthError(reply, answer)
      // RFC 6749 section 5.1.
      const fields = { 'cache-control': 'no-store', ...answer.fields }
      return reply.headers(fields).send(answer.members)
    })
  })
}

type Form = ReadonlyMap<string, string>

/** What a grant answers, and what of it may be logged. */
type GrantAnswer = { readonly facts?: Readonly<Record<string, string>> } & (
  | {
      readonly kind: 'granted'
      readonly members: object
      readonly fields?: Readonly<Record<string, string>>
    }
  | ({ readonly kind: 'refused' } & OAuthRefusal)
)

type GrantHandler = (parts: TokenParts, form: Form, request: FastifyRequest) => Promise<GrantAnswer>

/** One entry for each `grant_type` that the metadata names. */
const grants: ReadonlyMap<string, GrantHandler> = new Map([
  ['client_credentials', answerClientCredentials],
  ['refresh_token', answerRefresh],
])

export const supportedGrantTypes: readonly string[] = [...grants.keys()]

async function answerClientCredentials(
  parts: TokenParts,
  form: Form,
  request: FastifyRequest,
): Promise<GrantAnswer> {
  const presented = readClientCredential(request.headers.authorization, form)
  if (presented.kind === 'refused') return presented
  const { credential } = presented
  const outcome = await grantClientCredentials(parts, { credential, ...requestedAccess(form) })
  if (outcome.kind === 'refused') return refusedFor(outcome.why, outcome.detail)
  return { kind: 'granted', facts: { outcome: 'granted' }, members: accessTokenMembers(outcome) }
}

/** RFC 6749 section 6. Only public clients have sessions, so whoever shows a secret is none of them. */
async function answerRefresh(
  parts: TokenParts,
  form: Form,
  request: FastifyRequest,
): Promise<GrantAnswer> {
  if (request.headers.authorization !== undefined || form.has('client_secret')) {
    return { kind: 'refused', error: 'invalid_client', why: 'clients of sessions have no secret' }
  }
  const presented = presentedRefreshToken(request, form.get('refresh_token'), parts.ownOrigins)
  if (presented.kind === 'none') {
    return { kind: 'refused', error: 'invalid_request', why: 'refresh_token is required' }
  }
  if (presented.kind === 'refused') {
    const { why, detail } = presented
    const facts = { outcome: why }
    const status = why === 'cross-origin' ? 403 : 400
    return { kind: 'refused', facts, error: 'invalid_request', why: detail, status }
  }
  const { refreshToken, delivery } = presented
  const outcome = await refresh(parts, {
    refreshToken,
    delivery,
    clientId: form.get('client_id'),
    attempt: form.get('attempt'),
    ...requestedAccess(form),
  })
  if (outcome.kind === 'refused') {
    const refusal = refusedFor(outcome.why, outcome.detail)
    return outcome.endedSessionId === undefined
      ? refusal
      : { ...refusal, facts: { outcome: 'refresh-reuse', sessionId: outcome.endedSessionId } }
  }
  return {
    kind: 'granted',
    facts: { outcome: outcome.how, sessionId: outcome.session.id },
    members: sessionTokenMembers(outcome),
    fields: sessionTokenFields(outcome),
  }
}

function requestedAccess(form: Form): RequestedAccess {
  return { audiences: form.get('audience')?.split(' '), scopes: form.get('scope')?.split(' ') }
}

type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'server_error'
  // Of the authorization endpoint (RFC 6749 section 4.1.2.1); the token endpoint has no name for it.
  | 'temporarily_unavailable'

interface OAuthRefusal {
  readonly error: OAuthError
  readonly why?: string | undefined
  /** Default 401 for `invalid_client`, 400 for the others. */
  readonly status?: number
}

const errorOfRefusal: Readonly<Record<ClientCredentialsRefusal | RefreshRefusal, OAuthError>> = {
  'bad-client': 'invalid_client',
  'bad-grant': 'invalid_grant',
  'grant-not-allowed': 'unauthorized_client',
  // RFC 8707 section 2 has the name for a target that cannot be had.
  'unknown-audience': 'invalid_target',
  'unknown-scope': 'invalid_scope',
  'token-over-budget': 'invalid_request',
}

function refusedFor(why: keyof typeof errorOfRefusal, detail: string | undefined): GrantAnswer {
  return { kind: 'refused', facts: { outcome: why }, error: errorOfRefusal[why], why: detail }
}

function sendOAuthError(
  reply: FastifyReply,
  { error, why, status = error === 'invalid_client' ? 401 : 400 }: OAuthRefusal,
): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="portcullis"')
  return reply.code(status).send({
    error,
    // RFC 6749 section 5.2 leaves out quote, backslash and everything that is not ASCII.
    ...(why === undefined
      ? {}
      : { error_description: why.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?') }),
  })
}

function answerOAuthError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = problemOf(error)
  const { status, detail } = problem
  logFault(error, problem, request)
  if (problem.code === 'store-unavailable') {
    reply.header('retry-after', storeRetryAfterSeconds)
    return sendOAuthError(reply, { error: 'temporarily_unavailable', why: detail, status })
  }
  if (status === 500) return sendOAuthError(reply, { error: 'server_error', status })
  const why = status === 415 ? 'send application/x-www-form-urlencoded' : detail
  return sendOAuthError(reply, { error: 'invalid_request', why, status })
}
