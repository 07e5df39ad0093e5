import { createProblem } from '@portcullis/protocol'
import type { Account, AccountStore, Decision } from '../domain/accounts.ts'
import { parseIdentifier } from '../domain/accounts.ts'
import { accountPath, decisionBody, identifierText } from './body-fields.ts'
import type { Callers } from './callers.ts'
import { pathAtIssuer } from './issuer-path.ts'
import { sendLastAdministrator, sendOverruled, sendProblem } from './problems.ts'
import type { HttpServer } from './server.ts'

export interface AdminAccountsParts {
  readonly issuer: string
  readonly callers: Callers
  readonly accounts: AccountStore
}

const accountQuery = {
  type: 'object',
  required: ['identifier'],
  additionalProperties: false,
  properties: { identifier: identifierText },
} as const

/** What an administrator may do to an account. Every change is kept with who made it and why. */
export function addAdminAccounts(app: HttpServer, parts: AdminAccountsParts): void {
  const { issuer, callers, accounts } = parts
  const at = (route: string): string => pathAtIssuer(issuer, `/admin/accounts${route}`)
  const decision = { schema: { params: accountPath, body: decisionBody } }

  app.get(at(''), { schema: { querystring: accountQuery } }, async (request) => {
    await callers.requireAdministrator(request)
    const parsed = parseIdentifier(request.query.identifier)
    const account =
      parsed.kind === 'identifier' ? await accounts.findByIdentifier(parsed.identifier) : undefined
    return { accounts: account === undefined ? [] : [membersOf(account)] }
  })

  app.post(at('/:id/block'), decision, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decided: Decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await accounts.block(decided)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'last-administrator') return sendLastAdministrator(reply)
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.info({ accountId: decided.accountId, actor: actor.accountId }, 'account blocked')
    return reply.send({ revocation: outcome.position })
  })

  app.post(at('/:id/unblock'), decision, async (request, reply) => {
    const actor = await callers.requireAdministrator(request)
    const decided: Decision = { accountId: request.params.id, actor, ...request.body }
    const outcome = await accounts.unblock(decided)
    if (outcome.kind === 'unknown') return sendProblem(reply, createProblem('not-found'))
    if (outcome.kind === 'superseded') return sendOverruled(reply)
    request.log.info({ accountId: decided.accountId, actor: actor.accountId }, 'account unblocked')
    return reply.code(204).send()
  })
}

function membersOf({ id, identifier, roles, isBlocked }: Account): object {
  return { id, identifier, roles, blocked: isBlocked }
}
