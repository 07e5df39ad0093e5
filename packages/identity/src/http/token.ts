import type { FastifyError, FastifyReply } from 'fastify'
import type {
  ClientCredentialsOutcome,
  ClientCredentialsParts,
  ClientCredentialsRefusal,
} from '../domain/client-credentials.ts'
import { grantClientCredentials } from '../domain/client-credentials.ts'
import { acceptForms } from './bodies.ts'
import { readClientCredential } from './client-authentication.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { problemOf } from './problems.ts'
import type { HttpServer } from './server.ts'

/** The OAuth token endpoint (RFC 6749 section 3.2). It speaks RFC 6749 and no problem documents. */
export function addToken(app: HttpServer, parts: ClientCredentialsParts): void {
  app.register(async (scope) => {
    acceptForms(scope)
    scope.setErrorHandler(answerOAuthError)
    scope.post(pathAtIssuer(parts.issuer, '/token'), async ({ body, headers, log }, reply) => {
      const form: ReadonlyMap<string, string> = body instanceof Map ? body : new Map()
      const grantType = form.get('grant_type')
      if (grantType === undefined) {
        return sendOAuthError(reply, 'invalid_request', 'grant_type is required')
      }
      if (grantType !== 'client_credentials') {
        return sendOAuthError(reply, 'unsupported_grant_type', 'use client_credentials')
      }
      const presented = readClientCredential(headers.authorization, form)
      if (presented.kind === 'refused') {
        return sendOAuthError(reply, presented.error, presented.why)
      }
      const outcome = await grantClientCredentials(parts, {
        credential: presented.credential,
        audiences: form.get('audience')?.split(' '),
        scopes: form.get('scope')?.split(' '),
      })
      log.info(
        { outcome: outcome.kind === 'refused' ? outcome.why : 'granted', grantType },
        'token',
      )
      return answerGrant(reply, outcome)
    })
  })
}

function answerGrant(reply: FastifyReply, outcome: ClientCredentialsOutcome): FastifyReply {
  if (outcome.kind === 'refused') {
    return sendOAuthError(reply, errorOfRefusal[outcome.why], outcome.detail)
  }
  // RFC 6749 section 5.1.
  return reply.header('cache-control', 'no-store').send({
    access_token: outcome.accessToken,
    token_type: 'Bearer',
    expires_in: outcome.expiresInSeconds,
    scope: outcome.scopes.join(' '),
  })
}

type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'server_error'

const errorOfRefusal: Readonly<Record<ClientCredentialsRefusal, OAuthError>> = {
  'bad-client': 'invalid_client',
  'grant-not-allowed': 'unauthorized_client',
  // RFC 8707 section 2 has the name for a target that cannot be had.
  'unknown-audience': 'invalid_target',
  'unknown-scope': 'invalid_scope',
  'token-over-budget': 'invalid_request',
}

function sendOAuthError(
  reply: FastifyReply,
  error: OAuthError,
  description?: string,
  status = error === 'invalid_client' ? 401 : 400,
): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Basic realm="portcullis"')
  return reply.code(status).send({
    error,
    // RFC 6749 section 5.2 leaves out quote, backslash and everything that is not ASCII.
    ...(description === undefined
      ? {}
      : { error_description: description.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?') }),
  })
}

function answerOAuthError(
  error: FastifyError,
  request: { log: { error: (facts: object, message: string) => void } },
  reply: FastifyReply,
): FastifyReply {
  const { status, detail } = problemOf(error)
  if (status === 500) {
    request.log.error({ err: error, route: '/token' }, 'unexpected error')
    return sendOAuthError(reply, 'server_error', undefined, status)
  }
  const description = status === 415 ? 'send application/x-www-form-urlencoded' : detail
  return sendOAuthError(reply, 'invalid_request', description, status)
}
