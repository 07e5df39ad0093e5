import { createProblem } from '@portcullis/runtime'
import type {
  ClientAdministration,
  ClientCreationParts,
  ClientDecision,
  ClientDecisionOutcome,
} from '../domain/client-administration.ts'
import { rotateClientSecret } from '../domain/client-administration.ts'
import { accountPath, decisionBody, reasonText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { refuseDecision } from './client-members.ts'
import { instant } from './moments.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminClientChangesParts extends ClientCreationParts {
  readonly issuer: string
  readonly callers: Callers
  readonly clientAdministration: ClientAdministration
}

/** Until tomorrow, when all who have the old secret were given the new one. */
const overlapSecondsDefault = 24 * 60 * 60
const overlapSecondsMax = 30 * overlapSecondsDefault

const rotationBody = {
  type: 'object',
  required: ['reason'],
  additionalProperties: false,
  properties: {
    overlap_seconds: { type: 'integer', minimum: 0, maximum: overlapSecondsMax },
    reason: reasonText,
  },
} as const

/** Other secrets for clients, and their ends. Every change is kept with who and why. */
export function addAdminClientChanges(app: HttpServer, parts: AdminClientChangesParts): void {
  const { clientAdministration: clients } = parts
  addSecretRotation(app, parts)
  addDecision(app, parts, ['POST', '/:id/revoke-tokens', clients.revokeTokens])
  addDecision(app, parts, ['POST', '/:id/disable', clients.disable])
  addDecision(app, parts, ['POST', '/:id/enable', clients.enable])
  addDecision(app, parts, ['DELETE', '/:id', clients.delete])
}

function at(parts: { readonly issuer: string }, route: string): string {
  return pathAtIssuer(parts.issuer, `/admin/clients${route}`)
}

type Decide = (decision: ClientDecision) => Promise<ClientDecisionOutcome>

/** A decision that needs nothing but the reason for it. */
function addDecision(
  app: HttpServer,
  parts: AdminClientChangesParts,
  [method, route, decide]: readonly ['POST' | 'DELETE', string, Decide],
): void {
  const schema = { params: accountPath, body: decisionBody }
  app.route({
    method,
    url: at(parts, route),
    schema,
    handler: async (request, reply) => {
      const actor = await parts.callers.requireAdministrator(request)
      const clientId = request.params.id
      const outcome = await decide({ clientId, actor, ...request.body })
      if (outcome.kind !== 'done') return refuseDecision(reply, outcome)
      request.log.info(
        { event: 'authz_admin', clientId, actor: actor.accountId, method, route },
        'client decided about',
      )
      return reply.send({ revocation: outcome.position })
    },
  })
}

function addSecretRotation(app: HttpServer, parts: AdminClientChangesParts): void {
  const schema = { params: accountPath, body: rotationBody }
  app.post(at(parts, '/:id/rotate-secret'), { schema }, async (request, reply) => {
    const actor = await parts.callers.requireAdministrator(request)
    const clientId = request.params.id
    const { overlap_seconds: overlapSeconds = overlapSecondsDefault, reason } = request.body
    const decision = { clientId, actor, reason }
    const outcome = await rotateClientSecret(parts, decision, overlapSeconds)
    if (outcome.kind === 'no-secret') {
      return sendProblem(reply, createProblem('unknown-client', 'it has no secret'))
    }
    if (outcome.kind === 'too-early') {
      const until = instant(outcome.formerSecretUntil) ?? ''
      reply.header('retry-after', Math.max(1, Math.ceil(outcome.waitMs / 1000)))
      const detail = `two secrets are good until ${until}; with an overlap of 0 seconds both end at once, and every token of the client`
      return sendProblem(reply, createProblem('too-early', detail))
    }
    if (outcome.kind !== 'rotated') return refuseDecision(reply, outcome)
    request.log.info(
      { event: 'authz_admin', clientId, actor: actor.accountId, overlapSeconds },
      'client secret rotated',
    )
    reply.header('cache-control', 'no-store')
    return reply.send({
      client_id: clientId,
      client_secret: outcome.secret,
      former_secret_until: instant(outcome.formerSecretUntil),
      revocation: outcome.position,
    })
  })
}
