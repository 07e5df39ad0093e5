import type { FastifyRequest } from 'fastify'
import type { ClientAuthenticationParts } from '../domain/client-authentication.ts'
import type {
  ClientCredentialsParts,
  ClientCredentialsRefusal,
} from '../domain/client-credentials.ts'
import { grantClientCredentials } from '../domain/client-credentials.ts'
import type { RefreshParts, RefreshRefusal } from '../domain/refresh.ts'
import { refresh } from '../domain/refresh.ts'
import type { RequestedAccess } from '../domain/registry.ts'
import type { TokenExchangeParts, TokenExchangeRefusal } from '../domain/token-exchange.ts'
import { exchangeToken } from '../domain/token-exchange.ts'
import type { Form } from './bodies.ts'
import { formOf } from './bodies.ts'
import { authenticateCaller, readClientCredential } from './client-authentication.ts'
import { noteGrant } from './counted-requests.ts'
import { pathAtIssuer } from './issuer-path.ts'
import type { OAuthError } from './oauth-error-code.ts'
import type { OAuthRefusal } from './oauth-errors.ts'
import { addOAuthEndpoint, sendOAuthError } from './oauth-errors.ts'
import { presentedRefreshToken } from './presented-refresh-token.ts'
import type { ProofParts } from './proofs.ts'
import { examinerOf } from './proofs.ts'
import type { HttpServer } from './server.ts'
import {
  accessTokenTypeUrn,
  readTokenExchange,
  tokenExchangeGrantType,
} from './token-exchange-form.ts'
import { accessTokenMembers, sessionTokenFields, sessionTokenMembers } from './token-members.ts'

export type TokenParts = ClientAuthenticationParts &
  ClientCredentialsParts &
  RefreshParts &
  TokenExchangeParts &
  ProofParts & {
    /** Whose pages may refresh by the cookie. */
    readonly ownOrigins: ReadonlySet<string>
  }

/** The OAuth token endpoint (RFC 6749 section 3.2). It speaks RFC 6749 and no problem documents. */
export function addToken(app: HttpServer, parts: TokenParts): void {
  addOAuthEndpoint(app, (scope) => {
    scope.post(pathAtIssuer(parts.issuer, '/token'), async (request, reply) => {
      const { body, log } = request
      const form = formOf(body)
      const grantType = form.get('grant_type')
      if (grantType === undefined) {
        return sendOAuthError(reply, { error: 'invalid_request', why: 'grant_type is required' })
      }
      const grant = grants.get(grantType)
      if (grant === undefined) {
        const why = `use one of: ${[...grants.keys()].join(', ')}`
        return sendOAuthError(reply, { error: 'unsupported_grant_type', why })
      }
      noteGrant(reply, grantType)
      const answer = await grant(parts, form, request)
      const event = answer.kind === 'granted' ? 'authn_token_created' : 'authz_fail'
      log.info({ event, grantType, ...answer.facts }, 'token')
      if (answer.kind === 'refused') return sendOAuthError(reply, answer)
      // RFC 6749 section 5.1.
      const fields = { 'cache-control': 'no-store', ...answer.fields }
      return reply.headers(fields).send(answer.members)
    })
  })
}

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
  [tokenExchangeGrantType, answerTokenExchange],
])

export const supportedGrantTypes: readonly string[] = [...grants.keys()]

async function answerClientCredentials(
  parts: TokenParts,
  form: Form,
  request: FastifyRequest,
): Promise<GrantAnswer> {
  const caller = await authenticateCaller(parts, request, form)
  if (caller.kind === 'refused') return caller
  const { client } = caller
  const examineProof = examinerOf(parts, request)
  const asked = { client, examineProof, ...requestedAccess(form) }
  const outcome = await grantClientCredentials(parts, asked)
  if (outcome.kind === 'refused') return refusedFor(outcome.why, outcome.detail)
  return { kind: 'granted', facts: { outcome: 'granted' }, members: accessTokenMembers(outcome) }
}

/** RFC 6749 section 6: whoever shows a credential is judged by it, public or not. */
async function answerRefresh(
  parts: TokenParts,
  form: Form,
  request: FastifyRequest,
): Promise<GrantAnswer> {
  const shown = readClientCredential(request.headers.authorization, form)
  if (shown.kind === 'refused') return shown
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
    credential: shown.kind === 'credential' ? shown.credential : undefined,
    attempt: form.get('attempt'),
    network: request.ip,
    examineProof: examinerOf(parts, request),
    ...requestedAccess(form),
  })
  if (outcome.kind === 'refused') {
    const refusal = refusedFor(outcome.why, outcome.detail)
    return outcome.endedSessionId === undefined
      ? refusal
      : { ...refusal, facts: reuseFacts(outcome.endedSessionId) }
  }
  return {
    kind: 'granted',
    facts: { outcome: outcome.how, sessionId: outcome.session.id },
    members: sessionTokenMembers(outcome),
    fields: sessionTokenFields(outcome),
  }
}

function reuseFacts(sessionId: string): Readonly<Record<string, string>> {
  return { event: 'authn_token_reuse', outcome: 'refresh-reuse', sessionId }
}

/** RFC 8693 section 2.1. */
async function answerTokenExchange(
  parts: TokenParts,
  form: Form,
  request: FastifyRequest,
): Promise<GrantAnswer> {
  const caller = await authenticateCaller(parts, request, form)
  if (caller.kind === 'refused') return caller
  const asked = readTokenExchange(form)
  if (asked.kind === 'refused') return asked
  const { client } = caller
  const examineProof = examinerOf(parts, request)
  const outcome = await exchangeToken(parts, { client, examineProof, ...asked.request })
  if (outcome.kind === 'refused') return refusedFor(outcome.why, outcome.detail)
  const { subject, token } = outcome
  const { sub: accountId, sid: sessionId } = subject
  const facts = {
    outcome: 'granted',
    clientId: client.id,
    accountId,
    ...(sessionId && { sessionId }),
  }
  return {
    kind: 'granted',
    facts,
    members: { ...accessTokenMembers(token), issued_token_type: accessTokenTypeUrn },
  }
}

function requestedAccess(form: Form): RequestedAccess {
  return { audiences: form.get('audience')?.split(' '), scopes: form.get('scope')?.split(' ') }
}

const errorOfRefusal: Readonly<
  Record<ClientCredentialsRefusal | RefreshRefusal | TokenExchangeRefusal, OAuthError>
> = {
  'bad-client': 'invalid_client',
  'bad-grant': 'invalid_grant',
  // RFC 8693 section 2.2.2 wants this name, whatever is wrong with the token.
  'bad-subject-token': 'invalid_request',
  'grant-not-allowed': 'unauthorized_client',
  // RFC 8707 section 2 has the name for a target that cannot be had.
  'unknown-audience': 'invalid_target',
  'unknown-scope': 'invalid_scope',
  'token-over-budget': 'invalid_request',
  'bad-proof': 'invalid_dpop_proof',
  'nonce-wanted': 'use_dpop_nonce',
  'proof-required': 'invalid_dpop_proof',
}

function refusedFor(why: keyof typeof errorOfRefusal, detail: string | undefined): GrantAnswer {
  return { kind: 'refused', facts: { outcome: why }, error: errorOfRefusal[why], why: detail }
}
