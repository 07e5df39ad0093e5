import type { ClientAuthenticationParts } from '../domain/client-authentication.ts'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Introspection, IntrospectionParts } from '../domain/introspection.ts'
import { introspect } from '../domain/introspection.ts'
import type { KnownSession } from '../domain/sessions.ts'
import { isEncryptedToken } from '../domain/token-encryption.ts'
import { formOf } from './bodies.ts'
import { authenticateCaller } from './client-authentication.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { addOAuthEndpoint, cannotBeRead, sendOAuthError } from './oauth-errors.ts'
import { passingRetryAfterSeconds } from './problems.ts'
import type { HttpServer } from './server.ts'

export type IntrospectParts = ClientAuthenticationParts & IntrospectionParts

/** The introspection endpoint (RFC 7662), for clients that authenticate. */
export function addIntrospect(app: HttpServer, parts: IntrospectParts): void {
  addOAuthEndpoint(app, (scope) => {
    scope.post(pathAtIssuer(parts.issuer, '/introspect'), async (request, reply) => {
      const form = formOf(request.body)
      const caller = await authenticateCaller(parts, request, form)
      if (caller.kind === 'refused') return sendOAuthError(reply, caller)
      const token = form.get('token')
      if (token === undefined) {
        return sendOAuthError(reply, { error: 'invalid_request', why: 'token is required' })
      }
      if (isEncryptedToken(token)) {
        return sendOAuthError(reply, { error: 'unsupported_token_type', why: cannotBeRead })
      }
      const found = await introspect(parts, caller.client, token)
      request.log.info({ outcome: found.kind, clientId: caller.client.id }, 'introspect')
      if (found.kind === 'unvouched') return sendOAuthError(reply, cannotBeTold)
      return reply.header('cache-control', 'no-store').send(membersOf(found, parts.issuer))
    })
  })
}

const cannotBeTold = {
  error: 'temporarily_unavailable',
  why: 'the store takes no writes, so whether the token is good cannot be told',
  status: 503,
  retryAfterSeconds: passingRetryAfterSeconds,
} as const

/** RFC 7662 section 2.2. No name of a person is among it. */
function membersOf(found: Exclude<Introspection, { kind: 'unvouched' }>, issuer: string): object {
  switch (found.kind) {
    case 'access-token':
      return { active: true, token_type: typeOf(found.claims), ...found.claims }
    case 'refresh-token':
      return { active: true, iss: issuer, ...refreshTokenMembers(found.session) }
    case 'inactive':
      return { active: false }
  }
}

function typeOf({ cnf }: AccessTokenClaims): string {
  return cnf === undefined ? 'Bearer' : 'DPoP'
}

function refreshTokenMembers(session: KnownSession): object {
  const { id, accountId, clientId, scopes, idleExpiresAt, expiresAt, authenticatedAt } = session
  return {
    sub: accountId,
    client_id: clientId,
    sid: id,
    exp: Math.floor(Math.min(idleExpiresAt, expiresAt) / 1000),
    auth_time: Math.floor((session.reauthenticatedAt ?? authenticatedAt) / 1000),
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
  }
}
