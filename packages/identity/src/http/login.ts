import { createProblem } from '@portcullis/protocol'
import type { ProblemCode } from '@portcullis/protocol'
import type { FastifyReply } from 'fastify'
import type { LoginOutcome, LoginParts, LoginRefusal } from '../domain/login.ts'
import { login } from '../domain/login.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

const audienceName = { type: 'string', minLength: 1, maxLength: 256 } as const

const loginBody = {
  type: 'object',
  required: ['identifier', 'password'],
  additionalProperties: false,
  properties: {
    identifier: { type: 'string', minLength: 1, maxLength: 320 },
    password: { type: 'string', minLength: 1, maxLength: 1024 },
    client_id: { type: 'string', minLength: 1, maxLength: 64 },
    audience: {
      oneOf: [audienceName, { type: 'array', items: audienceName, minItems: 1, maxItems: 16 }],
    },
    scope: { type: 'string', minLength: 1, maxLength: 2048 },
  },
} as const

export function addLogin(app: HttpServer, parts: LoginParts): void {
  const path = pathAtIssuer(parts.issuer, '/login')
  app.post(path, { schema: { body: loginBody } }, async ({ body, log }, reply) => {
    const outcome = await login(parts, {
      identifier: body.identifier,
      password: body.password,
      clientId: body.client_id,
      audiences: typeof body.audience === 'string' ? [body.audience] : body.audience,
      scopes: body.scope?.split(' '),
    })
    log.info(factsOf(outcome), 'login')
    return answerLogin(reply, outcome, parts.issuer)
  })
}

function answerLogin(reply: FastifyReply, outcome: LoginOutcome, issuer: string): FastifyReply {
  switch (outcome.kind) {
    case 'signed-in':
      return reply.send({
        access_token: outcome.token.accessToken,
        token_type: 'Bearer',
        expires_in: outcome.token.expiresInSeconds,
        ...(outcome.refresh === undefined
          ? {}
          : {
              refresh_token: outcome.refresh.token,
              refresh_expires_in: outcome.refresh.expiresInSeconds,
            }),
        session_id: outcome.session.id,
        scope: outcome.token.scopes.join(' '),
      })
    case 'busy':
      reply.header('retry-after', outcome.retryAfterSeconds)
      return sendProblem(reply, createProblem('overloaded', 'too many people are signing in'))
    case 'refused':
      if (outcome.why === 'bad-credentials') {
        // RFC 9110 section 15.5.2 wants a challenge. Browsers do not know this scheme, so they show
        // no password dialog.
        reply.header('www-authenticate', `Password realm="${issuer}"`)
      }
      return sendProblem(reply, createProblem(problemOfRefusal[outcome.why], outcome.detail))
  }
}

const problemOfRefusal: Readonly<Record<LoginRefusal, ProblemCode>> = {
  'bad-credentials': 'bad-credentials',
  'unknown-client': 'unknown-client',
  'unknown-audience': 'unknown-audience',
  'unknown-scope': 'unknown-scope',
  'token-over-budget': 'token-over-budget',
}

/** Never the identifier: people type their password into the wrong field. */
function factsOf(outcome: LoginOutcome): Readonly<Record<string, string>> {
  switch (outcome.kind) {
    case 'signed-in':
      return {
        outcome: 'signed-in',
        accountId: outcome.session.accountId,
        sessionId: outcome.session.id,
      }
    case 'refused':
      return { outcome: outcome.why }
    case 'busy':
      return { outcome: 'busy' }
  }
}
