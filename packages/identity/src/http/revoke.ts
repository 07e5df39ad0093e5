import type { ClientAuthenticationParts } from '../domain/client-authentication.ts'
import type { TokenRevocationParts } from '../domain/token-revocation.ts'
import { revokeToken } from '../domain/token-revocation.ts'
import { isEncryptedToken } from '../domain/token-encryption.ts'
import { formOf } from './bodies.ts'
import { authenticateCaller } from './client-authentication.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { addOAuthEndpoint, cannotBeRead, sendOAuthError } from './oauth-errors.ts'
import type { HttpServer } from './server.ts'

export type RevokeParts = ClientAuthenticationParts & TokenRevocationParts

/** The revocation endpoint (RFC 7009). What it answers with 200 is durable, or was not there. */
export function addRevoke(app: HttpServer, parts: RevokeParts): void {
  addOAuthEndpoint(app, (scope) => {
    scope.post(pathAtIssuer(parts.issuer, '/revoke'), async (request, reply) => {
      const form = formOf(request.body)
      const caller = await authenticateCaller(parts, request, form, 'none')
      if (caller.kind === 'refused') return sendOAuthError(reply, caller)
      const token = form.get('token')
      if (token === undefined) {
        return sendOAuthError(reply, { error: 'invalid_request', why: 'token is required' })
      }
      if (isEncryptedToken(token)) {
        // RFC 7009 section 2.2.1: otherwise the client would believe that it is gone.
        return sendOAuthError(reply, { error: 'unsupported_token_type', why: cannotBeRead })
      }
      const { client } = caller
      const outcome = await revokeToken(parts, client, token)
      const isDone = outcome.kind === 'revoked' || outcome.kind === 'session-ended'
      const event = isDone ? 'authn_token_revoked' : undefined
      request.log.info({ event, outcome: outcome.kind, clientId: client.id }, 'revoke')
      reply.header('cache-control', 'no-store')
      switch (outcome.kind) {
        case 'revoked':
        case 'session-ended':
          return reply.send({ revocation: outcome.position })
        case 'nothing':
          // RFC 7009 section 2.2: what the client wanted is so already.
          return reply.send({})
        case 'foreign':
          // RFC 7009 section 2.1 refuses it; the name is that of RFC 6749 section 5.2 for another client's.
          return sendOAuthError(reply, {
            error: 'invalid_grant',
            why: 'the token was issued to another client',
          })
        case 'too-often':
          // RFC 7009 section 2.2.1: the client must assume that the token is still there.
          return sendOAuthError(reply, {
            error: 'temporarily_unavailable',
            why: 'too many tokens were revoked one by one',
            status: 503,
            retryAfterSeconds: outcome.retryAfterSeconds,
          })
      }
    })
  })
}
