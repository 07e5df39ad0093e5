import type { FastifyReply } from 'fastify'
import type { BulkAdministration, BulkDecision, BulkOutcome } from '../domain/account-bulk.ts'
import type { Administrator } from '../domain/actors.ts'
import { reasonText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendOverruled } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAccountBulkParts {
  readonly issuer: string
  readonly callers: Callers
  readonly bulk: BulkAdministration
}

/** All of them are one transaction, which takes about a second; more would let logins wait for too long. */
const accountsMax = 10_000
/** Room for so many ids and a reason, however they are laid out. */
const bodyBytesMax = 512 * 1024

const bulkBody = {
  type: 'object',
  required: ['ids', 'reason'],
  additionalProperties: false,
  properties: {
    ids: {
      type: 'array',
      minItems: 1,
      maxItems: accountsMax,
      items: { type: 'string', minLength: 1, maxLength: 64 },
    },
    reason: reasonText,
  },
} as const

/** One decision about many accounts in one request. The answer says what has become of each. */
export function addAdminAccountBulk(app: HttpServer, parts: AdminAccountBulkParts): void {
  const { issuer, callers, bulk } = parts
  const at = (route: string): string => pathAtIssuer(issuer, `/admin/accounts/${route}`)
  const options = { schema: { body: bulkBody }, bodyLimit: bodyBytesMax }

  app.post(at('logout'), options, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const outcome = await bulk.logOut(decisionOf(actor, request.body))
    request.log.info(factsOf(actor, outcome), 'all sessions of many accounts ended')
    return answer(reply, outcome)
  })

  app.post(at('block'), options, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const outcome = await bulk.block(decisionOf(actor, request.body))
    request.log.info(factsOf(actor, outcome), 'many accounts blocked')
    return answer(reply, outcome)
  })
}

function decisionOf(
  actor: Administrator,
  { ids, reason }: { readonly ids: readonly string[]; readonly reason: string },
): BulkDecision {
  return { accountIds: [...new Set(ids)], actor, reason }
}

const event = 'authz_admin'

function factsOf({ accountId }: Administrator, outcome: BulkOutcome): object {
  if (outcome.kind !== 'decided') return { event, actor: accountId, outcome: outcome.kind }
  const changed = [...outcome.fates.values()].filter((fate) => ['ended', 'blocked'].includes(fate))
  return { event, actor: accountId, accounts: changed.length }
}

function answer(reply: FastifyReply, outcome: BulkOutcome): FastifyReply {
  if (outcome.kind === 'superseded') return sendOverruled(reply)
  const results = [...outcome.fates].map(([id, fate]) => ({ id, outcome: fate }))
  return reply.send({ results, revocation: outcome.position })
}
