import type { AccountAdministration } from '../domain/account-administration.ts'
import { reasonText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendOverruled, sendUnfit } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminSessionsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly administration: Pick<AccountAdministration, 'logOutEverybody'>
}

const endAllBody = {
  type: 'object',
  required: ['issuer', 'reason'],
  additionalProperties: false,
  properties: {
    issuer: { type: 'string', minLength: 1, maxLength: 2048 },
    reason: reasonText,
  },
} as const

/** The end of everybody's sessions (ASVS 7.4.5). It names the system, so that nobody empties the wrong one. */
export function addAdminSessions(app: HttpServer, parts: AdminSessionsParts): void {
  const { issuer, callers, administration } = parts
  const schema = { body: endAllBody }
  app.post(pathAtIssuer(issuer, '/admin/sessions/end-all'), { schema }, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const { issuer: meant, reason } = request.body
    if (meant !== issuer) return sendUnfit(reply, 'issuer', 'is not the one that was asked')
    const outcome = await administration.logOutEverybody({ actor, reason })
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.warn({ actor: actor.accountId }, "everybody's sessions ended")
    return reply.send({ revocation: outcome.position })
  })
}
