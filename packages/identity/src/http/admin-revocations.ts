import { formatPosition, parsePosition } from '@portcullis/protocol/revocations'
import { createProblem } from '@portcullis/runtime'
import type {
  FindRevocation,
  ListedRevocation,
  ListRevocations,
} from '../domain/listed-revocations.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { instant } from './moments.ts'
import { limitOf, longPageLimit } from './page-queries.ts'
import { positionPath, sendNoSuchPosition } from './position-path.ts'
import { sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminRevocationsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly listRevocations: ListRevocations
  readonly findRevocation: FindRevocation
}

const revocationsQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { limit: longPageLimit, after: { type: 'string', pattern: '^[0-9]{1,15}$' } },
} as const

/** The log that is in force, for people: `GET /revocations/receipts/:position` says what became of each. */
export function addAdminRevocations(
  app: HttpServer,
  { issuer, callers, listRevocations, findRevocation }: AdminRevocationsParts,
): void {
  const schema = { querystring: revocationsQuery }
  app.get(pathAtIssuer(issuer, '/admin/revocations'), { schema }, async (request) => {
    await callers.requireAdministrator(request)
    const { after } = request.query
    const before = after === undefined ? undefined : Number(after)
    const { epoch, revocations, next } = await listRevocations({
      limit: limitOf(request.query),
      before,
    })
    return {
      revocations: revocations.map((one) => membersOf(epoch, one)),
      ...(next === undefined ? {} : { next: String(next) }),
    }
  })

  const path = pathAtIssuer(issuer, '/admin/revocations/:position')
  app.get(path, { schema: { params: positionPath } }, async (request, reply) => {
    await callers.requireAdministrator(request)
    const position = parsePosition(request.params.position)
    if (position === undefined) return sendProblem(reply, createProblem('not-found'))
    const found = await findRevocation(position)
    if (found.kind === 'ahead' || found.kind === 'gone') {
      return sendNoSuchPosition(reply, found.kind)
    }
    return reply.send(membersOf(position.epoch, found.revocation))
  })
}

function membersOf(epoch: string, one: ListedRevocation): object {
  const { seq, kind, subject, cause, actor, reason } = one
  return {
    position: formatPosition({ epoch, seq }),
    kind,
    subject,
    account: one.accountId,
    cause,
    actor,
    reason,
    committed_at: instant(one.committedAt),
    until: instant(one.until),
  }
}
