import { createProblem } from '@portcullis/protocol'
import type { ProblemCode } from '@portcullis/protocol'
import type { FastifyReply } from 'fastify'
import type { LoginOutcome, LoginParts, LoginRefusal } from '../domain/login.ts'
import { login } from '../domain/login.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendBadCredentials, sendBusy, sendProblem, sendThrottled } from './problems.ts'
import type { HttpServer } from './server.ts'
import { sessionTokenMembers } from './token-members.ts'

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

/** Enough to tell one device from another. */
const deviceCharactersMax = 256

export function addLogin(app: HttpServer, parts: LoginParts): void {
  const path = pathAtIssuer(parts.issuer, '/login')
  const options = { schema: { body: loginBody }, config: { requestHeaders: ['content-type'] } }
  app.post(path, options, async ({ body, headers, ip, log }, reply) => {
    const outcome = await login(parts, {
      identifier: body.identifier,
      password: body.password,
      clientId: body.client_id,
      audiences: typeof body.audience === 'string' ? [body.audience] : body.audience,
      scopes: body.scope?.split(' '),
      device: headers['user-agent']?.slice(0, deviceCharactersMax),
      network: ip,
    })
    log.info(factsOf(outcome), 'login')
    return answerLogin(reply, outcome, parts.issuer)
  })
}

function answerLogin(reply: FastifyReply, outcome: LoginOutcome, issuer: string): FastifyReply {
  switch (outcome.kind) {
    case 'signed-in':
      return reply.send(sessionTokenMembers(outcome))
    case 'busy':
      return sendBusy(reply, outcome.retryAfterSeconds)
    case 'throttled':
      return sendThrottled(reply, outcome.retryAfterSeconds)
    case 'refused':
      if (outcome.why === 'bad-credentials') return sendBadCredentials(reply, issuer)
      return sendProblem(reply, createProblem(problemOfRefusal[outcome.why], outcome.detail))
  }
}

const problemOfRefusal: Readonly<Record<LoginRefusal, ProblemCode>> = {
  'bad-credentials': 'bad-credentials',
  'account-blocked': 'account-blocked',
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
    case 'throttled':
      return { outcome: 'throttled', by: outcome.by, keyId: outcome.keyId }
  }
}
